/* SPDX-License-Identifier: Apache-2.0 */
/* Looks after every turn, and every 10 ms for what happens after the turn functions. */
#include "tests/lib/until.h"

#include "common/mono.h"

#define LOOK_NS (10 * NS_PER_MS)

struct until {
	struct loop *loop;
	struct timer look;
	until_fn *has_happened;
	void *what;
	int64_t deadline_ns;
	bool happened;
};

static bool never(void *what)
{
	(void)what;
	return false;
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct until *u = owner;

	if (u->has_happened(u->what))
		u->happened = true;
	if (u->happened || now_ns >= u->deadline_ns)
		loop_stop(u->loop);
	return false;
}

static void on_look(struct timer *timer, int64_t now_ns)
{
	struct until *u = container_of(timer, struct until, look);

	timers_arm(loop_timers(u->loop), timer, now_ns + LOOK_NS, on_look);
}

bool loop_until(struct loop *loop, int ms, until_fn *has_happened, void *what)
{
	struct until u = {.loop = loop, .has_happened = has_happened, .what = what};

	u.deadline_ns = loop_now_ns(loop) + ms * NS_PER_MS;
	loop_on_turn(loop, on_turn, &u);
	on_look(&u.look, loop_now_ns(loop));
	while (!u.happened && mono_now_ns() < u.deadline_ns)
		loop_run(loop);
	timers_disarm(loop_timers(loop), &u.look);
	loop_off_turn(loop, &u);
	return u.happened;
}

void loop_for(struct loop *loop, int ms)
{
	bool happened = loop_until(loop, ms, never, NULL);

	must(!happened);
}
