/* SPDX-License-Identifier: Apache-2.0 */
/* When a process looks at what waits for time: at the same moments in all of them, by the wall
 * clock, so that the heartbeats which they send then wake whoever hears them once; and half as
 * often while nothing waits (docs/decisions/0031). Pure. */
#pragma once

#include <stdbool.h>

#include "proto/beat.h"

#define TICK_NS (50 * NS_PER_MS)
#define CALM_TICK_NS (100 * NS_PER_MS)

struct ticks {
	int64_t due_ns;  /* the next one; 0: there was none yet, it is due at once */
	int64_t last_ns; /* when the last one was done */
	int64_t wall_ns; /* then: the wall clock less the monotonic one */
};

void ticks_done(struct ticks *, int64_t wall_ns, int64_t now_ns);
/* At the end of each turn: when the next one is due, not before now. What comes up while it is calm
 * pulls it in. */
int64_t ticks_set(struct ticks *, bool is_calm, int64_t now_ns);
/* Whether a link with these settings can do with the ticks of a calm process: they must come as
 * often as its heartbeats, and several times within its silence, else each may look like a sleep.
 */
bool ticks_may_be_calm(int64_t heartbeat_ns, int64_t silence_ns);
/* Nothing else was said for about so long: rather a fifth early than a whole tick late. */
bool heartbeat_is_due(int64_t quiet_ns, int64_t heartbeat_ns);
