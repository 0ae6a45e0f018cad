/* SPDX-License-Identifier: Apache-2.0 */
/* Table from bytes or from a 64-bit number to a pointer. A small one is a list that is looked
 * through; a larger one is hashed: open addressing, linear probing, back-shift deletion, loads up
 * to 3/4. The key of a span map is borrowed from the value: it must stay in place as long as the
 * entry. Owns the table only. */
#pragma once

#include "common/span.h"

struct map_slot {
	struct span key; /* p is NULL in number maps */
	void *value;     /* NULL: free slot */
};

struct map {
	struct map_slot *slots;
	size_t cap, len;
};

void map_init(struct map *);
void map_fini(struct map *); /* values are the caller's */

void *map_find(const struct map *, struct span key);      /* NULL: none */
void map_add(struct map *, struct span key, void *value); /* must not be there yet */
void *map_remove(struct map *, struct span key);          /* the value, or NULL */

void *map_find_u64(const struct map *, uint64_t key);
void map_add_u64(struct map *, uint64_t key, void *value);
void *map_remove_u64(struct map *, uint64_t key);

/* Walk all values. `*at` starts at 0. Adding or removing during the walk is a bug. */
void *map_next(const struct map *, size_t *at);
