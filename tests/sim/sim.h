/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual time: events in order, random numbers from one seed, the trace, and the first violation.
 * Everything that happens in a simulated cluster happens inside an event's function, so one seed is
 * one history. Knows nothing of clusters. */
#pragma once

#include "common/base.h"

#define SIM_US INT64_C(1000)
#define SIM_NEVER INT64_MAX

struct event;
typedef void event_fn(struct event *);

struct event {
	int64_t at_ns;
	uint64_t order; /* of two at the same time the one that was set first */
	size_t place;   /* in the heap, from 1; 0: not set */
	event_fn *fn;
};

/* Each part draws from its own stream: a change in one leaves the luck of the others alone. */
enum sim_stream {
	SIM_WORLD,
	SIM_NETWORK,
	SIM_DATABASE,
	SIM_PROCESS,
	SIM_CLIENT,
	SIM_FAULT,
	SIM_STREAMS
};

struct sim {
	int64_t now_ns;
	uint64_t seed, orders, steps;
	uint64_t digest; /* of everything that was mixed in: the same for the same seed */
	struct event **heap;
	size_t count, cap;
	uint64_t streams[SIM_STREAMS];
	bool traced;
	const char *violated; /* name of the invariant; NULL: none so far */
	char what[320];
	int64_t violated_ns;
};

void sim_init(struct sim *, uint64_t seed, bool traced);
void sim_fini(struct sim *);

void sim_at(struct sim *, struct event *, int64_t at_ns, event_fn *); /* again when set already */
void sim_in(struct sim *, struct event *, int64_t ns, event_fn *);
void sim_cancel(struct sim *, struct event *); /* fine when it is not set */
bool sim_is_set(const struct event *);
/* The next event, unless it lies beyond `until_ns`. False: time is `until_ns` now. */
bool sim_step(struct sim *, int64_t until_ns);

uint64_t sim_random(struct sim *, enum sim_stream);
uint64_t sim_below(struct sim *, enum sim_stream, uint64_t limit); /* 0 .. limit - 1 */
int64_t sim_between(struct sim *, enum sim_stream, int64_t least, int64_t most);
bool sim_chance(struct sim *, enum sim_stream, unsigned per_mille);
/* Waiting times of things that happen by themselves, `mean` on average, at most 8 times that. */
int64_t sim_wait(struct sim *, enum sim_stream, int64_t mean);

void sim_mix(struct sim *, uint64_t);
void sim_trace(const struct sim *, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An invariant does not hold. The first one counts; the run ends. */
void sim_violate(struct sim *, const char *invariant, const char *fmt, ...) PRINTF_LIKE(3, 4);
