/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/schedule.h"

void schedule_begin(struct schedule *s, double rate, double phase, int64_t now_ns)
{
	s->gap_ns = rate > 0 ? (double)NS_PER_S / rate : 0;
	s->from_ns = now_ns + (int64_t)(s->gap_ns * phase);
	s->taken = 0;
}

bool schedule_take(struct schedule *s, int64_t now_ns, int64_t *due_ns)
{
	*due_ns = schedule_next_ns(s);
	if (*due_ns > now_ns)
		return false;
	s->taken++;
	return true;
}

int64_t schedule_next_ns(const struct schedule *s)
{
	return s->gap_ns > 0 ? s->from_ns + (int64_t)(s->gap_ns * (double)s->taken) : INT64_MAX;
}
