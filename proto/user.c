/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/user.h"

#include <string.h>

#include "common/mem.h"

struct user {
	uint32_t refs;
	uint16_t id_len, name_len, email_len;
	uint8_t text[]; /* the three, one after the other */
};

static uint16_t put(struct user *, size_t at, struct span text);

struct user *user_new(struct span id, struct span name, struct span email)
{
	struct user *u = mem_new(sizeof *u + id.len + name.len + email.len);

	u->refs = 1;
	u->id_len = put(u, 0, id);
	u->name_len = put(u, id.len, name);
	u->email_len = put(u, id.len + name.len, email);
	return u;
}

struct user *user_ref(struct user *u)
{
	u->refs++;
	return u;
}

void user_free(struct user **pu)
{
	struct user *u = *pu;

	*pu = NULL;
	if (u && --u->refs == 0)
		mem_free(u);
}

void user_share(struct user **mine, struct user *theirs)
{
	if (!*mine || !theirs || *mine == theirs || !user_eq(*mine, theirs))
		return;
	user_free(mine);
	*mine = user_ref(theirs);
}

bool user_eq(const struct user *a, const struct user *b)
{
	return span_eq(user_id(a), user_id(b)) && span_eq(user_name(a), user_name(b)) &&
	       span_eq(user_email(a), user_email(b));
}

struct span user_id(const struct user *u)
{
	return span_of(u->text, u->id_len);
}

struct span user_name(const struct user *u)
{
	return span_of(u->text + u->id_len, u->name_len);
}

struct span user_email(const struct user *u)
{
	return span_of(u->text + u->id_len + u->name_len, u->email_len);
}

static uint16_t put(struct user *u, size_t at, struct span text)
{
	must(text.len <= UINT16_MAX); /* the codec's and access_rows.c's limits are lower */
	if (text.len)
		memcpy(u->text + at, text.p, text.len);
	return (uint16_t)text.len;
}
