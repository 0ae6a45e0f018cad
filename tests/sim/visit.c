/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/visit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "gateway/route.h"
#include "tests/sim/world.h"

#define SOCKET_MIN_NS (100 * SIM_US)
#define SOCKET_MAX_NS (4 * NS_PER_MS)
#define KEPT_PER_MILLE 300 /* of the casts */

enum deed_kind { DEED_OPEN, DEED_SAY, DEED_CLOSE, DEED_LOSE };

/* Something a client did, on its way to the gateway. */
struct deed {
	struct input input;
	struct event arrive;
	struct connection *connection;
	enum deed_kind kind;
	size_t len;
	uint8_t text[FRAME_CAST_LEN];
};

static void do_deed(struct connection *, enum deed_kind, struct span text);
static void on_arrive(struct event *);
static void take_deed(struct input *, struct node *);
static void drop_deed(struct input *);
static void enter(struct connection *, struct node *gateway);
static void cast(struct visit *, struct span text, int64_t now_ns);
static void leave(struct visits *, struct visit *, int64_t now_ns);
static void send_away(struct visit *, int64_t now_ns);
static void lose(struct visit *, int64_t now_ns);
static void show(void *session, struct payload *, bool droppable);
static void welcomed(void *session);

void visits_init(struct visits *v, struct router *router)
{
	list_init(&v->all);
	v->router = router;
}

void visits_fini(struct visits *v)
{
	LIST_EACH (&v->all, it, ahead) {
		struct visit *one = container_of(it, struct visit, node);
		struct connection *c = one->connection;

		if (c) {
			c->visit = NULL;
			connection_on_reset(c);
		}
		leave(v, one, 0);
	}
}

void visits_tick(struct visits *v, int64_t now_ns)
{
	LIST_EACH (&v->all, it, ahead) {
		struct visit *one = container_of(it, struct visit, node);

		if (!one->connection && now_ns - one->lost_ns >= WORLD_GRACE_NS)
			leave(v, one, now_ns);
		else if (one->connection && router_is_out_of_reach(v->router, one->attendee))
			send_away(one, now_ns);
	}
}

size_t visits_connected(const struct visits *v)
{
	size_t count = 0;

	LIST_EACH (&v->all, it, ahead)
		count += container_of(it, struct visit, node)->connection != NULL;
	return count;
}

void visits_send_away(struct visits *v, size_t count)
{
	LIST_EACH (&v->all, it, ahead) {
		struct visit *one = container_of(it, struct visit, node);

		if (count == 0)
			return;
		if (!one->connection)
			continue;
		send_away(one, one->connection->world->sim.now_ns);
		count--;
	}
}

const struct audience_sink *visits_sink(void)
{
	static const struct audience_sink sink = {show, welcomed};

	return &sink;
}

void visit_open(struct connection *c)
{
	do_deed(c, DEED_OPEN, SPAN_NONE);
}

void visit_say(struct connection *c, struct span text)
{
	do_deed(c, DEED_SAY, text);
}

void visit_close(struct connection *c, bool clean)
{
	do_deed(c, clean ? DEED_CLOSE : DEED_LOSE, SPAN_NONE);
}

void visit_drop_deeds(struct world *w)
{
	LIST_EACH (&w->deeds, it, ahead) {
		struct deed *d = container_of(it, struct deed, input.node);

		sim_cancel(&w->sim, &d->arrive);
		list_remove(it);
		mem_free(d);
	}
}

uint64_t connection_epoch(const struct connection *c)
{
	const struct route *r = c->visit->attendee ? c->visit->attendee->route : NULL;

	return r ? r->epoch : 0;
}

/* In the order in which they were done. */
static void do_deed(struct connection *c, enum deed_kind kind, struct span text)
{
	struct sim *s = &c->world->sim;
	struct deed *d = mem_new(sizeof *d);
	int64_t at_ns = s->now_ns + sim_between(s, SIM_CLIENT, SOCKET_MIN_NS, SOCKET_MAX_NS);

	must(text.len <= sizeof d->text);
	d->input = (struct input){.take = take_deed, .drop = drop_deed};
	d->connection = c;
	d->kind = kind;
	d->len = text.len;
	if (text.len > 0)
		memcpy(d->text, text.p, text.len);
	list_init(&d->input.node);
	list_add_last(&c->world->deeds, &d->input.node);
	if (at_ns < c->said_ns)
		at_ns = c->said_ns;
	c->said_ns = at_ns;
	sim_at(s, &d->arrive, at_ns, on_arrive);
}

static void on_arrive(struct event *e)
{
	struct deed *d = container_of(e, struct deed, arrive);
	struct connection *c = d->connection;

	list_remove(&d->input.node);
	if (c->gateway->id.v == c->gateway_id.v) {
		node_give(c->gateway, &d->input);
		return;
	}
	drop_deed(&d->input);
	connection_on_reset(c); /* nobody listens there any more */
}

static void take_deed(struct input *in, struct node *gateway)
{
	struct deed *d = container_of(in, struct deed, input);
	struct connection *c = d->connection;
	struct visit *v = c->visit;
	int64_t now_ns = gateway->world->sim.now_ns;

	if (d->kind == DEED_OPEN && gateway->leaving)
		connection_on_reset(c);
	else if (d->kind == DEED_OPEN)
		enter(c, gateway);
	else if (v && d->kind == DEED_SAY)
		cast(v, span_of(d->text, d->len), now_ns);
	else if (v &&
		 (d->kind == DEED_CLOSE || mutant_is(gateway->world->mutant, MUTANT_GRACE_IGNORED)))
		leave(gateway_visits(gateway->gateway), v, now_ns);
	else if (v)
		lose(v, now_ns);
	mem_free(d);
}

/* A gateway that dies before it has read of a connection resets it. */
static void drop_deed(struct input *in)
{
	struct deed *d = container_of(in, struct deed, input);

	if (d->kind == DEED_OPEN)
		connection_on_reset(d->connection);
	mem_free(d);
}

static void enter(struct connection *c, struct node *gateway)
{
	struct visits *all = gateway_visits(gateway->gateway);
	struct visit *v = mem_new(sizeof *v);
	char user[8], name[8];
	int len = snprintf(user, sizeof user, "u%u", c->user);
	int name_len = snprintf(name, sizeof name, "U%u", c->user);

	list_init(&v->node);
	list_add_last(&all->all, &v->node);
	v->gateway = gateway->gateway;
	v->connection = c;
	c->visit = v;
	v->attendee = router_enter(all->router, world_room_key(c->room), v,
				   &(struct item_member){
					   .session = c->session,
					   .conn_gen = c->conn_gen,
					   .user = span_of(user, (size_t)len),
					   .name = span_of(name, (size_t)name_len),
					   .since_ms = (uint64_t)(c->world->sim.now_ns / NS_PER_MS),
					   .fresh = 1,
				   },
				   c->world->sim.now_ns);
}

static void cast(struct visit *v, struct span text, int64_t now_ns)
{
	struct sim *s = &v->connection->world->sim;
	bool kept = sim_chance(s, SIM_CLIENT, KEPT_PER_MILLE);
	struct msg_cast m = {.key = kept ? SPAN("cursor") : SPAN_NONE, .keep = kept, .body = text};

	if (router_cast(v->attendee, &m, now_ns) != OK)
		sim_violate(s, "bounded", "a cast of connection %u did not fit",
			    v->connection->number);
}

static void leave(struct visits *all, struct visit *v, int64_t now_ns)
{
	if (v->connection)
		v->connection->visit = NULL;
	router_leave(all->router, &v->attendee, now_ns);
	list_remove(&v->node);
	mem_free(v);
}

static void send_away(struct visit *v, int64_t now_ns)
{
	struct connection *c = v->connection;

	lose(v, now_ns);
	connection_on_reset(c);
}

static void lose(struct visit *v, int64_t now_ns)
{
	v->connection->visit = NULL;
	v->connection = NULL;
	v->lost_ns = now_ns;
	v->attendee->deaf = true;
}

static void show(void *session, struct payload *p, bool droppable)
{
	const struct visit *v = session;

	(void)droppable;
	if (v->connection)
		connection_on_frame(v->connection, payload_text(p));
}

static void welcomed(void *session)
{
	const struct visit *v = session;

	if (v->connection)
		connection_on_welcomed(v->connection);
}
