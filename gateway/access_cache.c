/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/access_cache.h"

#include <string.h>

#include "common/mem.h"
#include "common/random.h"

#define CHAINS_MIN 16

struct known {
	struct known *next;
	struct list node;
	struct user *user;
	int64_t expires_unix_ms;
	uint8_t id[MAC_LEN];
	/* What a NOTIFY may name. Two that fall together are forgotten together: no harm is done.
	 */
	uint32_t mark_hash, room_hash;
	uint8_t role_len, type_len;
	uint8_t bytes[]; /* role, user type */
};

static void id_of(const struct access_cache *, struct span key, uint8_t out[MAC_LEN]);
static struct known *find(const struct access_cache *, struct span key);
static struct known **chain_of(const struct access_cache *, const uint8_t id[MAC_LEN]);
static void add(struct access_cache *, struct known *);
static void grow(struct access_cache *);
static struct known *known_new(struct span key, struct span mark, const struct access_answer *a);
static uint8_t keep(struct known *, size_t at, struct span text);
static void forget(struct access_cache *, struct known *);
static bool is_named(const struct known *, struct span payload);
static uint32_t short_hash(struct span);
static struct access_answer answer_of(const struct known *);

void access_cache_init(struct access_cache *c, size_t cap_answers)
{
	uint8_t secret[MAC_LEN];

	*c = (struct access_cache){.cap = cap_answers};
	list_init(&c->by_use);
	random_bytes(secret, sizeof secret);
	c->secret = mac_key_new(span_of(secret, sizeof secret));
}

void access_cache_fini(struct access_cache *c)
{
	LIST_EACH (&c->by_use, it, ahead)
		forget(c, container_of(it, struct known, node));
	mem_free(c->chains);
	mac_key_free(&c->secret);
}

void access_cache_put(struct access_cache *c, struct span key, struct span mark,
		      struct access_answer *a)
{
	struct known *k = find(c, key);

	if (k) {
		user_share(&a->user, k->user);
		forget(c, k);
	}
	if (a->refusal != ACCESS_GRANTED)
		return;
	if (c->count >= c->cap)
		forget(c, container_of(c->by_use.next, struct known, node));
	k = known_new(key, mark, a);
	id_of(c, key, k->id);
	add(c, k);
}

bool access_cache_find(struct access_cache *c, struct span key, int64_t now_unix_ms,
		       struct access_answer *out)
{
	struct known *k = find(c, key);

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
	return find(c, key);
}

void access_cache_revoke(struct access_cache *c, struct span payload)
{
	LIST_EACH (&c->by_use, it, ahead) {
		struct known *k = container_of(it, struct known, node);

		if (is_named(k, payload))
			forget(c, k);
	}
}

static void id_of(const struct access_cache *c, struct span key, uint8_t out[MAC_LEN])
{
	mac_key_sign(c->secret, key, out);
}

static struct known *find(const struct access_cache *c, struct span key)
{
	uint8_t id[MAC_LEN];

	if (!c->count)
		return NULL;
	id_of(c, key, id);
	for (struct known *k = *chain_of(c, id); k; k = k->next)
		if (memcmp(k->id, id, sizeof id) == 0)
			return k;
	return NULL;
}

static struct known **chain_of(const struct access_cache *c, const uint8_t id[MAC_LEN])
{
	uint64_t bits;

	memcpy(&bits, id, sizeof bits);
	return &c->chains[bits & (c->chain_count - 1)];
}

static void add(struct access_cache *c, struct known *k)
{
	if (c->count == c->chain_count)
		grow(c);
	struct known **chain = chain_of(c, k->id);

	k->next = *chain;
	*chain = k;
	list_add_last(&c->by_use, &k->node);
	c->count++;
}

static void grow(struct access_cache *c)
{
	c->chain_count = c->chain_count ? c->chain_count * 2 : CHAINS_MIN;
	mem_free(c->chains);
	c->chains = mem_new(c->chain_count * sizeof(struct known *));
	LIST_EACH (&c->by_use, it, ahead) {
		struct known *k = container_of(it, struct known, node);
		struct known **chain = chain_of(c, k->id);

		k->next = *chain;
		*chain = k;
	}
}

static struct known *known_new(struct span key, struct span mark, const struct access_answer *a)
{
	struct known *k = mem_new(sizeof *k + a->role.len + a->user_type.len);
	struct span room = key;

	(void)span_until(&room, 0);
	k->user = user_ref(a->user);
	k->expires_unix_ms = a->expires_unix_ms;
	k->mark_hash = short_hash(mark);
	k->room_hash = short_hash(room);
	k->role_len = keep(k, 0, a->role);
	k->type_len = keep(k, a->role.len, a->user_type);
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
	struct known **at = chain_of(c, k->id);

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	c->count--;
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
		return short_hash(what) == k->mark_hash;
	if (span_is(kind, "user"))
		return span_eq(what, user_id(k->user)) || span_eq(what, user_email(k->user)) ||
		       !what.len;
	if (span_is(kind, "room"))
		return short_hash(what) == k->room_hash;
	return true;
}

static uint32_t short_hash(struct span text)
{
	return (uint32_t)span_hash(text);
}

static struct access_answer answer_of(const struct known *k)
{
	return (struct access_answer){
		.refusal = ACCESS_GRANTED,
		.user = k->user,
		.role = span_of(k->bytes, k->role_len),
		.user_type = span_of(k->bytes + k->role_len, k->type_len),
		.expires_unix_ms = k->expires_unix_ms,
	};
}
