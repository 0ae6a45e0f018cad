/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/mem.h"
#include "tests/sim/clock.h"

#define START_NS (1000 * NS_PER_S)
#define WAIT_MAX 8 /* times the mean */

static bool comes_before(const struct event *, const struct event *);
static void put(struct sim *, struct event *, size_t place);
static void rise(struct sim *, struct event *, size_t place);
static void sink(struct sim *, struct event *, size_t place);
static uint64_t mixed(uint64_t);

void sim_init(struct sim *s, uint64_t seed, bool traced)
{
	*s = (struct sim){.now_ns = START_NS, .seed = seed, .traced = traced};
	for (unsigned i = 0; i < SIM_STREAMS; i++)
		s->streams[i] = mixed(seed + mixed(i + 1));
	clock_set(s->now_ns);
}

void sim_fini(struct sim *s)
{
	for (size_t i = 1; i <= s->count; i++)
		s->heap[i]->place = 0;
	mem_free(s->heap);
	s->heap = NULL;
	s->count = s->cap = 0;
}

void sim_at(struct sim *s, struct event *e, int64_t at_ns, event_fn *fn)
{
	sim_cancel(s, e);
	e->at_ns = at_ns > s->now_ns ? at_ns : s->now_ns;
	e->order = ++s->orders;
	e->fn = fn;
	if (s->count + 1 >= s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->heap = mem_grow(s->heap, s->cap * sizeof(struct event *));
	}
	rise(s, e, ++s->count);
}

void sim_in(struct sim *s, struct event *e, int64_t ns, event_fn *fn)
{
	sim_at(s, e, s->now_ns + ns, fn);
}

void sim_cancel(struct sim *s, struct event *e)
{
	size_t place = e->place;

	if (!place)
		return;
	struct event *last = s->heap[s->count--];
	e->place = 0;
	if (last == e)
		return;
	put(s, last, place);
	if (place > 1 && comes_before(last, s->heap[place / 2]))
		rise(s, last, place);
	else
		sink(s, last, place);
}

bool sim_is_set(const struct event *e)
{
	return e->place > 0;
}

bool sim_step(struct sim *s, int64_t until_ns)
{
	if (s->count == 0 || s->heap[1]->at_ns > until_ns) {
		s->now_ns = until_ns;
		clock_set(s->now_ns);
		return false;
	}
	struct event *e = s->heap[1];
	sim_cancel(s, e);
	s->now_ns = e->at_ns;
	s->steps++;
	sim_mix(s, (uint64_t)e->at_ns);
	clock_set(s->now_ns);
	e->fn(e);
	return true;
}

uint64_t sim_random(struct sim *s, enum sim_stream stream)
{
	s->streams[stream] += UINT64_C(0x9e3779b97f4a7c15);
	return mixed(s->streams[stream]);
}

uint64_t sim_below(struct sim *s, enum sim_stream stream, uint64_t limit)
{
	must(limit > 0);
	return (sim_random(s, stream) >> 11) % limit;
}

int64_t sim_between(struct sim *s, enum sim_stream stream, int64_t least, int64_t most)
{
	must(least <= most);
	return least + (int64_t)sim_below(s, stream, (uint64_t)(most - least) + 1);
}

bool sim_chance(struct sim *s, enum sim_stream stream, unsigned per_mille)
{
	return sim_below(s, stream, 1000) < per_mille;
}

/* Sums of halves: each bit that comes up 1 doubles the patience. No logarithm, so that every
 * machine draws the same number. */
int64_t sim_wait(struct sim *s, enum sim_stream stream, int64_t mean)
{
	int64_t part = sim_between(s, stream, 0, mean), all = part;

	for (int i = 1; i < WAIT_MAX && sim_chance(s, stream, 500); i++)
		all += sim_between(s, stream, 0, mean);
	return all;
}

void sim_mix(struct sim *s, uint64_t v)
{
	s->digest = mixed(s->digest ^ v);
}

void sim_trace(const struct sim *s, const char *fmt, ...)
{
	va_list args;

	if (!s->traced)
		return;
	int64_t us = (s->now_ns - START_NS) / SIM_US;
	fprintf(stderr, "%3" PRId64 ".%06" PRId64 " ", us / 1000000, us % 1000000);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

void sim_violate(struct sim *s, const char *invariant, const char *fmt, ...)
{
	va_list args;

	if (s->violated)
		return;
	s->violated = invariant;
	s->violated_ns = s->now_ns - START_NS;
	va_start(args, fmt);
	vsnprintf(s->what, sizeof s->what, fmt, args);
	va_end(args);
	sim_trace(s, "VIOLATED %s: %s", invariant, s->what);
}

static bool comes_before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void put(struct sim *s, struct event *e, size_t place)
{
	s->heap[place] = e;
	e->place = place;
}

static void rise(struct sim *s, struct event *e, size_t place)
{
	while (place > 1 && comes_before(e, s->heap[place / 2])) {
		put(s, s->heap[place / 2], place);
		place /= 2;
	}
	put(s, e, place);
}

static void sink(struct sim *s, struct event *e, size_t place)
{
	while (2 * place <= s->count) {
		size_t child = 2 * place;

		if (child < s->count && comes_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (!comes_before(s->heap[child], e))
			break;
		put(s, s->heap[child], place);
		place = child;
	}
	put(s, e, place);
}

static uint64_t mixed(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}
