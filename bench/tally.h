/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a stretch of time: one histogram per measure, one number per counter. */
#pragma once

#include "bench/histogram.h"

enum measure {
#define MEASURE(NAME, word, help) MEASURE_##NAME,
#include "bench/measure.def"
	MEASURE_COUNT
};

enum counter {
#define COUNTER(NAME, word, help) COUNTER_##NAME,
#include "bench/measure.def"
	COUNTER_COUNT
};

extern const char *const measure_words[MEASURE_COUNT], *const measure_helps[MEASURE_COUNT];
extern const char *const counter_words[COUNTER_COUNT], *const counter_helps[COUNTER_COUNT];

#define REFUSALS 16

struct refusal { /* how often something was refused, for this reason */
	char code[24];
	uint64_t count;
};

struct tally {
	struct histogram of[MEASURE_COUNT];
	uint64_t counts[COUNTER_COUNT];
};

void tally_add(struct tally *to, const struct tally *from);
uint64_t tally_delivered(const struct tally *); /* casts and events, to each reader */
