/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/tally.h"

const char *const measure_words[] = {
#define MEASURE(NAME, word, help) #word,
#include "bench/measure.def"
};

const char *const measure_helps[] = {
#define MEASURE(NAME, word, help) help,
#include "bench/measure.def"
};

const char *const counter_words[] = {
#define COUNTER(NAME, word, help) #word,
#include "bench/measure.def"
};

const char *const counter_helps[] = {
#define COUNTER(NAME, word, help) help,
#include "bench/measure.def"
};

void tally_add(struct tally *to, const struct tally *from)
{
	for (size_t i = 0; i < MEASURE_COUNT; i++)
		histogram_add_all(&to->of[i], &from->of[i]);
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		to->counts[i] += from->counts[i];
}

uint64_t tally_delivered(const struct tally *t)
{
	return t->counts[COUNTER_HEARD] + t->counts[COUNTER_SEEN];
}
