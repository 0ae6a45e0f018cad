/* SPDX-License-Identifier: Apache-2.0 */
/* One room's way to its owner: attached or not, over which link and generation, under which epoch,
 * and what waits meanwhile. Only records that come along the way are let through to the audience.
 * Pure. Owner: router. */
#pragma once

#include "gateway/held.h"
#include "gateway/link.h"

enum route_state {
	ROUTE_WAITING,   /* for an owner, for a link, or for the end of a back-off */
	ROUTE_ATTACHING, /* ATTACH is on its way */
	ROUTE_ATTACHED,
	ROUTE_ASLEEP, /* it was, and the owner has forgotten the room: attach before anything is
			 said; what it says is heard */
};

struct route {
	struct list of_slot;
	struct list of_turn; /* on one of the lists of route_shared, or none: all is calm */
	struct route_shared *shared;
	struct audience *audience;
	uint16_t slot;
	uint8_t state; /* enum route_state */
	bool waking;   /* ASLEEP: attached at the end of this turn */
	bool on_hold;  /* the slot is about to move: nothing is sent */
	bool unsaid;   /* who came meanwhile is to be named by an ATTACH, whether it moves or not */
	uint8_t refusals; /* of its ATTACHes, one after the other; no more are counted than matter
			   */
	bool goes_on; /* ATTACHING again, at an owner that has been one ever since it was ATTACHED
		       */
	struct link *link;
	uint64_t generation;
	uint64_t epoch;
	int64_t try_ns;       /* WAITING: attach not before; ATTACHING: since when */
	int64_t woken_ns;     /* since when it wakes; 0: it does not */
	uint64_t event_next;  /* seq of the event to show next; 0: whichever HEAD says */
	uint64_t event_first; /* of the first event that the log still had then */
	struct held held;
};

struct route_shared { /* what the routes of a router share */
	const struct audience_sink *sink;
	struct list unsettled; /* something waits */
	struct list stirred; /* ASLEEP, and to be woken by and by: perhaps they missed something */
	size_t asleep;       /* how many are */
	bool in_haste;       /* one was woken: look at the unsettled at the end of this turn */
	struct audience_shared audiences;
	size_t held_bytes;
};

MUST_USE struct route *route_new(struct span key, struct route_shared *);
void route_free(struct route **);

/* Attach over `link` (NULL: there is none just now) under the epoch the view knows. */
void route_attach(struct route *, struct link *, uint64_t epoch, int64_t now_ns);
void route_lose(struct route *, int64_t now_ns); /* the link or its generation is gone */
void route_hold(struct route *);
/* The owner wants to forget the room. True: it may. */
MUST_USE bool route_sleep(struct route *);
bool route_sleeps(const struct route *);
void route_wake(struct route *, int64_t now_ns); /* fine when it is not asleep */
/* To be woken later, unless it is before: the owner has died or was not within reach. */
void route_stir(struct route *);
void route_on_covered(struct route *, int64_t now_ns); /* all is known again */
void route_release(struct route *, int64_t now_ns);    /* the hold ended without a move */
bool route_is_attached_over(const struct route *, const struct link *);
bool route_is_attaching_over(const struct route *, const struct link *);
/* What the link says about the room is in order: it is attached over it, or only anew. */
bool route_hears(const struct route *, const struct link *);

void route_on_attached(struct route *, const struct msg_attached *, int64_t now_ns);
void route_on_refused(struct route *, int64_t now_ns); /* NOT_OWNER: wait, longer each time */

/* False: the owner goes on after a gap, so attach again. */
MUST_USE bool route_on_head(struct route *, const struct msg_head *);
MUST_USE bool route_on_event(struct route *, const struct msg_event *);

MUST_USE struct attendee *route_enter(struct route *, void *session, const struct entrant *,
				      int64_t now_ns);
/* The connection goes on under a greater conn_gen. */
void route_renew(struct route *, struct attendee *, uint64_t conn_gen, int64_t now_ns);
/* v0: `proved` of it has grown, or it is lost. Not said while the room has no owner: ATTACH will.
 */
void route_prove(struct route *, const struct attendee *, bool lost, int64_t now_ns);
void route_leave(struct route *, struct attendee **, int64_t now_ns); /* takes it */
MUST_USE enum err route_cast(struct route *, struct attendee *, struct msg_cast *, int64_t now_ns);

/* Drop what waited for too long. True: it is time to attach (again). */
bool route_tick(struct route *, int64_t now_ns);
bool route_is_settled(const struct route *);
