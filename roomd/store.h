/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of what outlives every process: members, slots, the view, events. Each call
 * completes later, in a callback, never from inside the call; errors are those of pg.h. One file
 * implements it with SQL (store_pg.c); a model may take its place. Thread: loop. */
#pragma once

#include "common/err.h"
#include "proto/view.h"

struct store;

/* `version` 0 with OK: the member is dead, and stays so. */
typedef void store_done_fn(void *owner, enum err, uint64_t version);

struct store_slot {
	unsigned slot;
	incarnation_id owner;
	uint64_t epoch;
};

/* One snapshot: everything that changed after the version asked for. Borrowed for the call. */
struct store_view {
	uint64_t version;
	const struct view_member *members; /* all of them */
	size_t member_count;
	const struct store_slot *slots; /* those that changed */
	size_t slot_count;
};
typedef void store_view_fn(void *owner, enum err, const struct store_view *); /* NULL unless OK */

struct store_move {
	unsigned slot;
	incarnation_id from, to; /* from: the owner it must still have; 0: nobody */
};
/* Those that were really moved, with their new epochs. Borrowed for the call. */
typedef void store_assigned_fn(void *owner, enum err, uint64_t version, const struct store_slot *,
			       size_t count);

/* Tell of a member, in state `joining`; older ones of its kind and name die. Errors in `done`:
 * DB_x. */
void store_register(struct store *, const struct view_member *, store_done_fn *, void *owner);
void store_set_state(struct store *, incarnation_id, enum member_state, store_done_fn *,
		     void *owner);
void store_pull(struct store *, uint64_t since, store_view_fn *, void *owner);
/* `seen`: the newest version known from anywhere. Moves only to active members. */
void store_assign(struct store *, const struct store_move *, size_t count, uint64_t seen,
		  store_assigned_fn *, void *owner);
/* Take the owner's own slots again, each under the next epoch, where they still are its own. */
struct store_claim {
	incarnation_id owner;
	const unsigned *slots;
	size_t count;
	uint64_t seen; /* as in store_assign */
};
void store_take(struct store *, const struct store_claim *, store_assigned_fn *, void *owner);

/* ---- events; schema/0004_events.sql says why they are fenced so ---- */
struct store_event {
	uint64_t seq;
	struct span producer;
	uint64_t pseq;
	struct span type, actor, name, body;
	int64_t at_ms; /* wall clock */
	unsigned shape;
	struct span field; /* empty: none */
	/* To be stored only if no event of this seq or a later one has its type and field; 0: in
	 * any case. Not kept. */
	uint64_t base;
	uint64_t publication; /* the row of `publication` that it is, which goes when it is stored;
				 0: none */
};

struct store_room {
	unsigned slot;
	struct span key;
};

/* `head`: the greatest seq of its room; those that were not stored before are numbered from there.
 * Of one room, type and field only the first of a batch may have a base. */
struct store_append {
	struct store_room room;
	uint64_t head;
	struct store_event event; /* seq is ignored */
};

struct store_batch {
	incarnation_id owner;
	const struct store_slot
		*slots; /* those of the events, with the epochs they are held under */
	size_t slot_count;
	const struct store_append *events;
	size_t count;
};

/* The newest event that one with a base conflicts with. */
struct store_newer {
	uint64_t seq;     /* 0: none */
	struct span body; /* empty: longer than CONFLICT_BODY_MAX */
};

struct store_stored {
	uint64_t seq; /* 0: not stored; without `newer`: its slot is held by another or under
			 another epoch */
	bool known;   /* it was there before */
	struct store_newer newer;
};
/* One for each event of the batch, in its order; NULL unless OK. All or, slot by slot, nothing is
 * stored. */
typedef void store_appended_fn(void *owner, enum err, const struct store_stored *, size_t count);
void store_append(struct store *, const struct store_batch *, store_appended_fn *, void *owner);

/* What is there of a room's log. */
struct store_head {
	uint64_t seq;   /* of the last event; 0: there never was one */
	uint64_t first; /* of the first one that is kept; seq + 1: there never was one */
};
/* Of each room, in the order asked. NULL unless OK. Asked for only after the call that assigned or
 * took the slots has been answered. */
typedef void store_heads_fn(void *owner, enum err, const struct store_head *, size_t count);
void store_heads(struct store *, const struct store_room *, size_t count, store_heads_fn *,
		 void *owner);

/* A page of a room's log: the first events after `after` or, if `before` is not 0, the last ones
 * before it; in order. At most `limit`, fewer when they are large. */
struct store_range {
	struct store_room room;
	uint64_t after, before;
	unsigned limit;
	size_t max_bytes;  /* of bodies, after which the page ends; 0: HISTORY_BYTES_MAX */
	struct span types; /* only these, separated by commas; empty: all */
};

struct store_page {
	struct span room;     /* also when it failed */
	uint64_t first, head; /* of all that is there; first = head + 1: nothing is */
	bool more;            /* in that direction */
	const struct store_event *events;
	size_t count;
};
typedef void store_page_fn(void *owner, enum err, const struct store_page *);
void store_read(struct store *, const struct store_range *, store_page_fn *, void *owner);

/* Delete events older than `age_ms`, at most about `limit` of them: of each room the first ones,
 * never the last. Whoever's slots they are; while another shard does the same, nothing. `version`
 * of `done` is how many were deleted. */
void store_forget(struct store *, int64_t age_ms, unsigned limit, store_done_fn *, void *owner);

/* ---- what applications publish in SQL; schema/0010_publications.sql ---- */
struct store_publication {
	struct span room;
	bool placed;              /* the store knows the slot of its room */
	struct store_event event; /* its `publication` is the row; seq is 0 */
};
/* Those of the owner's slots, oldest first, and those that are not placed yet. At most `limit`,
 * fewer when they are large. */
typedef void store_publications_fn(void *owner, enum err, const struct store_publication *,
				   size_t count);
void store_publications(struct store *, incarnation_id owner, unsigned limit,
			store_publications_fn *, void *);
/* Tell the slots of rooms. `version` of `done` is 0. */
void store_place(struct store *, const struct store_room *, size_t count, store_done_fn *,
		 void *owner);

bool store_is_up(const struct store *);
