/* SPDX-License-Identifier: Apache-2.0 */
/* Most maps are those of rooms, and most rooms have a handful of people: up to LIST_CAP entries are
 * a plain list, which is smaller than a table with free slots and as fast. Beyond that: open
 * addressing with linear probing. Deletion shifts the rest of the run back, so there are no
 * tombstones and lookups stay short however long the table lives. The hash is seeded per process:
 * strangers choose keys (room names, user ids) and must not be able to choose collisions. */
#include "common/map.h"

#include <string.h>

#include "common/mem.h"
#include "common/random.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define LIST_STEP 2
#define LIST_CAP 8
#define TABLE_MIN 16

static struct span byte_key(struct span key);
static struct span number_key(uint64_t key);
static uint64_t hash_of(struct span key);
static bool is_list(const struct map *m);
static bool is_of(const struct map_slot *slot, struct span key);
static struct map_slot *find(const struct map *m, struct span key);
static struct map_slot *find_in_list(const struct map *m, struct span key);
static void add(struct map *m, struct span key, void *value);
static void *take(struct map *m, struct span key);
static void make_room(struct map *m);
static void put(struct map *m, struct map_slot entry);
static void shift_back(struct map *m, size_t hole);
static void resize(struct map *m, size_t cap);

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "a number key is kept in span.len");

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_fini(struct map *m)
{
	mem_free(m->slots);
	map_init(m);
}

void *map_find(const struct map *m, struct span key)
{
	struct map_slot *slot = find(m, byte_key(key));

	return slot ? slot->value : NULL;
}

void map_add(struct map *m, struct span key, void *value)
{
	add(m, byte_key(key), value);
}

void *map_remove(struct map *m, struct span key)
{
	return take(m, byte_key(key));
}

void *map_find_u64(const struct map *m, uint64_t key)
{
	struct map_slot *slot = find(m, number_key(key));

	return slot ? slot->value : NULL;
}

void map_add_u64(struct map *m, uint64_t key, void *value)
{
	add(m, number_key(key), value);
}

void *map_remove_u64(struct map *m, uint64_t key)
{
	return take(m, number_key(key));
}

void *map_next(const struct map *m, size_t *at)
{
	while (*at < m->cap) {
		void *value = m->slots[(*at)++].value;
		if (value)
			return value;
	}
	return NULL;
}

static struct span byte_key(struct span key)
{
	return key.p ? key : span_of("", 0);
}

static struct span number_key(uint64_t key)
{
	return (struct span){NULL, (size_t)key};
}

static uint64_t hash_of(struct span key)
{
	static uint64_t seed; /* written once, by the first look-up of the process */

	if (!seed)
		seed = random_u64();
	return key.p ? XXH3_64bits_withSeed(key.p, key.len, seed)
		     : XXH3_64bits_withSeed(&key.len, sizeof(key.len), seed);
}

static bool is_list(const struct map *m)
{
	return m->cap <= LIST_CAP;
}

static bool is_of(const struct map_slot *slot, struct span key)
{
	return slot->key.len == key.len && (!key.p || memcmp(slot->key.p, key.p, key.len) == 0);
}

static struct map_slot *find(const struct map *m, struct span key)
{
	if (is_list(m))
		return find_in_list(m, key);
	for (size_t i = hash_of(key) & (m->cap - 1); m->slots[i].value; i = (i + 1) & (m->cap - 1))
		if (is_of(&m->slots[i], key))
			return &m->slots[i];
	return NULL;
}

static struct map_slot *find_in_list(const struct map *m, struct span key)
{
	for (size_t i = 0; i < m->len; i++)
		if (is_of(&m->slots[i], key))
			return &m->slots[i];
	return NULL;
}

static void add(struct map *m, struct span key, void *value)
{
	must(value);
	must(!find(m, key));
	make_room(m);
	put(m, (struct map_slot){key, value});
	m->len++;
}

static void *take(struct map *m, struct span key)
{
	struct map_slot *slot = find(m, key);

	if (!slot)
		return NULL;
	void *value = slot->value;
	m->len--;
	if (is_list(m)) {
		*slot = m->slots[m->len];
		m->slots[m->len] = (struct map_slot){0};
		return value;
	}
	shift_back(m, (size_t)(slot - m->slots));
	if (m->cap > TABLE_MIN && m->len < m->cap / 8)
		resize(m, m->cap / 2);
	return value;
}

static void make_room(struct map *m)
{
	if (m->len < LIST_CAP && m->len == m->cap)
		resize(m, m->cap + LIST_STEP);
	else if (m->len == LIST_CAP && is_list(m))
		resize(m, TABLE_MIN);
	else if (!is_list(m) && m->len + 1 > m->cap / 4 * 3)
		resize(m, m->cap * 2);
}

static void put(struct map *m, struct map_slot entry)
{
	size_t mask = is_list(m) ? SIZE_MAX : m->cap - 1;
	size_t i = is_list(m) ? 0 : hash_of(entry.key) & mask;

	while (m->slots[i].value)
		i = (i + 1) & mask;
	m->slots[i] = entry;
}

static void shift_back(struct map *m, size_t hole)
{
	size_t mask = m->cap - 1;

	for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
		size_t home = hash_of(m->slots[i].key) & mask;
		/* an entry may move into the hole unless its home lies after the hole */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){0};
}

static void resize(struct map *m, size_t cap)
{
	struct map old = *m;

	m->slots = mem_new(cap * sizeof(*m->slots));
	m->cap = cap;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value)
			put(m, old.slots[i]);
	mem_free(old.slots);
}
