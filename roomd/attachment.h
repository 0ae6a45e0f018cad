/* SPDX-License-Identifier: Apache-2.0 */
/* Where one gateway stands in one room: has it spoken, does it show the room, how many entries are
 * at home there. Pure. Owner: room; also on the list of its feed. */
#pragma once

#include "roomd/feed.h"

struct room;

struct attachment {
	struct list of_room, of_feed;
	struct room *room;
	struct feed *feed;
	bool spoken;      /* it told us who is there, or that nobody is: counts for coverage */
	bool attached;    /* over the current link generation: it hears what happens */
	bool unconfirmed; /* it had attached over an older generation and has not again */
	bool solicited;   /* over the current generation */
	bool stale;       /* something was not told because nobody was there to see it */
	bool hibernates;  /* it said HIBERNATED, and has not attached since */
	bool shows;       /* some connection there was welcomed: a list may be shown to it */
	size_t entries;
	uint64_t event_next, event_asked; /* seq of the event it is told next; as it asked */
	bool event_placed;                /* that is certain, and it was told HEAD */
};

MUST_USE struct attachment *attachment_new(struct room *, struct list *of_room, struct feed *);
void attachment_free(struct attachment **);

/* Where what happens in the room is written for this gateway; NULL: it shows the room to nobody. */
struct buf *attachment_out(struct attachment *);
