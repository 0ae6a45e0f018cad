/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/course.h"

#include <stdio.h>

static void course_halve(struct course *);
static void sample_join(struct sample *to, const struct sample *next);
static int64_t greater(int64_t a, int64_t b);

void sample_take(struct sample *s, const struct tally *tally)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		s->counts[i] = tally->counts[i];
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		s->p50_ns[i] = histogram_at(&tally->of[i], 0.5);
		s->p99_ns[i] = histogram_at(&tally->of[i], 0.99);
		s->worst_ns[i] = tally->of[i].greatest_ns;
	}
}

void course_add(struct course *t, const struct sample *s)
{
	if (t->part_count++ == 0)
		t->part = *s;
	else
		sample_join(&t->part, s);
	if (t->part_count < 1u << t->halved)
		return;
	if (t->sample_count == COURSE_SAMPLES)
		course_halve(t);
	if (t->part_count < 1u << t->halved)
		return;
	t->samples[t->sample_count++] = t->part;
	t->part_count = 0;
}

static void course_halve(struct course *t)
{
	for (size_t i = 0; i < COURSE_SAMPLES / 2; i++) {
		t->samples[i] = t->samples[2 * i];
		sample_join(&t->samples[i], &t->samples[2 * i + 1]);
	}
	t->sample_count = COURSE_SAMPLES / 2;
	t->halved++;
}

/* Of percentiles the worse one is kept: it hides no bad second, and says no more than that. */
static void sample_join(struct sample *to, const struct sample *next)
{
	to->long_ns += next->long_ns;
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		to->counts[i] += next->counts[i];
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		to->p50_ns[i] = greater(to->p50_ns[i], next->p50_ns[i]);
		to->p99_ns[i] = greater(to->p99_ns[i], next->p99_ns[i]);
		to->worst_ns[i] = greater(to->worst_ns[i], next->worst_ns[i]);
	}
	to->connections = next->connections;
	to->servers_cpu_ns += next->servers_cpu_ns;
	to->own_cpu_ns += next->own_cpu_ns;
	to->servers_bytes = next->servers_bytes;
}

void course_mark(struct course *t, int64_t at_ns, const char *text)
{
	if (t->mark_count == COURSE_MARKS)
		return;
	struct mark_at *m = &t->marks[t->mark_count++];
	m->at_ns = at_ns;
	snprintf(m->text, sizeof m->text, "%.*s", MARK_LEN - 1, text);
}

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
