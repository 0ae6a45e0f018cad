/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes from the log what is older than the setting says, a piece at a time: of each room the
 * first events, never the last one, which says how far the room has come. Every shard does it,
 * whoever's rooms they are, and one at a time, which the store sees to. Pure: the store comes as
 * its contract. Owner: shard. Why: docs/decisions/0015. */
#pragma once

#include "roomd/store.h"

struct retention {
	struct store *store;
	int64_t age_ns; /* 0: everything is kept */
	bool asking;
	int64_t now_ns, next_ns;
};

void retention_init(struct retention *, struct store *, int64_t age_ns, int64_t now_ns);
void retention_turn(struct retention *, int64_t now_ns);
