/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_cache.h"

#include <string.h>

#include "common/mem.h"

struct known {
	struct list node;
	struct access_answer answer; /* its spans point into bytes */
	struct span key, mark, room;
	uint8_t bytes[];
};

static struct known *known_new(struct span key, struct span mark, const struct access_answer *);
static struct span keep(uint8_t **at, struct span text);
static void forget(struct access_cache *, struct known *);
static bool is_named(const struct known *, struct span payload);

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
		      const struct access_answer *a)
{
	struct known *k = map_find(&c->by_key, key);

	if (k)
		forget(c, k);
	if (a->refusal != ACCESS_GRANTED)
		return;
	if (c->by_key.len >= c->cap)
		forget(c, container_of(c->by_use.next, struct known, node));
	k = known_new(key, mark, a);
	list_add_last(&c->by_use, &k->node);
	map_add(&c->by_key, k->key, k);
}

bool access_cache_find(struct access_cache *c, struct span key, int64_t now_unix_ms,
		       struct access_answer *out)
{
	struct known *k = map_find(&c->by_key, key);

	if (!k)
		return false;
	if (now_unix_ms >= k->answer.expires_unix_ms) {
		forget(c, k);
		return false;
	}
	list_remove(&k->node);
	list_add_last(&c->by_use, &k->node);
	*out = k->answer;
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
	size_t len = key.len + mark.len + a->user.len + a->name.len + a->email.len + a->role.len +
		     a->user_type.len;
	struct known *k = mem_new(sizeof *k + len);
	uint8_t *at = k->bytes;
	struct span token;

	k->key = keep(&at, key);
	k->mark = keep(&at, mark);
	k->answer = *a;
	k->answer.user = keep(&at, a->user);
	k->answer.name = keep(&at, a->name);
	k->answer.email = keep(&at, a->email);
	k->answer.role = keep(&at, a->role);
	k->answer.user_type = keep(&at, a->user_type);
	k->room = k->key;
	token = span_until(&k->room, 0);
	(void)token;
	list_init(&k->node);
	return k;
}

static struct span keep(uint8_t **at, struct span text)
{
	struct span kept = span_of(*at, text.len);

	if (text.len)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return kept;
}

static void forget(struct access_cache *c, struct known *k)
{
	(void)map_remove(&c->by_key, k->key);
	list_remove(&k->node);
	mem_free(k);
}

/* A room's change ends the answers about that room; a whoami has none. */
static bool is_named(const struct known *k, struct span payload)
{
	struct span what = payload;
	struct span kind = span_until(&what, ':');

	if (span_is(kind, "session") || span_is(kind, "key"))
		return span_eq(what, k->mark);
	if (span_is(kind, "user"))
		return span_eq(what, k->answer.user) || span_eq(what, k->answer.email) || !what.len;
	if (span_is(kind, "room"))
		return span_eq(what, k->room);
	return true;
}
