/* SPDX-License-Identifier: Apache-2.0 */
/* The last events of a live room, in memory, so that whoever was away for a moment or asks for the
 * newest page costs the database nothing. In order and without a gap up to the last one that was
 * stored. Bounded for each room and for all rooms together; the oldest go first. Pure. Owner: room,
 * with all that it holds; the pool's: room_set. */
#pragma once

#include "common/list.h"
#include "roomd/store.h"

#define HISTORY_ROOM_EVENTS 256         /* as many as the largest page */
#define HISTORY_ROOM_BYTES (256u << 10) /* the last event stays, however large */

/* What all rooms of a shard share. */
struct history_pool {
	struct list events; /* in the order in which they came, so the oldest of all is first */
	size_t bytes, max_bytes; /* 0: nothing is kept */
	uint64_t hits, misses;   /* pages that were served from memory, and those that were not */
};

struct history {
	struct history_pool *pool;
	struct list events;
	size_t count, bytes;
	uint64_t last; /* 0: empty */
};

void history_pool_init(struct history_pool *, size_t max_bytes);

void history_init(struct history *, struct history_pool *);
void history_clear(struct history *);
/* Copies. After one that does not follow on the last, only it is left. */
void history_add(struct history *, const struct store_event *);

/* From the one after `seq` to the last: walk with history_next; false: they are not all here. */
bool history_covers(const struct history *, uint64_t seq);
const struct store_event *history_after(const struct history *, uint64_t seq); /* NULL: none */
const struct store_event *history_next(const struct history *, const struct store_event *);

/* The same page as the store would give, which borrows the events; `events` holds the limit.
 * `page->first` is the caller's. False: the store must be asked. */
bool history_page(const struct history *, const struct store_range *, struct store_page *page,
		  struct store_event *events);
