/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of what outlives every process: members, slots, the view. Each call completes later,
 * in a callback, never from inside the call; errors are those of pg.h. One file implements it with
 * SQL (store_pg.c); a model may take its place. Thread: loop. */
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
bool store_is_up(const struct store *);
