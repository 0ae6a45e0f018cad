/* SPDX-License-Identifier: Apache-2.0 */
/* A moot-roomd: the real shard (roomd/shard.h), and around it what roomd.c does with a loop, a bus
 * and a database. */
#include "common/mem.h"
#include "proto/ticks.h"
#include "roomd/shard.h"
#include "tests/sim/clock.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

#define CHECK_NS (500 * NS_PER_MS)
#define GOODBYE_NS (100 * NS_PER_MS)
#define BACK_MIN_NS (300 * NS_PER_MS) /* a supervisor, or an upgrade, starts it again */
#define BACK_MAX_NS (2 * NS_PER_S)

struct shard_process {
	struct node *node;
	struct store *store;
	struct timers *timers;
	struct shard *shard;
	int64_t stop_ns, check_ns;
};

static enum err send(void *owner, struct span route, struct span bytes);
static void on_store(void *owner, bool up);
static void on_hint(void *owner, uint64_t version);
static bool follow_state(struct shard_process *, int64_t now_ns);
static void check_bounds(const struct shard_process *);

struct shard_process *shard_process_new(struct node *n)
{
	struct shard_process *p = mem_new(sizeof *p);
	int64_t now_ns = n->world->sim.now_ns;

	p->node = n;
	p->timers = timers_new(now_ns);
	p->store = store_open(n, &(struct store_link_hooks){on_store, on_hint, p});
	p->shard = shard_new(
		&(struct shard_setup){
			.self = n->id,
			.name = n->name,
			.endpoint = n->endpoint,
			.timers = p->timers,
			.store = p->store,
			.send = send,
			.send_owner = p,
			.history_bytes = 4096, /* some rooms have theirs, and some of it is gone */
			.heartbeat_ns = 100 * NS_PER_MS,
			.silence_ns = 3 * NS_PER_S,
			.grace_ns = WORLD_GRACE_NS,
			.state_interval_ns = 50 * NS_PER_MS,
			.welcome_wait_ns = 250 * NS_PER_MS,
			.hibernate_ns = n->world->plan.hibernate_ns,
			.poll_ns = NS_PER_S,
			.settle_ns = n->world->plan.settle_ns,
			.drain_ns = 30 * NS_PER_S,
			.vote_ns = 2 * NS_PER_S,
		},
		now_ns);
	return p;
}

void shard_process_free(struct shard_process **pp)
{
	struct shard_process *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	shard_free(&p->shard);
	store_close(&p->store);
	timers_free(&p->timers);
	mem_free(p);
}

int64_t shard_process_turn(struct shard_process *p, int64_t now_ns)
{

	timers_run(p->timers, now_ns);
	shard_turn(p->shard, now_ns, clock_unix_ms(now_ns));
	if (now_ns >= p->check_ns) {
		p->check_ns = now_ns + CHECK_NS;
		check_bounds(p);
	}
	if (!follow_state(p, now_ns))
		return SIM_NEVER;
	int64_t next_ns = now_ns + (shard_is_calm(p->shard) ? CALM_TICK_NS : TICK_NS);

	return timers_next_ns(p->timers) < next_ns ? timers_next_ns(p->timers) : next_ns;
}

void shard_process_terminate(struct shard_process *p, int64_t now_ns)
{
	shard_drain(p->shard, now_ns);
}

void shard_process_receive(struct shard_process *p, struct span route, struct span bytes)
{
	shard_receive(p->shard, route, bytes, p->node->world->sim.now_ns);
}

const struct shard *shard_process_shard(const struct shard_process *p)
{
	return p->shard;
}

static enum err send(void *owner, struct span route, struct span bytes)
{
	struct shard_process *p = owner;

	return network_send(&p->node->world->network, p->node, route, bytes);
}

static void on_store(void *owner, bool up)
{
	struct shard_process *p = owner;

	if (up)
		shard_on_connection(p->shard);
}

static void on_hint(void *owner, uint64_t version)
{
	struct shard_process *p = owner;

	shard_on_hint(p->shard, version);
}

/* False: it has ended. */
static bool follow_state(struct shard_process *p, int64_t now_ns)
{
	struct node *n = p->node;
	struct sim *s = &n->world->sim;
	enum membership_state state = shard_state(p->shard);
	int64_t back_ns = sim_between(s, SIM_PROCESS, BACK_MIN_NS, BACK_MAX_NS);

	if (state == MEMBERSHIP_DEAD) {
		invariant_on_exit(&n->world->invariants, n);
		node_exit(n, "declared dead", n->idle ? SIM_NEVER : back_ns);
		return false;
	}
	if (state == MEMBERSHIP_LEFT && !p->stop_ns) {
		p->stop_ns = now_ns + GOODBYE_NS;
		shard_say_goodbye(p->shard, now_ns);
	} else if (p->stop_ns && now_ns >= p->stop_ns) {
		node_exit(n, "as planned", n->idle ? SIM_NEVER : back_ns);
		return false;
	}
	return true;
}

static void check_bounds(const struct shard_process *p)
{
	const struct world *w = p->node->world;
	struct shard_figures f;

	shard_figures(p->shard, &f);
	if (f.rooms > w->plan.rooms || f.entries > w->connection_count ||
	    f.feeds > NETWORK_NODES_MAX)
		sim_violate(&p->node->world->sim, "bounded",
			    "%s: %zu rooms, %zu entries, %zu feeds", p->node->name, f.rooms,
			    f.entries, f.feeds);
}
