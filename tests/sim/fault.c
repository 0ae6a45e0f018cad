/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/fault.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static const struct fault_profile profiles[] = {
	{"calm", 5, NS_PER_S, 0, .calm = true},
	{"planned", 20, 3 * NS_PER_S, 1, .planned = true},
	{"single", 25, 2 * NS_PER_S, 1, .single = true},
	{"light", 20, 4 * NS_PER_S, 1, .calm = false},
	{"full", 30, 1200 * NS_PER_MS, 3, .calm = false},
};

static const struct fault_kind *draw(struct faults *);
static bool fits(const struct faults *, const struct fault_kind *);
static void on_next(struct event *);
static void on_end(struct event *);
static void stop(struct fault *);
static int64_t length(struct fault *);

const struct fault_profile *fault_profile_draw(struct sim *s)
{
	unsigned all = 0, i = 0;

	for (unsigned k = 0; k < ARRAY_LEN(profiles); k++)
		all += profiles[k].weight;
	uint64_t dice = sim_below(s, SIM_WORLD, all);
	while (dice >= profiles[i].weight)
		dice -= profiles[i++].weight;
	return &profiles[i];
}

const struct fault_profile *fault_profile_full(void)
{
	return &profiles[ARRAY_LEN(profiles) - 1];
}

void faults_init(struct faults *f, struct world *w, const struct fault_profile *profile,
		 const char *only)
{
	*f = (struct faults){.world = w, .profile = profile};
	for (unsigned i = 0; i < FAULTS_AT_ONCE; i++)
		f->active[i].faults = f;
	if (profile->single)
		f->only = &fault_kinds[sim_below(&w->sim, SIM_FAULT, fault_kind_count)];
	for (unsigned i = 0; only && i < fault_kind_count; i++)
		if (!strcmp(fault_kinds[i].name, only))
			f->only = &fault_kinds[i];
}

void faults_start(struct faults *f)
{
	if (!f->profile->calm || f->only)
		sim_in(&f->world->sim, &f->next, 0, on_next);
}

void faults_end(struct faults *f)
{
	faults_fini(f);
	f->over = true;
}

void faults_fini(struct faults *f)
{
	sim_cancel(&f->world->sim, &f->next);
	for (unsigned i = 0; i < FAULTS_AT_ONCE; i++)
		if (f->active[i].kind)
			stop(&f->active[i]);
}

bool faults_is_calm_since(const struct faults *f, int64_t since_ns)
{
	for (unsigned i = 0; i < FAULTS_AT_ONCE; i++)
		if (f->active[i].kind && !f->active[i].kind->planned)
			return false;
	return f->unplanned_ns < since_ns || f->unplanned_ns == 0;
}

bool fault_is_known(const char *name)
{
	for (unsigned i = 0; i < fault_kind_count; i++)
		if (!strcmp(fault_kinds[i].name, name))
			return true;
	return false;
}

void fault_list(void)
{
	for (unsigned i = 0; i < fault_kind_count; i++)
		printf("  %-18s %s\n", fault_kinds[i].name, fault_kinds[i].what);
}

static const struct fault_kind *draw(struct faults *f)
{
	unsigned all = 0, i = 0;

	if (f->only)
		return f->only;
	for (unsigned k = 0; k < fault_kind_count; k++)
		all += fits(f, &fault_kinds[k]) ? fault_kinds[k].weight : 0;
	uint64_t dice = sim_below(&f->world->sim, SIM_FAULT, all);
	while (!fits(f, &fault_kinds[i]) || dice >= fault_kinds[i].weight) {
		dice -= fits(f, &fault_kinds[i]) ? fault_kinds[i].weight : 0;
		i++;
	}
	return &fault_kinds[i];
}

static bool fits(const struct faults *f, const struct fault_kind *kind)
{
	return !f->profile->planned || kind->planned;
}

static void on_next(struct event *e)
{
	struct faults *f = container_of(e, struct faults, next);
	struct sim *s = &f->world->sim;
	const struct fault_kind *kind = draw(f);
	unsigned at_once = f->profile->at_once ? f->profile->at_once : 1;

	sim_in(s, e, sim_wait(s, SIM_FAULT, f->profile->pause_ns), on_next);
	for (unsigned i = 0; i < at_once; i++) {
		struct fault *one = &f->active[i];

		if (one->kind)
			continue;
		one->kind = kind;
		one->gateway = one->shard = NULL;
		int64_t ns = kind->max_ns ? length(one) : 0;
		if (!kind->begin(one, ns)) {
			one->kind = NULL;
			return;
		}
		f->count++;
		sim_in(s, &one->end, ns, on_end);
		return;
	}
}

static void on_end(struct event *e)
{
	stop(container_of(e, struct fault, end));
}

static void stop(struct fault *one)
{
	struct faults *f = one->faults;

	sim_cancel(&f->world->sim, &one->end);
	if (one->kind->end)
		one->kind->end(one);
	if (!one->kind->planned)
		f->unplanned_ns = f->world->sim.now_ns;
	one->kind = NULL;
}

/* Short ones are as likely as long ones: the length doubles with each throw. */
static int64_t length(struct fault *one)
{
	struct sim *s = &one->faults->world->sim;
	int64_t most = one->kind->min_ns;

	while (most < one->kind->max_ns && sim_chance(s, SIM_FAULT, 750))
		most *= 2;
	if (most > one->kind->max_ns)
		most = one->kind->max_ns;
	return sim_between(s, SIM_FAULT, one->kind->min_ns, most);
}
