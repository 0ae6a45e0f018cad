/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway does that alone cannot reach a shard: it takes no new clients, sends those of that
 * shard's rooms elsewhere a few at a time, and listens again when the shard is back. Owner:
 * gateway.
 */
#pragma once

#include "gateway/listener.h"
#include "gateway/session_set.h"

struct retreat;

struct retreat_setup { /* all borrowed */
	struct listener **listener;
	struct session_set *sessions;
	struct router *router;
};

MUST_USE struct retreat *retreat_new(const struct retreat_setup *);
void retreat_free(struct retreat **);
bool retreat_is_on(const struct retreat *);
void retreat_tick(struct retreat *); /* every 50 ms, while it is on */
