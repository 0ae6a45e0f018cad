/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_rows.h"

#include "common/json.h"
#include "common/log.h"
#include "proto/limits.h"

#define WORD_MAX 64 /* bytes of a role, and of a user type */

enum { COL_REFUSAL, COL_USER, COL_NAME, COL_EMAIL, COL_TYPE, COL_ROLE, COL_EXPIRES, COL_MARK };

/* A session may expire at 'infinity', which is no number. */
#define EXPIRES_MS                                                                                 \
	" (extract(epoch from least(greatest(expires_at, 'epoch'), '9999-12-31 UTC'))"             \
	" * 1000)::bigint"

const char access_authorize_sql[] =
	"SELECT refusal, user_id, name, email, user_type, role," EXPIRES_MS ", md5($1::text)"
	" FROM authorize($1::text, $2::text, $3::text)";
const char access_whoami_sql[] =
	"SELECT refusal, user_id, name, email, user_type, ''," EXPIRES_MS ", md5($1::text)"
	" FROM session_lookup($1::text)";

const char access_key_sql[] = "SELECT refusal, '', name, '', '', 'service'," EXPIRES_MS
			      ", encode(sha256(convert_to($1::text, 'UTF8')), 'hex')"
			      " FROM service_authorize($1::text, coalesce($2::text, ''), $3::text)";

struct row {
	struct span user, name, email, user_type, role;
};

static enum access_refusal refusal_of(const struct pg_rows *);
static const char *unfit(const struct row *);
static struct span cut(struct span text, size_t max_bytes);

enum err access_rows_read(const struct pg_rows *rows, struct access_answer *out)
{
	if (pg_count(rows) != 1) {
		log_error("access_failed", kv_u64("rows", pg_count(rows)),
			  kv_str("why", "authorize() and session_lookup() answer with one row"));
		return ERR_DB_REFUSED;
	}
	const struct row row = {
		.user = pg_text(rows, 0, COL_USER),
		.name = cut(pg_text(rows, 0, COL_NAME), USER_NAME_MAX),
		.email = pg_text(rows, 0, COL_EMAIL),
		.user_type = pg_text(rows, 0, COL_TYPE),
		.role = pg_text(rows, 0, COL_ROLE),
	};
	const char *what = unfit(&row);

	if (what) {
		log_error("access_failed", kv_str("column", what),
			  kv_str("why", "too long, or not UTF-8"));
		return ERR_DB_REFUSED;
	}
	*out = (struct access_answer){
		.refusal = refusal_of(rows),
		.role = row.role,
		.user_type = row.user_type,
		.expires_unix_ms = pg_int(rows, 0, COL_EXPIRES),
	};
	if (out->refusal == ACCESS_GRANTED)
		out->user = user_new(row.user, row.name, row.email);
	return OK;
}

struct span access_rows_mark(const struct pg_rows *rows)
{
	return pg_text(rows, 0, COL_MARK);
}

static enum access_refusal refusal_of(const struct pg_rows *rows)
{
	static const char *const names[] = {
		[ACCESS_NO_SESSION] = "no_session",
		[ACCESS_NO_USER] = "no_user",
		[ACCESS_NO_ROOM] = "no_room",
		[ACCESS_DENIED] = "denied",
	};

	if (pg_is_null(rows, 0, COL_REFUSAL))
		return ACCESS_GRANTED;
	for (unsigned i = ACCESS_NO_SESSION; i < ARRAY_LEN(names); i++)
		if (span_is(pg_text(rows, 0, COL_REFUSAL), names[i]))
			return (enum access_refusal)i;
	return ACCESS_DENIED; /* a word that an application's own authorize() made up */
}

/* The column that no record could carry: a shard would refuse the whole room for it. */
static const char *unfit(const struct row *r)
{
	const struct {
		const char *column;
		struct span text;
		size_t max;
	} all[] = {
		{"user_id", r->user, USER_ID_MAX},   {"name", r->name, USER_NAME_MAX},
		{"email", r->email, USER_EMAIL_MAX}, {"user_type", r->user_type, WORD_MAX},
		{"role", r->role, WORD_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].text.len > all[i].max || !json_is_utf8(all[i].text))
			return all[i].column;
	return NULL;
}

/* Between two characters. */
static struct span cut(struct span text, size_t max_bytes)
{
	if (text.len <= max_bytes)
		return text;
	while (max_bytes > 0 && (text.p[max_bytes] & 0xc0) == 0x80)
		max_bytes--;
	return span_of(text.p, max_bytes);
}
