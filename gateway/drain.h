/* SPDX-License-Identifier: Apache-2.0 */
/* Leaving on SIGTERM without anybody's user_left: for the settling time all goes on but readiness,
 * so that balancers find out; then no new client is taken, and clients are sent elsewhere a few at
 * a time, shards hear GOODBYE (the entries get their grace), the row in `member` is dead, the loop
 * stops. Owner: gateway. */
#pragma once

#include "common/loop.h"
#include "gateway/listener.h"
#include "gateway/registry.h"
#include "gateway/session_set.h"

struct drain;

struct drain_setup { /* all borrowed */
	struct loop *loop;
	struct listener **listener;
	struct session_set *sessions;
	struct router *router;
	struct registry *registry;
	int64_t settle_ns, spread_ns;
};

MUST_USE struct drain *drain_new(const struct drain_setup *);
void drain_free(struct drain **);
void drain_start(struct drain *, const char *why); /* the second time: stop at once */
bool drain_is_on(const struct drain *);
bool drain_takes_clients(const struct drain *);  /* not yet, or still, while it settles */
void drain_tick(struct drain *, int64_t now_ns); /* every 50 ms, while it is on */
