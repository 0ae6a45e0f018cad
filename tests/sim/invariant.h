/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold whatever happens, looked at with each message, commit and frame; and what must
 * have come about some time after the last fault. Each has a name; docs/simulator.md lists them.
 * Sees everything, changes nothing. What is promised of events (order, acks, exactly once) is added
 * here when there are events. */
#pragma once

#include "tests/sim/client.h"
#include "tests/sim/network.h"

#define INVARIANT_EPOCHS_MAX 4096 /* of one slot in one run */
#define INVARIANT_NUMBERS 4096    /* remembered of one room; a power of two */

/* Since when a user has been in a room without a break, as everybody may rely on: from the first
 * welcome until a clean close, or until the grace after a loss. */
struct stay {
	unsigned live; /* connections that were welcomed and not closed */
	int64_t since_ns, until_ns;
	int64_t live_ns;        /* since when some connection has been live */
	uint64_t until_session; /* whose loss it was */
};

struct number { /* a relay number that somebody was shown */
	uint64_t life, epoch, relay, content;
	uint64_t seen_by; /* clients, one bit each */
	int64_t at_ns;    /* when the first of them saw it */
};

struct room_watch {
	char key[32];
	unsigned slot;
	struct stay stays[FRAME_USERS_MAX];
	uint64_t life;                             /* grows when nobody is left */
	unsigned shown_to;                         /* connections */
	incarnation_id acts[INVARIANT_EPOCHS_MAX]; /* epoch: the shard that spoke under it */
	struct number numbers[INVARIANT_NUMBERS];
};

struct view_told { /* the newest version that was said over a link generation */
	incarnation_id from, to;
	uint64_t generation, version;
};

struct invariants {
	struct world *world;
	struct room_watch rooms[CLIENT_ROOMS_MAX];
	struct view_told views[NETWORK_NODES_MAX][NETWORK_NODES_MAX]
			      [2]; /* by wire and direction: the newest told */
};

void invariants_init(struct invariants *, struct world *);

void invariant_on_message(struct invariants *, const struct wire *, enum network_direction,
			  struct span bytes);
void invariant_on_assign(struct invariants *, unsigned slot, incarnation_id owner,
			 incarnation_id by);
void invariant_on_dead(struct invariants *, incarnation_id, const char *why);
void invariant_on_exit(struct invariants *, const struct node *); /* it found itself dead */

void invariant_on_welcomed(struct invariants *, const struct connection *);
void invariant_on_gone(struct invariants *, const struct connection *, bool clean);
/* It was closed: whatever it has lost before does not come back. */
void invariant_on_session_end(struct invariants *, uint64_t session);
void invariant_on_frame(struct invariants *, struct connection *, const struct frame *);
void invariant_on_cast(struct invariants *, struct connection *, const struct frame *);
/* The user is in the room, and has been there without a break since before then; and with a live
 * connection all that time. */
bool invariant_was_here(const struct invariants *, unsigned room, unsigned user, int64_t at_ns);
bool invariant_was_live(const struct invariants *, unsigned room, unsigned user, int64_t at_ns);
