/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kept.h"

#include <string.h>

#include "common/mem.h"
#include "proto/limits.h"

#define KEY_MAX 64 /* bytes; keys come from proto/v0.def */

struct state {
	uint8_t *bytes; /* key, body */
	uint32_t key_len, body_len;
};

struct kept {
	size_t count;
	struct state states[];
};

static void add(struct kept **, struct span key, struct span body);
static void forget(struct kept **, size_t at);

void kept_put(struct kept **k, struct span key, struct span body)
{
	for (size_t i = 0; i < kept_count(*k); i++)
		if (span_eq(key, kept_at(*k, i).key)) {
			forget(k, i);
			break;
		}
	if (body.len == 0 || body.len > KEPT_BODY_MAX || kept_count(*k) == KEPT_PER_SESSION ||
	    key.len == 0 || key.len > KEY_MAX)
		return;
	add(k, key, body);
}

void kept_free(struct kept **k)
{
	while (*k)
		forget(k, (*k)->count - 1);
}

size_t kept_count(const struct kept *k)
{
	return k ? k->count : 0;
}

struct item_kept kept_at(const struct kept *k, size_t i)
{
	const struct state *s = &k->states[i];

	return (struct item_kept){
		.key = span_of(s->bytes, s->key_len),
		.body = span_of(s->bytes + s->key_len, s->body_len),
	};
}

struct span kept_find(const struct kept *k, struct span key)
{
	for (size_t i = 0; i < kept_count(k); i++)
		if (span_eq(kept_at(k, i).key, key))
			return kept_at(k, i).body;
	return SPAN_NONE;
}

void kept_put_items(const struct kept *k, struct buf *items)
{
	for (size_t i = 0; i < kept_count(k); i++) {
		struct item_kept one = kept_at(k, i);

		item_put_kept(items, &one);
	}
}

void kept_replace(struct kept **k, struct span items)
{
	struct item_kept one;

	if (items.len == 0)
		return;
	kept_free(k);
	while (item_next_kept(&items, &one))
		kept_put(k, one.key, one.body);
}

static void add(struct kept **k, struct span key, struct span body)
{
	size_t count = kept_count(*k);
	uint8_t *bytes = mem_new(key.len + body.len);

	memcpy(bytes, key.p, key.len);
	memcpy(bytes + key.len, body.p, body.len);
	*k = mem_grow(*k, sizeof **k + (count + 1) * sizeof(struct state));
	(*k)->states[count] = (struct state){bytes, (uint32_t)key.len, (uint32_t)body.len};
	(*k)->count = count + 1;
}

/* The last one takes the list with it. */
static void forget(struct kept **k, size_t at)
{
	struct kept *all = *k;

	mem_free(all->states[at].bytes);
	all->count--;
	memmove(&all->states[at], &all->states[at + 1], (all->count - at) * sizeof(struct state));
	if (all->count > 0)
		return;
	mem_free(all);
	*k = NULL;
}
