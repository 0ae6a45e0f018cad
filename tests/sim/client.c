/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/client.h"

#include <string.h>

#include "common/mem.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/sockets.h"
#include "tests/sim/world.h"

#define ACT_MEAN_NS (400 * NS_PER_MS) /* between two things that a client does */
#define AWAY_MEAN_NS (1500 * NS_PER_MS)
#define LONG_AWAY_NS (12 * NS_PER_S) /* longer than the grace */
#define HURRY_NS (50 * NS_PER_MS)    /* a page whose socket broke tries again soon */
#define PATIENCE_NS (5 * NS_PER_S)   /* without a welcome: hang up, try elsewhere */
#define KEPT_PER_MILLE 300           /* of the casts */
#define HASTE_PER_MILLE 150          /* several of them within a moment */

static void on_act(struct event *);
static void act_here(struct client *);
static void act_away(struct client *);
static void move(struct client *);
static struct connection *call(struct client *);
static struct node *choose_gateway(struct client *);
static void on_open(void *connection, uint64_t session);
static void on_text(void *connection, struct span text);
static void on_welcomed(void *connection);
static void on_closed(void *connection, unsigned code, int64_t sent_ns);
static void hang_up(struct connection *, bool clean);
static void end(struct connection *, bool clean);
static void again_in(struct client *, int64_t ns);

void client_init(struct client *p, struct world *w, unsigned index)
{
	*p = (struct client){.world = w, .index = index};
	p->user = index % w->plan.users;
	p->room = (unsigned)sim_below(&w->sim, SIM_CLIENT, w->plan.rooms);
	again_in(p, sim_wait(&w->sim, SIM_CLIENT, AWAY_MEAN_NS));
}

void client_fini(struct client *p)
{
	sim_cancel(&p->world->sim, &p->act);
}

void client_settle(struct client *p)
{
	if (p->now)
		again_in(p, sim_wait(&p->world->sim, SIM_CLIENT, ACT_MEAN_NS));
}

void client_cast(struct client *p, bool kept)
{
	char text[FRAME_CAST_LEN];
	struct connection *c = p->now;

	c->ops += !kept;
	line_say(c->line,
		 shown_put_cast(text, kept, &(struct shown_cast){c->number, ++c->casts, c->ops}));
}

static void on_act(struct event *e)
{
	struct client *p = container_of(e, struct client, act);

	again_in(p, sim_wait(&p->world->sim, SIM_CLIENT, ACT_MEAN_NS));
	if (p->now)
		act_here(p);
	else
		act_away(p);
}

static void act_here(struct client *p)
{
	struct sim *s = &p->world->sim;
	struct connection *c = p->now;
	uint64_t dice = sim_below(s, SIM_CLIENT, 100);

	if (!c->welcomed && s->now_ns - c->opened_ns > PATIENCE_NS) {
		hang_up(c, false);
		p->thrown = true;
		again_in(p, HURRY_NS);
	} else if (!c->welcomed || p->world->settled || dice < 88) {
		uint64_t count = c->welcomed ? 1 : 0;

		if (count && sim_chance(s, SIM_CLIENT, HASTE_PER_MILLE))
			count += sim_below(s, SIM_CLIENT, 4);
		while (count-- > 0)
			client_cast(p, sim_chance(s, SIM_CLIENT, KEPT_PER_MILLE));
	} else if (dice < 91) {
		hang_up(c, true);
		again_in(p, sim_wait(s, SIM_CLIENT, AWAY_MEAN_NS));
	} else if (dice < 93) {
		hang_up(c, false);
		again_in(p, sim_chance(s, SIM_CLIENT, 150) ? LONG_AWAY_NS : HURRY_NS);
	} else if (dice < 96 && p->world->plan.moves) {
		move(p);
	}
}

static void act_away(struct client *p)
{
	p->now = call(p);
	if (!p->now)
		again_in(p, sim_wait(&p->world->sim, SIM_CLIENT, AWAY_MEAN_NS));
}

/* The second socket before the first one is closed; that happens when the second is welcomed. */
static void move(struct client *p)
{
	struct connection *c = p->old ? NULL : call(p);

	if (!c)
		return;
	p->old = p->now;
	p->now = c;
}

static struct connection *call(struct client *p)
{
	static const struct line_hooks hooks = {
		.on_open = on_open,
		.on_text = on_text,
		.on_welcomed = on_welcomed,
		.on_closed = on_closed,
	};
	struct world *w = p->world;
	struct node *gateway = choose_gateway(p);

	if (!gateway || w->connection_count + 1 >= CONNECTIONS_MAX)
		return NULL;
	struct connection *c = connection_new(
		w, &(struct connection){
			   .client = p, .room = p->room, .user = p->user, .gateway = gateway});
	p->thrown = false;
	sim_trace(&w->sim, "u%u calls %s for r%u: connection %u", c->user, gateway->name, c->room,
		  c->number);
	c->line = line_open(w, &(struct line_setup){.gateway = gateway,
						    .user = p->user,
						    .room = p->room,
						    .hooks = &hooks,
						    .owner = c});
	return c;
}

static struct node *choose_gateway(struct client *p)
{
	struct world *w = p->world;
	unsigned first = (unsigned)sim_below(&w->sim, SIM_CLIENT, w->plan.gateways);

	for (unsigned i = 0; i < w->plan.gateways; i++) {
		struct node *n = &w->gateways[(first + i) % w->plan.gateways];

		if (gateway_accepts(n))
			return n;
	}
	return NULL;
}

static void on_open(void *connection, uint64_t session)
{
	struct connection *c = connection;

	c->session = session;
	words_add_session(&c->world->words, session, c->user);
}

static void on_text(void *connection, struct span text)
{
	struct connection *c = connection;
	struct frame f;

	shown_read(text, &f);
	sim_trace(&c->world->sim, "  connection %u (u%u) sees %.*s", c->number, c->user,
		  SPAN_ARGS(text));
	if (f.type == FRAME_PING)
		line_say(c->line, SPAN("{\"type\":\"pong\"}"));
	else
		invariant_on_frame(&c->world->invariants, c, &f);
}

static void on_welcomed(void *connection)
{
	struct connection *c = connection;
	struct client *p = c->client;

	if (c->state != CONNECTION_CALLING)
		return;
	c->welcomed = true;
	c->state = CONNECTION_OPEN;
	c->welcomed_ns = c->world->sim.now_ns;
	invariant_on_welcomed(&c->world->invariants, c);
	if (p->now == c && p->old)
		hang_up(p->old, sim_chance(&c->world->sim, SIM_CLIENT, 700));
}

static void on_closed(void *connection, unsigned code, int64_t sent_ns)
{
	struct connection *c = connection;
	struct client *p = c->client;

	(void)code, (void)sent_ns;
	end(c, false);
	p->thrown = !p->now;
	if (!p->now)
		again_in(p, sim_wait(&c->world->sim, SIM_CLIENT, HURRY_NS));
}

struct connection *connection_new(struct world *w, const struct connection *what)
{
	struct connection *c = mem_new(sizeof *c);

	*c = *what;
	c->world = w;
	c->number = ++w->connection_count;
	c->opened_ns = w->sim.now_ns;
	w->connections[c->number] = c;
	return c;
}

struct heard *connection_heard(struct connection *c, unsigned from)
{
	must(from > 0 && from <= c->world->connection_count);
	if (from >= c->heard_count) {
		size_t count = c->world->connection_count + 16;

		c->heard = mem_grow(c->heard, count * sizeof *c->heard);
		memset(c->heard + c->heard_count, 0, (count - c->heard_count) * sizeof *c->heard);
		c->heard_count = count;
	}
	return &c->heard[from];
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	mem_free(c->heard);
	mem_free(c);
}

static void hang_up(struct connection *c, bool clean)
{
	sim_trace(&c->world->sim, "u%u %s connection %u", c->user, clean ? "closes" : "loses",
		  c->number);
	line_close(c->line, clean ? LINE_CLOSE : LINE_LOSE);
	end(c, clean);
}

static void end(struct connection *c, bool clean)
{
	struct client *p = c->client;

	if (c->welcomed)
		invariant_on_gone(&c->world->invariants, c, clean);
	c->state = CONNECTION_CLOSED;
	if (p->old == c)
		p->old = NULL;
	if (p->now != c)
		return;
	p->now = NULL;
	if (p->old) /* it was on its way out: whoever has lost one of two has lost his network */
		hang_up(p->old, false);
}

static void again_in(struct client *p, int64_t ns)
{
	if (p->world->settled && !p->now && !p->thrown)
		return;
	sim_in(&p->world->sim, &p->act, ns, on_act);
}
