/* SPDX-License-Identifier: Apache-2.0 */
/* A moot-gateway: the real router, routes, links and audiences, and around them what gateway.c,
 * registry.c and drain.c do with a loop, a bus and a database. */
#include <stdio.h>

#include "common/mem.h"
#include "gateway/questions.h"
#include "tests/sim/store.h"
#include "tests/sim/visit.h"
#include "tests/sim/world.h"

#define TICK_NS (50 * NS_PER_MS)
#define POLL_NS NS_PER_S
#define RETRY_NS (200 * NS_PER_MS)
#define SPREAD_NS (2 * NS_PER_S)      /* drain.spread, shortened */
#define FAREWELL_NS (500 * NS_PER_MS) /* for the last words */
#define BACK_MIN_NS (300 * NS_PER_MS)
#define BACK_MAX_NS (2 * NS_PER_S)

struct gateway_process {
	struct node *node;
	struct router *router;
	struct store *store;
	struct questions *questions;
	struct visits visits;
	bool registered, registering, pulling, again, forced;
	int64_t register_ns, poll_ns, tick_ns; /* when each is due */
	int64_t drain_ns, leave_ns;            /* since when; 0: not */
	size_t at_start, sent_away;
};

static void pull(struct gateway_process *, bool forced);
static void on_pulled(void *owner, enum err, const struct store_view *);
static void take_view(struct gateway_process *, const struct store_view *);
static void enlist(struct gateway_process *);
static void on_registered(void *owner, enum err, uint64_t version);
static void on_left(void *owner, enum err, uint64_t version);
static void on_store(void *owner, bool up);
static void on_hint(void *owner, uint64_t version);
static void on_pull_view(void *owner);
static void on_ways(void *owner, int64_t now_ns);
static void on_answer(void *owner, const struct message *, int64_t now_ns);
static void tick(struct gateway_process *, int64_t now_ns);
static void drain(struct gateway_process *, int64_t now_ns);
static bool is_over(const struct gateway_process *, int64_t now_ns);

struct gateway_process *gateway_process_new(struct node *n)
{
	struct gateway_process *p = mem_new(sizeof *p);

	p->node = n;
	p->store = store_open(n, &(struct store_link_hooks){on_store, on_hint, p});
	p->router = router_new(&(struct router_setup){
		.self = n->id,
		.name = n->name,
		.bus = network_bus(n),
		.heartbeat_ns = 100 * NS_PER_MS,
		.silence_ns = 600 * NS_PER_MS,
		.isolated_ns = 5 * NS_PER_S,
		.sink = *visits_sink(),
		.pull_view = on_pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = p,
	});
	p->questions = questions_new(p->router, n->world->sim.now_ns);
	visits_init(&p->visits, p->router);
	p->poll_ns = n->world->sim.now_ns + POLL_NS;
	return p;
}

void gateway_process_free(struct gateway_process **pp)
{
	struct gateway_process *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	visits_fini(&p->visits);
	questions_free(&p->questions);
	router_free(&p->router);
	store_close(&p->store);
	mem_free(p);
}

int64_t gateway_process_turn(struct gateway_process *p, int64_t now_ns)
{
	if (now_ns >= p->register_ns)
		enlist(p);
	if (now_ns >= p->poll_ns) {
		p->poll_ns = now_ns + POLL_NS;
		if (store_is_up(p->store))
			pull(p, false);
	}
	if (now_ns >= p->tick_ns)
		tick(p, now_ns);
	router_flush(p->router, now_ns);
	if (is_over(p, now_ns)) {
		int64_t back_ns =
			sim_between(&p->node->world->sim, SIM_PROCESS, BACK_MIN_NS, BACK_MAX_NS);

		node_exit(p->node, "as planned", p->node->idle ? SIM_NEVER : back_ns);
		return SIM_NEVER;
	}
	return p->tick_ns;
}

void gateway_process_terminate(struct gateway_process *p, int64_t now_ns)
{
	if (p->drain_ns)
		return;
	p->drain_ns = now_ns;
	p->at_start = visits_connected(&p->visits);
}

bool gateway_accepts(const struct node *n)
{
	return node_runs(n) && !n->leaving && router_view(n->gateway->router)->version &&
	       router_links_up(n->gateway->router);
}

struct visits *gateway_visits(struct gateway_process *p)
{
	return &p->visits;
}

struct questions *gateway_questions(struct gateway_process *p)
{
	return p->questions;
}

const struct router *gateway_router(const struct gateway_process *p)
{
	return p->router;
}

/* `forced`: whatever the version; a poll only reads on when it is another. */
static void pull(struct gateway_process *p, bool forced)
{
	if (p->pulling) {
		p->again = p->again || forced;
		return;
	}
	p->pulling = true;
	p->forced = forced;
	store_pull(p->store, router_view(p->router)->version, on_pulled, p);
}

static void on_pulled(void *owner, enum err e, const struct store_view *v)
{
	struct gateway_process *p = owner;

	p->pulling = false;
	if (e)
		return;
	if (p->forced || v->version != router_view(p->router)->version)
		take_view(p, v);
	else
		router_view_confirm(p->router, p->node->world->sim.now_ns);
	if (!p->again)
		return;
	p->again = false;
	pull(p, true);
}

static void take_view(struct gateway_process *p, const struct store_view *v)
{
	struct node *n = p->node;
	bool is_dead = false;

	router_view_begin(p->router);
	for (size_t i = 0; i < v->member_count; i++) {
		router_put_member(p->router, &v->members[i]);
		is_dead = is_dead ||
			  (v->members[i].id.v == n->id.v && v->members[i].state == MEMBER_DEAD);
	}
	for (size_t i = 0; i < v->slot_count; i++)
		router_put_slot(p->router, v->slots[i].slot, v->slots[i].owner, v->slots[i].epoch);
	router_view_end(p->router, v->version, n->world->sim.now_ns);
	if (!is_dead || p->leave_ns)
		return;
	invariant_on_exit(&n->world->invariants, n);
	node_terminate(n);
}

static void enlist(struct gateway_process *p)
{
	struct view_member self = {
		.id = p->node->id, .kind = MEMBER_GATEWAY, .state = MEMBER_ACTIVE};

	if (p->registered || p->registering || p->leave_ns || !store_is_up(p->store))
		return;
	p->registering = true;
	snprintf(self.name, sizeof self.name, "%s", p->node->name);
	store_register(p->store, &self, on_registered, p);
}

static void on_registered(void *owner, enum err e, uint64_t version)
{
	struct gateway_process *p = owner;

	(void)version;
	p->registering = false;
	p->registered = !e;
	if (e)
		p->register_ns = p->node->world->sim.now_ns + RETRY_NS;
}

static void on_left(void *owner, enum err e, uint64_t version)
{
	(void)owner, (void)e, (void)version;
}

static void on_store(void *owner, bool up)
{
	struct gateway_process *p = owner;

	router_set_database(p->router, up);
	if (!up)
		return;
	enlist(p);
	pull(p, true);
}

static void on_hint(void *owner, uint64_t version)
{
	struct gateway_process *p = owner;

	(void)version;
	pull(p, true);
}

static void on_pull_view(void *owner)
{
	pull(owner, true);
}

static void on_ways(void *owner, int64_t now_ns)
{
	struct gateway_process *p = owner;

	if (p->questions) /* not while the router is made */
		questions_on_ways(p->questions, now_ns);
}

static void on_answer(void *owner, const struct message *m, int64_t now_ns)
{
	struct gateway_process *p = owner;

	questions_on_answer(p->questions, m, now_ns);
}

static void tick(struct gateway_process *p, int64_t now_ns)
{
	p->tick_ns = now_ns + TICK_NS;
	visits_tick(&p->visits, now_ns);
	router_tick(p->router, now_ns);
	questions_tick(p->questions, now_ns);
	if (p->drain_ns && !p->leave_ns)
		drain(p, now_ns);
}

static void drain(struct gateway_process *p, int64_t now_ns)
{
	int64_t spent_ns = now_ns - p->drain_ns;
	size_t due = p->at_start;

	if (spent_ns < SPREAD_NS)
		due = p->at_start * (size_t)spent_ns / SPREAD_NS;
	if (due > p->sent_away) {
		visits_send_away(&p->visits, due - p->sent_away);
		p->sent_away = due;
	}
	if (visits_connected(&p->visits) > 0 && spent_ns < SPREAD_NS)
		return;
	visits_send_away(&p->visits, SIZE_MAX);
	p->leave_ns = now_ns;
	router_say_goodbye(p->router);
	if (p->registered)
		store_set_state(p->store, p->node->id, MEMBER_DEAD, on_left, p);
}

static bool is_over(const struct gateway_process *p, int64_t now_ns)
{
	return p->leave_ns && now_ns - p->leave_ns >= FAREWELL_NS;
}
