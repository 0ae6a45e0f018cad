/* SPDX-License-Identifier: Apache-2.0 */
/* One ZeroMQ socket on the loop; the only file that speaks ZeroMQ. A ROUTER (a shard's port) or a
 * DEALER (one link's end). LINGER 0, finite high-water marks, ROUTER_MANDATORY, ROUTER_HANDOVER,
 * IMMEDIATE, MAXMSGSIZE. No heartbeats of ZeroMQ: links and shards have their own, which notice
 * silence sooner (docs/decisions/0031). The edge-triggered descriptor is drained in the loop's
 * turn: BUS_TURN_BYTES of it and the message that goes beyond, from each peer one message in turn.
 * What comes to a DEALER ends a rest of the loop; a ROUTER rests in order to answer many together.
 * One context with one I/O thread per process. Owner: link or shard. Thread: loop. */
#pragma once

#include "common/err.h"
#include "common/loop.h"
#include "common/span.h"

#define BUS_HIGH_WATER 20000        /* messages queued per peer and direction */
#define BUS_MESSAGE_MAX (16u << 20) /* bytes; a peer that announces more is cut off */
#define BUS_TURN_BYTES (256u << 10) /* received from one socket in one turn: some milliseconds */

struct bus_context;
struct bus;

/* `peer` (ROUTER only, else empty) and `body` are borrowed for the call. */
typedef void bus_fn(void *owner, struct span peer, struct span body);

/* What becomes of a DEALER's connection, which is made again for ever. */
enum bus_change {
	BUS_UP,      /* the handshake is done */
	BUS_BROKEN,  /* it was up, or nearly */
	BUS_REFUSED, /* nobody took it; said again with each try */
};
typedef void bus_change_fn(void *owner, enum bus_change);

MUST_USE struct bus_context *bus_context_new(struct loop *);
void bus_context_free(struct bus_context **); /* every bus must be closed */

/* `endpoint`: tcp://host:port, where port may be `*`, or ipc://path. Errors: IN_USE, SYSTEM (says
 * why in the log). */
MUST_USE enum err bus_listen(struct bus_context *, const char *endpoint, bus_fn *, void *owner,
			     struct bus **out);
struct bus_call {
	const char *endpoint;
	struct span id; /* the routing id the ROUTER will see, 1..64 bytes */
	bus_fn *fn;
	bus_change_fn *change; /* NULL: its owner is not told */
	void *owner;
};
/* Connects in the background, for ever; whoever is told of changes misses none of them. Errors:
 * SYSTEM (no descriptors left; says why in the log). */
MUST_USE enum err bus_connect(struct bus_context *, const struct bus_call *, struct bus **out);
void bus_close(struct bus **); /* NULL is fine; safe inside its own callback */

const char *bus_endpoint(const struct bus *); /* what was really bound, with the port */
uint64_t bus_full_turns(const struct bus *);  /* that left something for the next one */

/* While it is paused nothing is received; what the peers send waits, at last at their side. */
void bus_pause(struct bus *, bool is_paused);

/* One message. Never blocks. Errors: NO_CREDIT (high-water mark; for a DEALER also: not connected
 * just now, which it cannot tell apart), NO_PEER (ROUTER only). The loop turns when it is worth
 * trying again. */
MUST_USE enum err bus_send(struct bus *, struct span peer, struct span body);
