/* SPDX-License-Identifier: Apache-2.0 */
/* A run over time: a sample each second, and the marks of what was done to the servers meanwhile.
 * Does not grow without bound: when it is full, neighbours become one, of twice the length. */
#pragma once

#include "bench/tally.h"

#define COURSE_SAMPLES 1200
#define COURSE_MARKS 256
#define MARK_LEN 48

struct sample {
	int64_t at_ns, long_ns; /* where it begins, since the run began; how long it is */
	uint64_t counts[COUNTER_COUNT];
	int64_t p50_ns[MEASURE_COUNT], p99_ns[MEASURE_COUNT], worst_ns[MEASURE_COUNT];
	uint64_t connections;   /* that are in their rooms */
	int64_t servers_cpu_ns; /* spent within it */
	int64_t own_cpu_ns;     /* by moot-bench */
	int64_t servers_bytes;  /* memory, at its end */
};

struct mark_at {
	int64_t at_ns;
	char text[MARK_LEN];
};

struct course {
	struct sample samples[COURSE_SAMPLES];
	struct mark_at marks[COURSE_MARKS];
	size_t sample_count, mark_count;
	unsigned halved;    /* how often: a sample is of 2^halved seconds */
	struct sample part; /* what is not a whole sample yet */
	unsigned part_count;
};

/* Figures of `tally` go into the sample, whose other members are set. */
void sample_take(struct sample *, const struct tally *);
void course_add(struct course *, const struct sample *);
void course_mark(struct course *, int64_t at_ns, const char *text); /* the first COURSE_MARKS */
