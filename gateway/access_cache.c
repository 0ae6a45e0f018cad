/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_cache.h"

#include <string.h>

#include "common/mem.h"

struct known {
	struct list node;
	struct user *user;
	int64_t expires_unix_ms;
	uint16_t key_len, room_at; /* the key's tail is the room key */
	uint8_t mark_len, role_len, type_len;
	uint8_t bytes[]; /* key, mark, role, user type */
};

static struct known *known_new(struct span key, struct span mark, const struct access_answer *);
static uint8_t keep(struct known *, size_t at, struct span text);
static void forget(struct access_cache *, struct known *);
static bool is_named(const struct known *, struct span payload);
static struct span key_of(const struct known *);
static struct span mark_of(const struct known *);
static struct span room_of(const struct known *);
static struct access_answer answer_of(const struct known *);

void access_cache_init(struct access_cache *c, size_t cap_answers)
{
	map_init(&c->by_key);
	list_init(&c->by_use);
	c->cap = cap_answers;
}

void access_cache_fini(struct access_cache *c)
{
	LIST_EACH (&c->by_use, it, ahead)
		forget(c, container_of(it, struct known, node));
	map_fini(&c->by_key);
}

void access_cache_put(struct access_cache *c, struct span key, struct span mark,
		      struct access_answer *a)
{
	struct known *k = map_find(&c->by_key, key);

	if (k) {
		user_share(&a->user, k->user);
		forget(c, k);
	}
	if (a->refusal != ACCESS_GRANTED)
		return;
	if (c->by_key.len >= c->cap)
		forget(c, container_of(c->by_use.next, struct known, node));
	k = known_new(key, mark, a);
	list_add_last(&c->by_use, &k->node);
	map_add(&c->by_key, key_of(k), k);
}

bool access_cache_find(struct access_cache *c, struct span key, int64_t now_unix_ms,
		       struct access_answer *out)
{
	struct known *k = map_find(&c->by_key, key);

	if (!k)
		return false;
	if (now_unix_ms >= k->expires_unix_ms) {
		forget(c, k);
		return false;
	}
	list_remove(&k->node);
	list_add_last(&c->by_use, &k->node);
	*out = answer_of(k);
	return true;
}

bool access_cache_has(const struct access_cache *c, struct span key)
{
	return map_find(&c->by_key, key);
}

void access_cache_revoke(struct access_cache *c, struct span payload)
{
	LIST_EACH (&c->by_use, it, ahead) {
		struct known *k = container_of(it, struct known, node);

		if (is_named(k, payload))
			forget(c, k);
	}
}

static struct known *known_new(struct span key, struct span mark, const struct access_answer *a)
{
	struct known *k = mem_new(sizeof *k + key.len + mark.len + a->role.len + a->user_type.len);
	struct span room = key, token = span_until(&room, 0);

	must(key.len <= UINT16_MAX);
	k->user = user_ref(a->user);
	k->expires_unix_ms = a->expires_unix_ms;
	k->key_len = (uint16_t)key.len;
	k->room_at = (uint16_t)(token.len + 1);
	memcpy(k->bytes, key.p, key.len);
	k->mark_len = keep(k, key.len, mark);
	k->role_len = keep(k, key.len + mark.len, a->role);
	k->type_len = keep(k, key.len + mark.len + a->role.len, a->user_type);
	list_init(&k->node);
	return k;
}

static uint8_t keep(struct known *k, size_t at, struct span text)
{
	must(text.len <= UINT8_MAX); /* access_rows.c lets in less */
	if (text.len)
		memcpy(k->bytes + at, text.p, text.len);
	return (uint8_t)text.len;
}

static void forget(struct access_cache *c, struct known *k)
{
	(void)map_remove(&c->by_key, key_of(k));
	list_remove(&k->node);
	user_free(&k->user);
	mem_free(k);
}

/* A room's change ends the answers about that room; a whoami has none. */
static bool is_named(const struct known *k, struct span payload)
{
	struct span what = payload;
	struct span kind = span_until(&what, ':');

	if (span_is(kind, "session") || span_is(kind, "key"))
		return span_eq(what, mark_of(k));
	if (span_is(kind, "user"))
		return span_eq(what, user_id(k->user)) || span_eq(what, user_email(k->user)) ||
		       !what.len;
	if (span_is(kind, "room"))
		return span_eq(what, room_of(k));
	return true;
}

static struct span key_of(const struct known *k)
{
	return span_of(k->bytes, k->key_len);
}

static struct span mark_of(const struct known *k)
{
	return span_of(k->bytes + k->key_len, k->mark_len);
}

static struct span room_of(const struct known *k)
{
	return span_from(key_of(k), k->room_at);
}

static struct access_answer answer_of(const struct known *k)
{
	const uint8_t *role = k->bytes + k->key_len + k->mark_len;

	return (struct access_answer){
		.refusal = ACCESS_GRANTED,
		.user = k->user,
		.role = span_of(role, k->role_len),
		.user_type = span_of(role + k->role_len, k->type_len),
		.expires_unix_ms = k->expires_unix_ms,
	};
}
