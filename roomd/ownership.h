/* SPDX-License-Identifier: Apache-2.0 */
/* Which slots are ours and which should be: follows the view, takes what placement gives us and
 * nobody living holds, gives away what it gives to others. Pure: the store comes as its contract.
 * Owner: membership, which says when. */
#pragma once

#include "roomd/feed_set.h"
#include "roomd/journal.h"

struct ownership;

struct ownership_setup {
	incarnation_id self;
	struct feed_set *feeds;
	struct store *store;
	struct journal *journal; /* told of each slot that comes or goes */
	void (*on_lost)(void *owner, unsigned slot,
			uint64_t epoch); /* ours no more, or not under the old epoch */
	size_t (*on_given)(
		void *owner,
		unsigned slot); /* given away, and MOVED was said: how many rooms it had */
	void (*on_doubt)(
		void *owner); /* the store did not do all that was asked: the view may be old */
	void *owner;
};

MUST_USE struct ownership *ownership_new(const struct ownership_setup *);
void ownership_free(struct ownership **);

void ownership_take_view(struct ownership *, const struct store_view *);
/* Ours as before, under new epochs: of what the journal took again. */
void ownership_on_retaken(struct ownership *, const struct store_slot *, size_t count);
/* Start the taking and giving that is due; never more than one of each at a time. */
void ownership_advance(struct ownership *, int64_t now_ns);
void ownership_tick(struct ownership *,
		    int64_t now_ns); /* of a batch under way, also with the store away */
void ownership_on_held(struct ownership *, struct feed *, uint64_t move, int64_t now_ns);
/* The slot is ours: give it to this active shard, against what placement says. Errors: NO_CREDIT:
 * it is just being given away, so who it belongs to is not known; OVERLOADED: that one has its
 * share, so placement would take it back. */
MUST_USE enum err ownership_move(struct ownership *, unsigned slot, incarnation_id to);
void ownership_renounce(struct ownership *); /* we drain: give everything, before the store knows */

struct view *ownership_view(struct ownership *);
size_t ownership_slots(const struct ownership *);   /* ours */
size_t ownership_missing(const struct ownership *); /* should be ours and are not */
bool ownership_is_calm(const struct ownership *);   /* nothing is to be taken or given */
bool ownership_is_empty(
	const struct ownership *); /* nothing is ours, or there is nobody to give it to */
