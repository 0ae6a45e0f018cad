/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/activity.h"

#define PER_TURN 64 /* then the sockets have their turn, however late it is */

static const struct {
	size_t rate; /* member of the scenario */
	bool is_scaled;
	void (*act)(struct crowd *, int64_t due_ns);
} table[] = {
	{offsetof(struct scenario, say_cast), true, crowd_cast},
	{offsetof(struct scenario, say_comment), true, crowd_comment},
	{offsetof(struct scenario, say_approve), false, crowd_approve},
	{offsetof(struct scenario, say_state), false, crowd_state},
	{offsetof(struct scenario, say_leave), false, crowd_leave},
	{offsetof(struct scenario, say_drop), false, crowd_drop},
};

_Static_assert(ARRAY_LEN(table) == ACTIVITIES, "one schedule each");

void activities_begin(struct activities *a, struct crowd *crowd, double factor, int64_t now_ns)
{
	a->crowd = crowd;
	for (size_t i = 0; i < ACTIVITIES; i++) {
		const char *at = (const char *)crowd->scenario + table[i].rate;
		double rate = (double)*(const int64_t *)(const void *)at;

		schedule_begin(&a->schedules[i], table[i].is_scaled ? rate * factor : rate,
			       (double)(i + 1) / ACTIVITIES, now_ns);
	}
}

int64_t activities_turn(struct activities *a, int64_t now_ns)
{
	int64_t next_ns = INT64_MAX, due_ns;

	a->crowd->now_ns = now_ns;

	for (size_t i = 0; i < ACTIVITIES; i++) {
		for (unsigned n = 0;
		     n < PER_TURN && schedule_take(&a->schedules[i], now_ns, &due_ns); n++) {
			table[i].act(a->crowd, due_ns);
			crowd_measure(a->crowd, MEASURE_LATE, due_ns);
		}
		due_ns = schedule_next_ns(&a->schedules[i]);
		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}
