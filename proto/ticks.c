/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/ticks.h"

void ticks_done(struct ticks *t, int64_t wall_ns, int64_t now_ns)
{
	t->last_ns = now_ns;
	t->wall_ns = wall_ns;
}

int64_t ticks_set(struct ticks *t, bool is_calm, int64_t now_ns)
{
	const struct beat beat = {.period_ns = is_calm ? CALM_TICK_NS : TICK_NS,
				  .wall_ns = t->wall_ns};
	int64_t due_ns = beat_after(&beat, t->last_ns);

	t->due_ns = due_ns > now_ns ? due_ns : now_ns;
	return t->due_ns;
}

bool ticks_may_be_calm(int64_t heartbeat_ns, int64_t silence_ns)
{
	return heartbeat_ns >= CALM_TICK_NS && silence_ns >= 4 * CALM_TICK_NS;
}

bool heartbeat_is_due(int64_t quiet_ns, int64_t heartbeat_ns)
{
	return quiet_ns >= heartbeat_ns - heartbeat_ns / 5;
}
