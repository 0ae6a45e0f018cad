/* SPDX-License-Identifier: Apache-2.0 */
/* A log-linear latency histogram: 1 us to 67 s, 64 steps per doubling (error below 1.6 %). Owns
 * nothing but itself; 14 KiB, in place. */
#pragma once

#include "common/base.h"

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_DOUBLINGS 26

struct histogram {
	uint64_t counts[HISTOGRAM_DOUBLINGS * HISTOGRAM_STEPS];
	uint64_t total;
	int64_t greatest_ns;
};

void histogram_add(struct histogram *, int64_t ns); /* negative counts as 0 */
/* The smallest latency that `share` (0..1) of all values do not exceed; 0 when empty. */
int64_t histogram_at(const struct histogram *, double share);
