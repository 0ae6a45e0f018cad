/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node.h"

#include <stdio.h>

#include "common/log.h"
#include "tests/sim/world.h"

#define LAG_MIN_NS (5 * SIM_US) /* from something to read to the turn that reads it */
#define LAG_MAX_NS (200 * SIM_US)
#define RESTART_MIN_NS (200 * NS_PER_MS)
#define INBOX_MAX                                                                                  \
	50000 /* what a stopped process may have to read; more is a fault of the model             \
	       */

static void end_run(struct node *);
static void on_turn(struct event *);
static void on_resume(struct event *);
static void on_start(struct event *);
static struct sim *sim_of(const struct node *);

void node_init(struct node *n, struct world *w, enum node_kind kind, unsigned index)
{
	*n = (struct node){.world = w, .kind = kind, .index = index};
	snprintf(n->name, sizeof n->name, "%s-%u", kind == NODE_SHARD ? "shard" : "gateway", index);
	list_init(&n->inbox);
}

void node_fini(struct node *n)
{
	if (node_runs(n))
		end_run(n);
	sim_cancel(sim_of(n), &n->start);
}

void node_start(struct node *n)
{
	struct sim *s = sim_of(n);

	must(!node_runs(n));
	sim_cancel(s, &n->start);
	n->id = world_new_incarnation(n->world);
	n->runs++;
	n->paused = n->leaving = n->idle = false;
	n->start_ns = s->now_ns;
	snprintf(n->endpoint, sizeof n->endpoint, "sim:%u:%u", n->index,
		 n->world->plan.fixed_ports ? 0 : n->runs);
	sim_trace(s, "%s starts as %llx", n->name, (unsigned long long)n->id.v);
	if (n->kind == NODE_SHARD)
		n->shard = shard_process_new(n);
	else
		n->gateway = gateway_process_new(n);
	sim_in(s, &n->turn, 0, on_turn);
}

void node_kill(struct node *n, int64_t restart_ns)
{
	if (!node_runs(n))
		return;
	sim_trace(sim_of(n), "%s is killed", n->name);
	node_exit(n, "killed", restart_ns);
}

void node_exit(struct node *n, const char *why, int64_t restart_ns)
{
	struct sim *s = sim_of(n);

	sim_trace(s, "%s ends: %s", n->name, why);
	end_run(n);
	n->idle = restart_ns == SIM_NEVER;
	if (!n->idle)
		sim_in(s, &n->start, restart_ns > RESTART_MIN_NS ? restart_ns : RESTART_MIN_NS,
		       on_start);
}

void node_pause(struct node *n, int64_t ns)
{
	struct sim *s = sim_of(n);

	if (!node_runs(n) || n->paused)
		return;
	sim_trace(s, "%s is stopped for %lld ms", n->name, (long long)(ns / NS_PER_MS));
	n->paused = true;
	n->pause_ns = s->now_ns;
	sim_cancel(s, &n->turn);
	sim_in(s, &n->resume, ns, on_resume);
	network_on_pause(&n->world->network, n);
}

void node_resume(struct node *n)
{
	if (n->paused)
		sim_in(sim_of(n), &n->resume, 0, on_resume);
}

void node_terminate(struct node *n)
{
	int64_t now_ns = sim_of(n)->now_ns;

	if (!node_serves(n))
		return;
	sim_trace(sim_of(n), "%s is told to go", n->name);
	n->leaving = true;
	if (n->shard)
		shard_process_terminate(n->shard, now_ns);
	else
		gateway_process_terminate(n->gateway, now_ns);
	sim_in(sim_of(n), &n->turn, 0, on_turn);
}

void node_give(struct node *n, struct input *in)
{
	struct sim *s = sim_of(n);

	if (!node_runs(n)) {
		in->drop(in);
		return;
	}
	list_init(&in->node);
	list_add_last(&n->inbox, &in->node);
	if (++n->inbox_count > INBOX_MAX)
		sim_violate(s, "bounded", "%s has %zu inputs to read", n->name, n->inbox_count);
	if (n->paused)
		return;
	int64_t at_ns = s->now_ns + sim_between(s, SIM_PROCESS, LAG_MIN_NS, LAG_MAX_NS);
	if (!sim_is_set(&n->turn) || n->turn.at_ns > at_ns)
		sim_at(s, &n->turn, at_ns, on_turn);
}

bool node_runs(const struct node *n)
{
	return n->id.v;
}

bool node_serves(const struct node *n)
{
	return node_runs(n) && !n->paused && !n->leaving;
}

void node_start_in(struct node *n, int64_t ns)
{
	sim_in(sim_of(n), &n->start, ns, on_start);
}

/* The network first: what the process would say while it is taken apart is not said. */
static void end_run(struct node *n)
{
	struct sim *s = sim_of(n);

	network_on_end(&n->world->network, n);
	n->id.v = 0;
	n->paused = false;
	sim_cancel(s, &n->turn);
	sim_cancel(s, &n->resume);
	LIST_EACH (&n->inbox, it, ahead) {
		struct input *in = container_of(it, struct input, node);

		list_remove(it);
		in->drop(in);
	}
	n->inbox_count = 0;
	shard_process_free(&n->shard);
	gateway_process_free(&n->gateway);
}

static void on_turn(struct event *e)
{
	struct node *n = container_of(e, struct node, turn);
	struct sim *s = sim_of(n);
	incarnation_id id = n->id;
	struct list ready;

	if (s->traced)
		log_open("sim", n->name, LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	list_init(&ready);
	while (!list_is_empty(&n->inbox)) {
		struct list *first = n->inbox.next;

		list_remove(first);
		list_add_last(&ready, first);
	}
	n->inbox_count = 0;
	LIST_EACH (&ready, it, ahead) {
		struct input *in = container_of(it, struct input, node);

		list_remove(it);
		in->take(in, n);
	}
	int64_t next_ns = n->shard ? shard_process_turn(n->shard, s->now_ns)
				   : gateway_process_turn(n->gateway, s->now_ns);
	if (n->id.v != id.v)
		return; /* it has ended */
	if (!sim_is_set(&n->turn) || n->turn.at_ns > next_ns)
		sim_at(s, &n->turn, next_ns, on_turn);
}

static void on_resume(struct event *e)
{
	struct node *n = container_of(e, struct node, resume);
	struct sim *s = sim_of(n);

	sim_trace(s, "%s goes on after %lld ms", n->name,
		  (long long)((s->now_ns - n->pause_ns) / NS_PER_MS));
	n->paused = false;
	n->trouble_ns = s->now_ns;
	sim_in(s, &n->turn, 0, on_turn);
}

static void on_start(struct event *e)
{
	node_start(container_of(e, struct node, start));
}

static struct sim *sim_of(const struct node *n)
{
	return &n->world->sim;
}
