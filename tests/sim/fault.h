/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong, and how often: one table of kinds, a few profiles that say which of them a run
 * draws from. Faults that the promises exclude together (a gateway away for longer than the grace,
 * say) are kept apart here, each with its reason. */
#pragma once

#include "tests/sim/node.h"

#define FAULTS_AT_ONCE 4

struct fault;

struct fault_kind {
	const char *name;
	unsigned weight;
	int64_t min_ns, max_ns; /* how long it lasts; 0: a moment */
	bool planned;
	bool (*begin)(struct fault *, int64_t ns); /* false: not possible just now */
	void (*end)(struct fault *);
	const char *what;
};

extern const struct fault_kind fault_kinds[];
extern const unsigned fault_kind_count;

struct fault_profile {
	const char *name;
	unsigned weight;
	int64_t pause_ns; /* between two faults, on average */
	unsigned at_once;
	bool planned; /* only what people do to a cluster that is well */
	bool calm;    /* nothing at all */
	bool single;  /* one kind, drawn for the run */
};

struct fault { /* one that lasts */
	struct faults *faults;
	const struct fault_kind *kind; /* NULL: not in use */
	struct node *gateway, *shard;
	struct event end;
};

struct faults {
	struct world *world;
	const struct fault_profile *profile;
	const struct fault_kind *only;
	struct event next;
	struct fault active[FAULTS_AT_ONCE];
	bool over;
	int64_t unplanned_ns; /* when the last unplanned one was about; 0: never */
	unsigned count;
};

const struct fault_profile *fault_profile_draw(struct sim *);
const struct fault_profile *fault_profile_full(void);
void faults_init(struct faults *, struct world *, const struct fault_profile *, const char *only);
void faults_start(struct faults *);
void faults_end(struct faults *); /* heals everything; nothing goes wrong any more */
void faults_fini(struct faults *);
/* True when nothing but planned changes happened since. */
bool faults_is_calm_since(const struct faults *, int64_t since_ns);
bool fault_is_known(const char *name);
void fault_list(void); /* prints the table */
