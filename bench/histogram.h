/* SPDX-License-Identifier: Apache-2.0 */
/* A log-linear latency histogram in the manner of HdrHistogram: 1 us to 67 s, 64 steps per doubling
 * (error below 3.2 %). Owns nothing but itself; 14 KiB, in place. */
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
void histogram_add_all(struct histogram *to, const struct histogram *from);
/* The smallest latency that `share` (0..1) of all values do not exceed; 0 when empty. */
int64_t histogram_at(const struct histogram *, double share);
/* Walk the steps that have counts, from below; `*at` starts at 0. */
bool histogram_next(const struct histogram *, size_t *at, int64_t *upper_ns, uint64_t *count);
