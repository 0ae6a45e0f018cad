/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/fault.h"

#include <stdio.h>
#include <string.h>

#include "roomd/shard.h"
#include "tests/sim/store.h"
#include "tests/sim/visit.h"
#include "tests/sim/world.h"

#define SLOW_NETWORK_NS (30 * NS_PER_MS)
#define SLOW_DATABASE_NS (400 * NS_PER_MS)
#define LATE_COMMITS_NS (1500 * NS_PER_MS)
#define RECOVER_NS (4 * NS_PER_S) /* a place that was in trouble is left alone for so long */

struct fault_kind {
	const char *name;
	unsigned weight;
	int64_t min_ns, max_ns; /* how long it lasts; 0: a moment */
	bool planned;
	bool (*begin)(struct fault *, int64_t ns); /* false: not possible just now */
	void (*end)(struct fault *);
	const char *what;
};

static bool kill_shard(struct fault *, int64_t ns);
static bool kill_gateway(struct fault *, int64_t ns);
static bool stop_shard(struct fault *, int64_t ns);
static bool stop_gateway(struct fault *, int64_t ns);
static void go_on(struct fault *);
static bool restart_shard(struct fault *, int64_t ns);
static bool restart_gateway(struct fault *, int64_t ns);
static bool add_shard(struct fault *, int64_t ns);
static bool remove_shard(struct fault *, int64_t ns);
static bool cut_up(struct fault *, int64_t ns);
static bool cut_down(struct fault *, int64_t ns);
static bool cut_both(struct fault *, int64_t ns);
static void mend(struct fault *);
static bool break_wire(struct fault *, int64_t ns);
static bool slow_network(struct fault *, int64_t ns);
static void swift_network(struct fault *);
static bool lose_database(struct fault *, int64_t ns);
static bool slow_database(struct fault *, int64_t ns);
static void swift_database(struct fault *);
static bool late_commits(struct fault *, int64_t ns);
static void swift_commits(struct fault *);
static bool lock_view(struct fault *, int64_t ns);
static bool stop_database(struct fault *, int64_t ns);

#define MS NS_PER_MS
static const struct fault_kind kinds[] = {
	{"kill-shard", 10, 0, 0, false, kill_shard, NULL, "SIGKILL; started again"},
	{"kill-gateway", 10, 0, 0, false, kill_gateway, NULL, "SIGKILL; started again"},
	{"stop-shard", 10, 100 * MS, 10000 * MS, false, stop_shard, go_on, "SIGSTOP, SIGCONT"},
	{"stop-gateway", 8, 100 * MS, 10000 * MS, false, stop_gateway, go_on, "SIGSTOP, SIGCONT"},
	{"restart-shard", 10, 0, 0, true, restart_shard, NULL, "SIGTERM; started again"},
	{"restart-gateway", 6, 0, 0, true, restart_gateway, NULL, "SIGTERM; started again"},
	{"add-shard", 5, 0, 0, true, add_shard, NULL, "one more shard"},
	{"remove-shard", 5, 0, 0, true, remove_shard, NULL, "SIGTERM for good"},
	{"cut-up", 6, 50 * MS, 5000 * MS, false, cut_up, mend, "nothing reaches one shard"},
	{"cut-down", 6, 50 * MS, 5000 * MS, false, cut_down, mend, "nothing reaches one gateway"},
	{"cut-both", 6, 50 * MS, 5000 * MS, false, cut_both, mend, "both directions"},
	{"break-connection", 8, 0, 0, false, break_wire, NULL, "TCP connections of a pair end"},
	{"slow-network", 4, 500 * MS, 5000 * MS, false, slow_network, swift_network,
	 "up to 30 ms more for each message"},
	{"lose-database", 8, 0, 0, false, lose_database, NULL, "one process loses its connection"},
	{"slow-database", 5, 500 * MS, 5000 * MS, false, slow_database, swift_database,
	 "up to 400 ms more for each step"},
	{"late-commits", 8, 500 * MS, 6000 * MS, false, late_commits, swift_commits,
	 "up to 1.5 s more for each append, with its slots locked"},
	{"lock-view", 5, 50 * MS, 1500 * MS, false, lock_view, NULL, "the row of view is locked"},
	{"stop-database", 5, 500 * MS, 6000 * MS, false, stop_database, NULL,
	 "an outage or a failover; no commit is lost"},
};
#undef MS

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
static struct sim *sim_of(const struct fault *);
static bool is_well(const struct node *);
static struct node *some_node(struct fault *, enum node_kind);
static struct wire *some_wire(struct fault *);
static bool cut(struct fault *, bool up, bool down);
static int64_t away(struct fault *);
static bool is_ready(const struct world *);
static unsigned active_shards(const struct world *);

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

void faults_init(struct faults *f, struct world *w, const struct fault_profile *profile,
		 const char *only)
{
	*f = (struct faults){.world = w, .profile = profile};
	for (unsigned i = 0; i < FAULTS_AT_ONCE; i++)
		f->active[i].faults = f;
	if (profile->single)
		f->only = &kinds[sim_below(&w->sim, SIM_FAULT, ARRAY_LEN(kinds))];
	for (unsigned i = 0; only && i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, only))
			f->only = &kinds[i];
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
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return true;
	return false;
}

void fault_list(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
		printf("  %-18s %s\n", kinds[i].name, kinds[i].what);
}

static const struct fault_kind *draw(struct faults *f)
{
	unsigned all = 0, i = 0;

	if (f->only)
		return f->only;
	for (unsigned k = 0; k < ARRAY_LEN(kinds); k++)
		all += fits(f, &kinds[k]) ? kinds[k].weight : 0;
	uint64_t dice = sim_below(&f->world->sim, SIM_FAULT, all);
	while (!fits(f, &kinds[i]) || dice >= kinds[i].weight) {
		dice -= fits(f, &kinds[i]) ? kinds[i].weight : 0;
		i++;
	}
	return &kinds[i];
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
		int64_t ns = kind->max_ns ? away(one) : 0;
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

static struct sim *sim_of(const struct fault *one)
{
	return &one->faults->world->sim;
}

/* Short ones are as likely as long ones: the length doubles with each throw. */
static int64_t away(struct fault *one)
{
	struct sim *s = sim_of(one);
	int64_t most = one->kind->min_ns;

	while (most < one->kind->max_ns && sim_chance(s, SIM_FAULT, 750))
		most *= 2;
	if (most > one->kind->max_ns)
		most = one->kind->max_ns;
	return sim_between(s, SIM_FAULT, one->kind->min_ns, most);
}

/* One that has just been in trouble is left alone: gateways promise nothing about connections that
 * nobody hears of for longer than silence and grace together, 13 s, and two faults would add up. */
static bool is_well(const struct node *n)
{
	struct world *w = n->world;
	int64_t now_ns = w->sim.now_ns;

	if (!node_serves(n) || (n->trouble_ns && now_ns - n->trouble_ns < RECOVER_NS))
		return false;
	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		const struct wire *wire = n->kind == NODE_SHARD ? &w->network.wires[i][n->index]
								: &w->network.wires[n->index][i];

		if (wire->cut[0] || wire->cut[1] ||
		    (wire->trouble_ns && now_ns - wire->trouble_ns < RECOVER_NS))
			return false;
	}
	return true;
}

static struct node *some_node(struct fault *one, enum node_kind kind)
{
	struct world *w = one->faults->world;
	struct node *nodes = kind == NODE_SHARD ? w->shards : w->gateways;
	struct node *n = &nodes[sim_below(&w->sim, SIM_FAULT, NETWORK_NODES_MAX)];

	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		if (is_well(n))
			return n;
		n = n + 1 < nodes + NETWORK_NODES_MAX ? n + 1 : nodes;
	}
	return NULL;
}

static bool kill_shard(struct fault *one, int64_t ns)
{
	struct node *n = some_node(one, NODE_SHARD);

	(void)ns;
	if (n)
		node_kill(n, sim_between(sim_of(one), SIM_FAULT, 200 * NS_PER_MS, 3 * NS_PER_S));
	return n;
}

static bool kill_gateway(struct fault *one, int64_t ns)
{
	struct node *n = some_node(one, NODE_GATEWAY);

	(void)ns;
	if (n)
		node_kill(n, sim_between(sim_of(one), SIM_FAULT, 200 * NS_PER_MS, 3 * NS_PER_S));
	return n;
}

static bool stop_shard(struct fault *one, int64_t ns)
{
	one->shard = some_node(one, NODE_SHARD);
	if (one->shard)
		node_pause(one->shard, ns);
	return one->shard;
}

static bool stop_gateway(struct fault *one, int64_t ns)
{
	one->gateway = some_node(one, NODE_GATEWAY);
	if (one->gateway)
		node_pause(one->gateway, ns);
	return one->gateway;
}

static void go_on(struct fault *one)
{
	node_resume(one->shard ? one->shard : one->gateway);
}

static bool restart_shard(struct fault *one, int64_t ns)
{
	const struct world *w = one->faults->world;
	struct node *n = is_ready(w) && active_shards(w) > 1 ? some_node(one, NODE_SHARD) : NULL;

	(void)ns;
	if (n)
		node_terminate(n);
	return n;
}

static bool restart_gateway(struct fault *one, int64_t ns)
{
	struct node *n = is_ready(one->faults->world) ? some_node(one, NODE_GATEWAY) : NULL;

	(void)ns;
	if (n)
		node_terminate(n);
	return n;
}

static bool add_shard(struct fault *one, int64_t ns)
{
	struct world *w = one->faults->world;

	(void)ns;
	for (unsigned i = 0; i < w->plan.shards + w->plan.spare_shards; i++)
		if (!node_runs(&w->shards[i]) && w->shards[i].idle) {
			node_start(&w->shards[i]);
			return true;
		}
	return false;
}

static bool remove_shard(struct fault *one, int64_t ns)
{
	struct node *n = some_node(one, NODE_SHARD);

	(void)ns;
	if (!n || active_shards(one->faults->world) < 2 || !is_ready(one->faults->world))
		return false;
	node_terminate(n);
	n->idle = true;
	return true;
}

static struct wire *some_wire(struct fault *one)
{
	struct world *w = one->faults->world;

	one->gateway = some_node(one, NODE_GATEWAY);
	one->shard = some_node(one, NODE_SHARD);
	if (!one->gateway || !one->shard)
		return NULL;
	return &w->network.wires[one->gateway->index][one->shard->index];
}

static bool cut_up(struct fault *one, int64_t ns)
{
	(void)ns;
	return cut(one, true, false);
}

static bool cut_down(struct fault *one, int64_t ns)
{
	(void)ns;
	return cut(one, false, true);
}

static bool cut_both(struct fault *one, int64_t ns)
{
	(void)ns;
	return cut(one, true, true);
}

static bool cut(struct fault *one, bool up, bool down)
{
	struct wire *w = some_wire(one);

	if (w && up)
		network_cut(w, NETWORK_UP, true);
	if (w && down)
		network_cut(w, NETWORK_DOWN, true);
	return w;
}

static void mend(struct fault *one)
{
	struct wire *w = &one->faults->world->network.wires[one->gateway->index][one->shard->index];

	for (enum network_direction d = NETWORK_UP; d <= NETWORK_DOWN; d++)
		if (w->cut[d])
			network_cut(w, d, false);
}

static bool break_wire(struct fault *one, int64_t ns)
{
	struct wire *w = some_wire(one);

	(void)ns;
	if (w)
		network_break(w);
	return w;
}

static bool slow_network(struct fault *one, int64_t ns)
{
	(void)ns;
	sim_trace(sim_of(one), "the network is slow");
	one->faults->world->network.slow_ns = SLOW_NETWORK_NS;
	return true;
}

static void swift_network(struct fault *one)
{
	one->faults->world->network.slow_ns = 0;
}

static bool lose_database(struct fault *one, int64_t ns)
{
	struct world *w = one->faults->world;
	struct node *n =
		some_node(one, sim_chance(&w->sim, SIM_FAULT, 600) ? NODE_SHARD : NODE_GATEWAY);

	(void)ns;
	if (n)
		store_lose(&w->database, n->id);
	return n;
}

static bool slow_database(struct fault *one, int64_t ns)
{
	(void)ns;
	sim_trace(sim_of(one), "the database is slow");
	one->faults->world->database.slow_ns = SLOW_DATABASE_NS;
	return true;
}

static void swift_database(struct fault *one)
{
	one->faults->world->database.slow_ns = 0;
}

static bool late_commits(struct fault *one, int64_t ns)
{
	(void)ns;
	sim_trace(sim_of(one), "commits are late");
	one->faults->world->database.append_ns = LATE_COMMITS_NS;
	return true;
}

static void swift_commits(struct fault *one)
{
	one->faults->world->database.append_ns = 0;
}

static bool lock_view(struct fault *one, int64_t ns)
{
	database_lock(&one->faults->world->database, ns);
	return true;
}

static bool stop_database(struct fault *one, int64_t ns)
{
	struct database *db = &one->faults->world->database;

	if (db->up)
		database_stop(db, ns, 0);
	return true;
}

/* Whoever changes something waits until everything is as it should be. */
static bool is_ready(const struct world *w)
{
	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		const struct node *shard = &w->shards[i], *gateway = &w->gateways[i];

		if ((!shard->idle || node_runs(shard)) &&
		    (!node_serves(shard) || !shard_is_settled(shard_process_shard(shard->shard))))
			return false;
		if (i < w->plan.gateways && (!node_serves(gateway) || !gateway_accepts(gateway)))
			return false;
	}
	return true;
}

static unsigned active_shards(const struct world *w)
{
	unsigned count = 0;

	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++)
		count += (node_runs(&w->shards[i]) || sim_is_set(&w->shards[i].start)) &&
			 !w->shards[i].leaving && !w->shards[i].idle;
	return count;
}
