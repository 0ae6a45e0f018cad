/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what goes wrong, and what each does to the cluster. */
#include "roomd/shard.h"
#include "tests/sim/fault.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

#define SLOW_NETWORK_NS (30 * NS_PER_MS)
#define SLOW_DATABASE_NS (400 * NS_PER_MS)
#define LATE_COMMITS_NS (1500 * NS_PER_MS)
#define TAIL_MAX 6                /* versions that an asynchronous standby may lack */
#define RECOVER_NS (4 * NS_PER_S) /* a place that was in trouble is left alone for so long */

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

static struct sim *sim_of(const struct fault *);
static bool is_well(const struct node *);
static struct node *some_node(struct fault *, enum node_kind);
static struct wire *some_wire(struct fault *);
static bool cut(struct fault *, bool up, bool down);
static bool is_ready(const struct world *);
static unsigned active_shards(const struct world *);

#define MS NS_PER_MS
const struct fault_kind fault_kinds[] = {
	{"kill-shard", 10, 0, 0, false, kill_shard, NULL, "SIGKILL; started again"},
	{"kill-gateway", 10, 0, 0, false, kill_gateway, NULL, "SIGKILL; started again"},
	{"stop-shard", 10, 100 * MS, 10000 * MS, false, stop_shard, go_on, "SIGSTOP, SIGCONT"},
	{"stop-gateway", 8, 100 * MS, 10000 * MS, false, stop_gateway, go_on, "SIGSTOP, SIGCONT"},
	{"restart-shard", 10, 0, 0, true, restart_shard, NULL, "SIGTERM; started again"},
	{"restart-gateway", 6, 0, 0, true, restart_gateway, NULL, "SIGTERM; started again"},
	{"add-shard", 5, 0, 0, true, add_shard, NULL, "one more shard"},
	{"remove-shard", 5, 0, 0, true, remove_shard, NULL, "SIGTERM for good"},
	{"cut-up", 6, 50 * MS, 8000 * MS, false, cut_up, mend, "nothing reaches one shard"},
	{"cut-down", 6, 50 * MS, 8000 * MS, false, cut_down, mend, "nothing reaches one gateway"},
	{"cut-both", 6, 50 * MS, 8000 * MS, false, cut_both, mend, "both directions"},
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

const unsigned fault_kind_count = ARRAY_LEN(fault_kinds);

static struct sim *sim_of(const struct fault *one)
{
	return &one->faults->world->sim;
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
	struct world *w = one->faults->world;
	uint64_t tail = w->plan.async ? sim_below(&w->sim, SIM_FAULT, TAIL_MAX + 1) : 0;

	if (w->database.up)
		database_stop(&w->database, ns, tail);
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
