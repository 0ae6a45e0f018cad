/* SPDX-License-Identifier: Apache-2.0 */
/* A moot-gateway: the real router, routes, links, audiences, questions and sessions, and around
 * them what gateway.c, registry.c and drain.c do with a loop, a bus and a database. */
#include <stdio.h>

#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/questions.h"
#include "gateway/session_inside.h"
#include "proto/ticks.h"
#include "tests/sim/access.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/sockets.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

#define POLL_NS NS_PER_S
#define RETRY_NS (200 * NS_PER_MS)
#define SPREAD_NS (2 * NS_PER_S)      /* drain.spread, shortened */
#define LINGER_NS (6 * NS_PER_S)      /* for clients that are on their way out */
#define FAREWELL_NS (500 * NS_PER_MS) /* for the last words */
#define BACK_MIN_NS (300 * NS_PER_MS)
#define BACK_MAX_NS (2 * NS_PER_S)

struct gateway_process {
	struct node *node;
	struct router *router;
	struct store *store;
	struct questions *questions;
	struct timers *timers;
	struct access *access;
	struct session_set *sessions;
	struct sockets *sockets;
	struct list dead; /* to be freed when the turn is over */
	bool registered, registering, pulling, again, forced;
	int64_t register_ns, poll_ns; /* when each is due */
	struct ticks ticks;
	int64_t drain_ns, leave_ns; /* since when; 0: not */
	size_t at_start, sent_away;
};

struct corpse {
	struct list node;
	void (*fn)(void *p);
	void *p;
};

static const struct gateway_options options = {
	.limits_message = 2 << 20,
	.limits_outbox = 4 << 10, /* a quarter, and a native client is behind */
	.presence_grace_ns = WORLD_GRACE_NS,
	.presence_reload_ns = WORLD_GRACE_NS,
	.keepalive_ping_ns = 30 * NS_PER_S,
	.keepalive_dead_ns = 75 * NS_PER_S,
	.access_lease_ns = 20 * NS_PER_S,
};
const struct resume_key world_resume_key = {"the cluster's key", 17};

static struct router *open_router(struct gateway_process *);
static struct session_set *open_sessions(struct gateway_process *);
static int64_t on_now(void *owner);
static void on_reap(void *owner, void (*fn)(void *p), void *p);
static void reap(struct gateway_process *);
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
static bool is_calm(const struct gateway_process *);
static void tick(struct gateway_process *, int64_t now_ns);
static void drain(struct gateway_process *, int64_t now_ns);
static bool is_over(const struct gateway_process *, int64_t now_ns);

struct gateway_process *gateway_process_new(struct node *n)
{
	struct gateway_process *p = mem_new(sizeof *p);

	p->node = n;
	list_init(&p->dead);
	p->store = store_open(n, &(struct store_link_hooks){on_store, on_hint, p});
	p->router = open_router(p);
	p->questions = questions_new(p->router, n->world->sim.now_ns);
	p->timers = timers_new(n->world->sim.now_ns);
	p->access = access_of(n, p->store, p->timers);
	p->sessions = open_sessions(p);
	p->sockets = sockets_new();
	p->poll_ns = n->world->sim.now_ns + POLL_NS;
	return p;
}

void gateway_process_free(struct gateway_process **pp)
{
	struct gateway_process *p = *pp;

	if (!p)
		return;
	*pp = NULL;
	sockets_end(&p->sockets);
	session_set_free(&p->sessions);
	reap(p);
	questions_free(&p->questions);
	router_free(&p->router);
	store_close(&p->store);
	access_end(&p->access);
	timers_free(&p->timers);
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
	timers_run(p->timers, now_ns);
	if (now_ns >= p->ticks.due_ns)
		tick(p, now_ns);
	int64_t next_ns = router_flush(p->router, now_ns);

	reap(p);
	if (is_over(p, now_ns)) {
		int64_t back_ns =
			sim_between(&p->node->world->sim, SIM_PROCESS, BACK_MIN_NS, BACK_MAX_NS);

		node_exit(p->node, "as planned", p->node->idle ? SIM_NEVER : back_ns);
		return SIM_NEVER;
	}
	int64_t tick_ns = ticks_set(&p->ticks, is_calm(p), now_ns);

	return next_ns < tick_ns ? next_ns : tick_ns;
}

void gateway_process_terminate(struct gateway_process *p, int64_t now_ns)
{
	if (p->drain_ns)
		return;
	p->drain_ns = now_ns;
	p->at_start = session_set_connected(p->sessions);
}

bool gateway_accepts(const struct node *n)
{
	return node_runs(n) && !n->leaving && router_view(n->gateway->router)->version &&
	       router_links_up(n->gateway->router);
}

struct session_set *gateway_process_sessions(struct gateway_process *p)
{
	return p->sessions;
}

struct sockets *gateway_process_sockets(struct gateway_process *p)
{
	return p->sockets;
}

struct questions *gateway_process_questions(struct gateway_process *p)
{
	return p->questions;
}

const struct router *gateway_process_router(const struct gateway_process *p)
{
	return p->router;
}

size_t gateway_process_visits(const struct gateway_process *p)
{
	size_t count = 0;

	LIST_EACH (&p->sessions->all, it, ahead) {
		struct session *s = container_of(it, struct session, node);

		LIST_EACH (&s->visits, at, after)
			count += session_has_socket(s);
	}
	return count;
}

static struct router *open_router(struct gateway_process *p)
{
	struct node *n = p->node;

	return router_new(&(struct router_setup){
		.self = n->id,
		.name = n->name,
		.bus = network_bus(n),
		.heartbeat_ns = 100 * NS_PER_MS,
		.silence_ns = 600 * NS_PER_MS,
		.isolated_ns = 5 * NS_PER_S,
		.cork_ns = n->world->plan.cork_ns,
		.sink = *sockets_sink(),
		.pull_view = on_pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = p,
	});
}

static struct session_set *open_sessions(struct gateway_process *p)
{
	return session_set_new(&(struct session_setup){
		.router = p->router,
		.questions = p->questions,
		.resume_key = &world_resume_key,
		.access = p->access,
		.timers = p->timers,
		.opt = &options,
		.boot = (uint32_t)p->node->id.v,
		.now_ns = on_now,
		.reap = on_reap,
		.owner = p,
	});
}

static int64_t on_now(void *owner)
{
	const struct gateway_process *p = owner;

	return p->node->world->sim.now_ns;
}

static void on_reap(void *owner, void (*fn)(void *p), void *what)
{
	struct gateway_process *p = owner;
	struct corpse *c = mem_new(sizeof *c);

	*c = (struct corpse){.fn = fn, .p = what};
	list_init(&c->node);
	list_add_last(&p->dead, &c->node);
}

static void reap(struct gateway_process *p)
{
	LIST_EACH (&p->dead, it, ahead) {
		struct corpse *c = container_of(it, struct corpse, node);

		list_remove(it);
		c->fn(c->p);
		mem_free(c);
	}
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

/* As gateway.c has it. */
static bool is_calm(const struct gateway_process *p)
{
	return router_is_calm(p->router) && session_set_is_calm(p->sessions) &&
	       questions_is_calm(p->questions) && !p->drain_ns;
}

static void tick(struct gateway_process *p, int64_t now_ns)
{
	ticks_done(&p->ticks, 0, now_ns);
	router_tick(p->router, now_ns);
	questions_tick(p->questions, now_ns);
	session_set_tick(p->sessions, now_ns);
	sockets_tick(p->sockets, now_ns);
	if (!p->drain_ns && router_is_cut_off(p->router))
		session_set_retreat(p->sessions, SIZE_MAX);
	if (p->drain_ns && !p->leave_ns)
		drain(p, now_ns);
}

/* As gateway/drain.c does it. */
static void drain(struct gateway_process *p, int64_t now_ns)
{
	int64_t spent_ns = now_ns - p->drain_ns;
	size_t due = SIZE_MAX;

	if (spent_ns < SPREAD_NS)
		due = p->at_start * (size_t)spent_ns / SPREAD_NS + 1;
	if (due > p->sent_away) {
		session_set_drain(p->sessions, due - p->sent_away);
		p->sent_away = due == SIZE_MAX ? p->sent_away : due;
	}
	if (session_set_connected(p->sessions) > 0 && spent_ns < SPREAD_NS + LINGER_NS)
		return;
	p->leave_ns = now_ns;
	router_say_goodbye(p->router);
	if (p->registered)
		store_set_state(p->store, p->node->id, MEMBER_DEAD, on_left, p);
}

static bool is_over(const struct gateway_process *p, int64_t now_ns)
{
	return p->leave_ns && now_ns - p->leave_ns >= FAREWELL_NS;
}
