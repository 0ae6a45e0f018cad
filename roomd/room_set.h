/* SPDX-License-Identifier: Apache-2.0 */
/* All live rooms of a shard, by key and by slot: made when a gateway speaks of one, forgotten when
 * nobody needs them, dropped with their slot. Pure. Owner: shard. */
#pragma once

#include "proto/slot.h"
#include "roomd/room.h"

struct room_set;

struct room_set_setup {
	struct feed_set *feeds;  /* borrowed; outlives this */
	struct timers *timers;   /* borrowed */
	struct journal *journal; /* borrowed; outlives this */
	struct store *store;     /* borrowed */
	int64_t state_interval_ns, welcome_wait_ns;
	int64_t resume_ns, hibernate_ns; /* as in room_env */
	size_t history_bytes;            /* of recent events of all rooms, in memory */
};

MUST_USE struct room_set *room_set_new(const struct room_set_setup *);
void room_set_free(struct room_set **);

struct room *room_set_find(const struct room_set *, struct span key); /* NULL: not in memory */
struct room *room_set_get(struct room_set *, struct span key, uint64_t epoch,
			  int64_t now_ns); /* makes it */

size_t room_set_drop_slot(struct room_set *, unsigned slot); /* how many rooms there were */
/* The same, and tells the gateways that another owner holds the slot under `epoch`. */
void room_set_disown_slot(struct room_set *, unsigned slot, uint64_t epoch);

void room_set_renew_slot(struct room_set *, unsigned slot, uint64_t epoch); /* still ours */

void room_set_on_feed_open(struct room_set *, struct feed *);
void room_set_on_feed_doubt(struct room_set *, struct feed *, bool last, int64_t now_ns);
void room_set_on_feed_gone(struct room_set *, struct feed *, int64_t now_ns);

/* The time of this turn; wall clock minus monotonic. */
void room_set_at(struct room_set *, int64_t wall_offset_ms, int64_t now_ns);
/* Asks for what is not covered, reads on for who is behind, forgets what is idle. */
void room_set_end_turn(struct room_set *, int64_t now_ns);

size_t room_set_rooms(const struct room_set *);
struct room *room_set_next(const struct room_set *, size_t *at); /* as map_next */
bool room_set_hibernates(const struct room_set *);
size_t room_set_entries(const struct room_set *);              /* walks all rooms */
void room_set_count_page(struct room_set *, bool from_memory); /* that a gateway asked for */
const struct history_pool *room_set_history(const struct room_set *);
/* From now on; rooms that have been idle for longer go soon. */
void room_set_hibernate_after(struct room_set *, int64_t idle_ns, int64_t now_ns);
uint64_t room_set_hibernations(const struct room_set *);  /* since the start */
uint64_t room_set_casts_dropped(const struct room_set *); /* of rooms that are gone */
