/* SPDX-License-Identifier: Apache-2.0 */
/* The command token. The secret goes to standard output alone, so that it can be piped on. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "deploy/ctl/acts.h"
#include "deploy/ctl/database.h"

#define SESSION_TTL "1 hours"

static bool read_ttl(const char *text, char out[32]);

int act_token(struct ctl *c)
{
	bool is_service = strcmp(c->args[0], "service") == 0;
	const char *sql = is_service
				  ? "SELECT service_key_new($1, now() + $2::interval)"
				  : "INSERT INTO sessions (id, user_id, expires_at)"
				    " SELECT 'moot_session_' || replace(gen_random_uuid()::text ||"
				    " gen_random_uuid()::text, '-', ''), id, now() + $2::interval"
				    " FROM users WHERE id = $1 RETURNING id";
	char ttl[32] = SESSION_TTL;
	struct buf token;

	if (c->args[2] && !read_ttl(c->args[2], ttl))
		return ctl_fail(c, "TTL is a number with d, h or m behind it, not \"%s\"",
				c->args[2]);
	const char *const params[] = {c->args[1], is_service && !c->args[2] ? NULL : ttl};
	struct database *d = database_open(c);
	if (!d)
		return CTL_FAILED;
	buf_init(&token, 1024);
	bool done = database_ask(d, sql, params, ARRAY_LEN(params), &token);
	if (done && token.len == 0) {
		(void)ctl_fail(c, "there is no user with the id \"%s\"", c->args[1]);
		done = false;
	} else if (done && c->json) {
		buf_put_str(&c->out, "{\"token\":");
		json_put_string(&c->out, span_of(token.p, token.len - 1));
		buf_put_str(&c->out, "}\n");
	} else if (done) {
		buf_put_span(&c->out, buf_span(&token));
	}
	buf_fini(&token);
	database_close(&d);
	return done ? CTL_DONE : CTL_FAILED;
}

static bool read_ttl(const char *text, char out[32])
{
	static const struct {
		char letter;
		const char *word;
	} units[] = {{'d', "days"}, {'h', "hours"}, {'m', "minutes"}};
	char *end;
	unsigned long n = isdigit((unsigned char)text[0]) ? strtoul(text, &end, 10) : 0;

	if (n == 0 || n > 100000 || !*end || end[1])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (*end == units[i].letter) {
			snprintf(out, 32, "%lu %s", n, units[i].word);
			return true;
		}
	return false;
}
