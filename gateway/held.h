/* SPDX-License-Identifier: Apache-2.0 */
/* Casts of one room that wait until its owner is attached, in the order in which they came: at most
 * HELD_PER_SESSION bytes of a connection (one larger message is held when it is the only one), at
 * most HELD_NS long, then dropped and counted. Pure. Owner: route. */
#pragma once

#include "gateway/audience.h"

#define HELD_NS (3 * NS_PER_S)
#define HELD_PER_SESSION (64u << 10)
#define HELD_IN_ALL (64u << 20) /* bytes of all rooms of a gateway */

struct held {
	struct list casts;
	size_t *total_bytes; /* of all rooms; the router's */
};

void held_init(struct held *, size_t *total_bytes);
void held_fini(struct held *);
bool held_is_empty(const struct held *);

/* Copies the cast. Errors: OVERLOADED: over the budget, dropped. */
MUST_USE enum err held_put(struct held *, struct attendee *, const struct msg_cast *,
			   int64_t now_ns);
/* The oldest, borrowed until held_drop, which takes it off. False: none. */
bool held_peek(const struct held *, struct msg_cast *out);
void held_drop(struct held *);
/* Drop what waits for too long; returns how many. */
unsigned held_expire(struct held *, int64_t now_ns);
/* The connection goes: its casts stay, but no longer count for it. */
void held_disown(struct held *, const struct attendee *);
