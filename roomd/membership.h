/* SPDX-License-Identifier: Apache-2.0 */
/* This shard among the others: registers, follows the view, takes part (ownership.c), leaves. Pure:
 * the store comes as its contract, time as an argument. Owner: shard. States: NEW > JOINING >
 * ACTIVE > DRAINING > LEFT; to DEAD when the others said so. */
#pragma once

#include "roomd/feed_set.h"
#include "roomd/journal.h"

struct membership;

enum membership_state {
	MEMBERSHIP_NEW,
	MEMBERSHIP_JOINING,
	MEMBERSHIP_ACTIVE,
	MEMBERSHIP_DRAINING,
	MEMBERSHIP_LEFT,
	MEMBERSHIP_DEAD,
};

struct membership_setup {
	incarnation_id self;
	const char *name, *endpoint; /* borrowed for ever */
	struct store *store;
	struct journal *journal;
	struct feed_set *feeds;
	int64_t poll_ns, settle_ns, drain_ns;
	int64_t vote_ns; /* how long a gateway's word that a shard is dead counts */
	void (*on_lost)(void *owner, unsigned slot, uint64_t epoch); /* as in ownership.h */
	size_t (*on_given)(void *owner, unsigned slot);
	void (*on_pulled)(void *owner, enum err); /* the view is as new as it gets */
	void *owner;
};

MUST_USE struct membership *membership_new(const struct membership_setup *, int64_t now_ns);
void membership_free(struct membership **);

void membership_tick(struct membership *,
		     int64_t now_ns);      /* each turn, at the latest every 100 ms */
void membership_pull(struct membership *); /* as soon as may be; on_pulled says when it is done */
void membership_on_hint(struct membership *, uint64_t version);
void membership_on_held(struct membership *, struct feed *, uint64_t move, int64_t now_ns);
/* A gateway misses another shard. Enough of them, and we declare it dead. */
void membership_on_suspect(struct membership *, struct feed *, incarnation_id shard,
			   int64_t now_ns);
/* An operator wants one of our slots at the shard of this name. It is given like all others, and
 * stays there as long as placement need not even out the loads. Errors: NOT_OWNER: it is not ours;
 * NO_PEER: no active shard has the name; NO_CREDIT, OVERLOADED: as ownership_move. */
MUST_USE enum err membership_move(struct membership *, unsigned slot, struct span to);
void membership_drain(struct membership *, int64_t now_ns); /* give everything away, then leave */

enum membership_state membership_state(const struct membership *);
const char *membership_state_name(enum membership_state);
const struct view *membership_view(const struct membership *);
/* The slot is ours, and nobody fenced us out of it. */
bool membership_owns(const struct membership *, unsigned slot);
/* The journal took slots again: the view has their new epochs from now on. */
void membership_on_retaken(struct membership *, const struct store_slot *, size_t count);
size_t membership_slots(const struct membership *); /* how many are ours */
/* Active, and all that placement gives us is ours (or others were slow to give it). */
bool membership_is_settled(const struct membership *);
bool membership_is_calm(const struct membership *);      /* active, and no slot is to move */
int64_t membership_worker_ns(const struct membership *); /* what waits for the store waits since */
