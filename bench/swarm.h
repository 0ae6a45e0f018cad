/* SPDX-License-Identifier: Apache-2.0 */
/* Many v0 clients in one thread, cheap enough not to be the bottleneck: bare epoll and its own RFC
 * 6455 framing, because a client library would cost more than the server under test. Connection i
 * is user `bench-<i>` in submission `bench-<i / room_size>`. Counts what arrives; measures latency
 * from the moment a message *should* have been sent (open loop). Stops by itself: every call has a
 * deadline. */
#pragma once

#include "bench/histogram.h"
#include "common/err.h"

struct swarm;

struct swarm_options {
	const char *host;
	uint16_t port;
	size_t connections, room_size;
	size_t casters;    /* of each room, its first; 0: all cast */
	size_t body_bytes; /* length of one cast's text */
};

struct swarm_result {
	uint64_t sent, delivered, expected; /* expected: sent x (room members - 1) */
	uint64_t lost_sockets;
	int64_t own_cpu_ns;
	struct histogram latency;
};

MUST_USE struct swarm *swarm_new(const struct swarm_options *);
void swarm_free(struct swarm **);

/* Connect all, at most 128 handshakes at a time, and wait until the welcomes are over.
 * Errors: SYSTEM (refused), TIMEOUT (60 s); says on stderr what it saw. */
MUST_USE enum err swarm_connect(struct swarm *);
/* `rate` casts per second in all, round robin over those that cast, for `seconds`; then waits for
 * what is still under way (at most 2 s). */
void swarm_publish(struct swarm *, double rate, double seconds, struct swarm_result *);
void swarm_wait(struct swarm *, double seconds); /* read and be quiet */
