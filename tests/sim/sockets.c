/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/sockets.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/outbox.h"
#include "gateway/route.h"
#include "gateway/session_inside.h"
#include "gateway/socket.h"
#include "gateway/visit.h"
#include "tests/sim/access.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/mutant_native.h"
#include "tests/sim/world.h"

#define DELAY_MIN_NS (100 * SIM_US)
#define DELAY_MAX_NS (4 * NS_PER_MS)
#define SLOW_MIN_NS (20 * NS_PER_MS) /* between two messages that a slow reader takes */
#define SLOW_MAX_NS (150 * NS_PER_MS)
#define KERNEL_MESSAGES 4           /* that the kernels keep for a slow reader */
#define OUTBOX_BYTES (16u << 10)    /* then */
#define STALL_NS (2500 * NS_PER_MS) /* limits.slow */
#define HALF_OPEN_MIN_NS (500 * NS_PER_MS)
#define HALF_OPEN_MAX_NS (6 * NS_PER_S)
#define LIST_USERS 1000 /* presence.list: no room has as many */
#define LOST_CODE 1006

enum deed_kind { DEED_OPEN, DEED_SAY, DEED_END };

struct line {
	struct list node; /* of the world */
	struct world *world;
	struct line_setup setup;
	incarnation_id gateway_id;
	struct socket *socket; /* at the gateway; NULL: none (yet, or any more) */
	struct list flights;
	size_t flying;        /* messages among the flights */
	struct outbox outbox; /* native: what waits at the gateway */
	bool closed, slow, lossy;
	int64_t said_ns, told_ns; /* when the last one each way arrives */
	int64_t stopped_ns;       /* the client reads nothing until then */
	int64_t moved_ns;         /* when the last one left the outbox, or it began to fill */
};

struct socket {
	struct list node;
	struct line *line;
	struct session *session;
};

struct sockets {
	struct list all;
};

/* Something a client did, on its way to the gateway. */
struct deed {
	struct input input;
	struct event arrive;
	struct line *line;
	enum deed_kind kind;
	unsigned code; /* END */
	size_t len;
	uint8_t text[LINE_TEXT_MAX];
};

/* Something on its way to the client: a message, or the end. */
struct flight {
	struct list node;
	struct event arrive;
	struct line *line;
	struct payload *payload; /* NULL: the end */
	unsigned code;
	int64_t sent_ns;
};

static struct deed *do_deed(struct line *, enum deed_kind, int64_t delay_ns);
static void end(struct line *, unsigned code, int64_t delay_ns);
static void on_arrive(struct event *);
static void take_deed(struct input *, struct node *);
static void drop_deed(struct input *);
static void open_socket(struct line *, struct node *gateway);
static void lose_words(struct line *);
static bool is_full(const struct line *);
static enum err wait(struct line *, struct payload *, bool droppable);
static void pump_one(struct line *);
static void forget_waiting(struct line *);
static void fly(struct line *, struct payload *, unsigned code);
static void on_landed(struct event *);
static void hear_end(struct line *, unsigned code, int64_t sent_ns);
static void socket_free(struct socket *);
static int64_t some_delay(struct line *);
static void on_welcomed(void *visit);

struct line *line_open(struct world *w, const struct line_setup *setup)
{
	struct line *l = mem_new(sizeof *l);

	l->world = w;
	l->setup = *setup;
	l->gateway_id = setup->gateway->id;
	list_init(&l->flights);
	list_init(&l->node);
	outbox_init(&l->outbox, OUTBOX_BYTES);
	list_add_last(&w->lines, &l->node);
	do_deed(l, DEED_OPEN, 0);
	return l;
}

void line_say(struct line *l, struct span text)
{
	struct deed *d = do_deed(l, DEED_SAY, 0);

	must(text.len <= sizeof d->text && !l->closed);
	d->len = text.len;
	memcpy(d->text, text.p, text.len);
}

void line_close(struct line *l, enum line_end how)
{
	struct sim *s = &l->world->sim;

	l->closed = true;
	if (how == LINE_CLOSE) {
		end(l, err_close(OK), 0);
		return;
	}
	if (l->setup.native && sim_chance(s, SIM_CLIENT, 500))
		lose_words(l);
	end(l, LOST_CODE,
	    how == LINE_HALF_OPEN ? sim_between(s, SIM_CLIENT, HALF_OPEN_MIN_NS, HALF_OPEN_MAX_NS)
				  : 0);
}

void line_slow(struct line *l, bool slow)
{
	l->slow = slow;
}

bool line_is_slow(const struct line *l)
{
	return l->slow;
}

void line_stop(struct line *l, int64_t ns)
{
	l->stopped_ns = l->world->sim.now_ns + ns;
}

bool line_has_lost_casts(const struct line *l)
{
	return l->lossy;
}

uint64_t line_epoch(const struct line *l)
{
	const struct session *s = l->socket ? l->socket->session : NULL;
	const struct attendee *who =
		s && !list_is_empty(&s->visits) ? visit_of(s->visits.next)->attendee : NULL;

	return who ? audience_route(who)->epoch : 0;
}

void lines_fini(struct world *w)
{
	LIST_EACH (&w->deeds, it, ahead) {
		struct deed *d = container_of(it, struct deed, input.node);

		sim_cancel(&w->sim, &d->arrive);
		list_remove(it);
		mem_free(d);
	}
	LIST_EACH (&w->lines, it, ahead) {
		struct line *l = container_of(it, struct line, node);

		LIST_EACH (&l->flights, at, after) {
			struct flight *f = container_of(at, struct flight, node);

			sim_cancel(&w->sim, &f->arrive);
			payload_free(&f->payload);
			mem_free(f);
		}
		outbox_fini(&l->outbox);
		mem_free(l);
	}
}

struct sockets *sockets_new(void)
{
	struct sockets *all = mem_new(sizeof *all);

	list_init(&all->all);
	return all;
}

void sockets_end(struct sockets **pall)
{
	struct sockets *all = *pall;

	*pall = NULL;
	LIST_EACH (&all->all, it, ahead) {
		struct socket *s = container_of(it, struct socket, node);
		struct line *l = s->line;

		socket_free(s);
		if (!l->closed)
			fly(l, NULL, LOST_CODE);
	}
	mem_free(all);
}

void sockets_tick(struct sockets *all, int64_t now_ns)
{
	LIST_EACH (&all->all, it, ahead) {
		struct socket *s = container_of(it, struct socket, node);

		if (!outbox_is_empty(&s->line->outbox) && now_ns - s->line->moved_ns >= STALL_NS)
			session_on_stalled(s->session);
	}
}

const struct audience_sink *sockets_sink(void)
{
	static struct audience_sink sink;

	sink = visit_sink(LIST_USERS);
	sink.welcomed = on_welcomed;
	return &sink;
}

/* ---- what sessions do to a socket ---- */

enum err socket_send(struct socket *s, struct payload *p, bool droppable)
{
	struct line *l = s->line;

	if (l->closed)
		return OK; /* nobody reads it, which is not known here yet */
	if (!l->setup.native) {
		l->setup.hooks->on_text(l->setup.owner, payload_text(p));
		return OK;
	}
	if (mutant_native_drops(l->world, payload_text(p)))
		return OK;
	l->setup.hooks->on_sent(l->setup.owner, payload_text(p));
	if (outbox_is_empty(&l->outbox) && !is_full(l)) {
		fly(l, payload_ref(p), 0);
		return OK;
	}
	return wait(l, p, droppable);
}

bool socket_send_bundle(struct socket *s, struct bundle *b)
{
	(void)s, (void)b;
	return false; /* one by one */
}

void socket_close(struct socket *s, enum err why)
{
	struct line *l = s->line;

	if (why == ERR_TOO_SLOW)
		forget_waiting(l);
	while (!outbox_is_empty(&l->outbox))
		pump_one(l);
	if (!l->closed)
		fly(l, NULL, err_close(why));
}

void socket_set_session(struct socket *s, struct session *session)
{
	s->session = session;
}

size_t socket_queued_bytes(const struct socket *s)
{
	return s->line->outbox.bytes;
}

struct session_set *gateway_sessions(struct gateway *g)
{
	return gateway_process_sessions((struct gateway_process *)(void *)g);
}

/* ---- to the gateway ---- */

/* In the order in which they were done. */
static struct deed *do_deed(struct line *l, enum deed_kind kind, int64_t delay_ns)
{
	struct deed *d = mem_new(sizeof *d);
	int64_t at_ns = l->world->sim.now_ns + some_delay(l) + delay_ns;

	d->input = (struct input){.take = take_deed, .drop = drop_deed};
	d->line = l;
	d->kind = kind;
	list_init(&d->input.node);
	list_add_last(&l->world->deeds, &d->input.node);
	if (at_ns < l->said_ns)
		at_ns = l->said_ns;
	l->said_ns = at_ns;
	sim_at(&l->world->sim, &d->arrive, at_ns, on_arrive);
	return d;
}

static void end(struct line *l, unsigned code, int64_t delay_ns)
{
	do_deed(l, DEED_END, delay_ns)->code = code;
}

static void on_arrive(struct event *e)
{
	struct deed *d = container_of(e, struct deed, arrive);
	struct line *l = d->line;

	list_remove(&d->input.node);
	if (l->setup.gateway->id.v == l->gateway_id.v) {
		node_give(l->setup.gateway, &d->input);
		return;
	}
	mem_free(d);
	hear_end(l, LOST_CODE, l->world->sim.now_ns); /* nobody listens there any more */
}

static void take_deed(struct input *in, struct node *gateway)
{
	struct deed *d = container_of(in, struct deed, input);
	struct line *l = d->line;
	struct socket *s = l->socket;
	struct session *session = s ? s->session : NULL;

	if (d->kind == DEED_OPEN && gateway->leaving) {
		hear_end(l, LOST_CODE, gateway->world->sim.now_ns);
	} else if (d->kind == DEED_OPEN) {
		open_socket(l, gateway);
	} else if (s && d->kind == DEED_SAY) {
		mutant_native_look(l->world, session);
		session_on_text(session, span_of(d->text, d->len));
	} else if (s) {
		socket_free(s);
		session_on_closed(session, mutant_is(l->world->mutant, MUTANT_GRACE_IGNORED)
						   ? err_close(OK)
						   : d->code);
	}
	mem_free(d);
}

/* A gateway that dies before it has read of a line resets it. */
static void drop_deed(struct input *in)
{
	struct deed *d = container_of(in, struct deed, input);

	if (d->kind == DEED_OPEN)
		hear_end(d->line, LOST_CODE, d->line->world->sim.now_ns);
	mem_free(d);
}

static void open_socket(struct line *l, struct node *gateway)
{
	struct gateway *g = (struct gateway *)(void *)gateway->gateway;
	struct socket *s = mem_new(sizeof *s);
	char token[ACCESS_TOKEN_LEN], user[8], name[8], room[8];

	snprintf(user, sizeof user, "u%u", l->setup.user);
	snprintf(name, sizeof name, "U%u", l->setup.user);
	snprintf(room, sizeof room, "r%u", l->setup.room);
	s->line = l;
	l->socket = s;
	list_init(&s->node);
	list_add_last(&gateway_process_sockets(gateway->gateway)->all, &s->node);
	struct user *who = user_new(span_str(user), span_str(name), SPAN_NONE);

	if (l->setup.native)
		s->session = session_new_native(g);
	else
		s->session = session_new(g, &(struct admission){
						    .kind = ROOM_SUBMISSION,
						    .room_id = span_str(room),
						    .token = access_put_token(token, l->setup.user),
						    .user = who,
						    .role = SPAN("editor"),
					    });
	user_free(&who);
	if (!l->setup.native)
		l->setup.hooks->on_open(l->setup.owner, s->session->id.v);
	session_on_open(s->session, s);
}

/* What a client said last is lost with its connection. */
static void lose_words(struct line *l)
{
	LIST_EACH (&l->world->deeds, it, ahead) {
		struct deed *d = container_of(it, struct deed, input.node);

		if (d->line != l || d->kind != DEED_SAY)
			continue;
		sim_cancel(&l->world->sim, &d->arrive);
		list_remove(it);
		mem_free(d);
	}
}

/* ---- to the client ---- */

static bool is_full(const struct line *l)
{
	return (l->slow || l->world->sim.now_ns < l->stopped_ns) && l->flying >= KERNEL_MESSAGES;
}

/* As outflow.c does it. */
static enum err wait(struct line *l, struct payload *p, bool droppable)
{
	struct outbox_loss loss;

	if (outbox_is_empty(&l->outbox))
		l->moved_ns = l->world->sim.now_ns;
	enum err e = outbox_push(&l->outbox, p, 0, droppable, &loss);

	l->lossy = l->lossy || loss.dropped > 0;
	return e;
}

static void pump_one(struct line *l)
{
	size_t sent;
	struct payload *p = payload_ref(outbox_first(&l->outbox, &sent));

	outbox_sent(&l->outbox, p->len);
	l->moved_ns = l->world->sim.now_ns;
	if (l->closed)
		payload_free(&p);
	else
		fly(l, p, 0);
}

static void forget_waiting(struct line *l)
{
	outbox_fini(&l->outbox);
	outbox_init(&l->outbox, OUTBOX_BYTES);
}

/* Takes the payload; NULL: the end. A v0 client hears at once. */
static void fly(struct line *l, struct payload *p, unsigned code)
{
	struct sim *s = &l->world->sim;
	struct flight *f;

	if (!l->setup.native) {
		hear_end(l, code, s->now_ns);
		return;
	}
	f = mem_new(sizeof *f);
	f->line = l;
	f->payload = p;
	f->code = code;
	f->sent_ns = s->now_ns;
	list_init(&f->node);
	list_add_last(&l->flights, &f->node);
	l->flying += p != NULL;
	int64_t at_ns = s->now_ns + some_delay(l);
	if (at_ns < l->told_ns)
		at_ns = l->told_ns;
	if (l->slow)
		at_ns += sim_between(s, SIM_CLIENT, SLOW_MIN_NS, SLOW_MAX_NS);
	if (at_ns < l->stopped_ns)
		at_ns = l->stopped_ns;
	l->told_ns = at_ns;
	sim_at(s, &f->arrive, at_ns, on_landed);
}

static void on_landed(struct event *e)
{
	struct flight *f = container_of(e, struct flight, arrive);
	struct line *l = f->line;

	list_remove(&f->node);
	l->flying -= f->payload != NULL;
	while (!outbox_is_empty(&l->outbox) && !is_full(l))
		pump_one(l);
	if (!l->closed && f->payload)
		l->setup.hooks->on_text(l->setup.owner, payload_text(f->payload));
	else if (!l->closed)
		hear_end(l, f->code, f->sent_ns);
	payload_free(&f->payload);
	mem_free(f);
}

/* The client's end answers a close frame by itself. */
static void hear_end(struct line *l, unsigned code, int64_t sent_ns)
{
	if (l->closed)
		return;
	l->closed = true;
	if (code != LOST_CODE)
		end(l, code, 0);
	l->setup.hooks->on_closed(l->setup.owner, code, sent_ns);
}

static void socket_free(struct socket *s)
{
	s->line->socket = NULL;
	forget_waiting(s->line);
	list_remove(&s->node);
	mem_free(s);
}

static int64_t some_delay(struct line *l)
{
	return sim_between(&l->world->sim, SIM_CLIENT, DELAY_MIN_NS, DELAY_MAX_NS);
}

static void on_welcomed(void *owner)
{
	struct visit *v = owner;
	const struct socket *s = v->session->socket;

	visit_sink(LIST_USERS).welcomed(v);
	if (s && !s->line->closed && !s->line->setup.native)
		s->line->setup.hooks->on_welcomed(s->line->setup.owner);
}
