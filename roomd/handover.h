/* SPDX-License-Identifier: Apache-2.0 */
/* Gives a batch of our slots to another shard so that nothing is lost: HOLD to every gateway, HELD
 * back from each (or 1 s), once more so that all we said is read, the end of the commit under way,
 * the assignment, MOVED. One batch at a time. Pure: the store comes as its contract. Owner:
 * membership. */
#pragma once

#include "roomd/feed_set.h"
#include "roomd/journal.h"

#define HANDOVER_SLOTS_MAX 128 /* of one batch: their rooms stall together */

struct handover;

struct handover_setup {
	incarnation_id self;
	struct feed_set *feeds;
	struct store *store;
	struct journal *journal;
	struct view *view; /* the owner's; told of what was assigned */
	/* After MOVED was said: drop its rooms. Returns how many there were. */
	size_t (*on_given)(void *owner, unsigned slot);
	void (*on_end)(void *owner, enum err, size_t rooms); /* of the batch */
	void *owner;
};

MUST_USE struct handover *handover_new(const struct handover_setup *);
void handover_free(struct handover **);

bool handover_is_idle(const struct handover *);
bool handover_has(const struct handover *, unsigned slot); /* in the batch under way */
/* `slots` are ours and go to `target`, an active shard of the view. */
void handover_begin(struct handover *, const unsigned *slots, size_t count, incarnation_id target,
		    int64_t now_ns);
void handover_on_held(struct handover *, struct feed *, uint64_t move, int64_t now_ns);
void handover_tick(struct handover *, int64_t now_ns);
