/* SPDX-License-Identifier: Apache-2.0 */
/* When things should happen, at a fixed rate, whatever became of the one before: latency that is
 * counted from these moments hides no stall (no coordinated omission). Pure: time comes in. */
#pragma once

#include "common/base.h"

struct schedule {
	int64_t from_ns;
	double gap_ns; /* 0: never */
	uint64_t taken;
};

/* From `now_ns` on, `rate` a second; `phase` (0..1) of a gap passes first, so that schedules that
 * begin together do not beat together. */
void schedule_begin(struct schedule *, double rate, double phase, int64_t now_ns);
/* The moment of the next one, if it has come. */
bool schedule_take(struct schedule *, int64_t now_ns, int64_t *due_ns);
int64_t schedule_next_ns(const struct schedule *); /* INT64_MAX: never */
