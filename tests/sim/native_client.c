/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/native_client.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "tests/sim/access.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/mutant_native.h"
#include "tests/sim/native_presence.h"
#include "tests/sim/sockets.h"
#include "tests/sim/world.h"

#define ACT_MEAN_NS (250 * NS_PER_MS)
#define AWAY_MEAN_NS (1500 * NS_PER_MS)
#define LONG_AWAY_NS (12 * NS_PER_S) /* longer than the grace */
#define HURRY_NS (50 * NS_PER_MS)
#define PATIENCE_NS (5 * NS_PER_S) /* without a welcome */
#define SILENCE_NS (4 * NS_PER_S)  /* although it asked: the connection is dead */
#define PING_NS NS_PER_S
#define STOP_MIN_NS (300 * NS_PER_MS)
#define STOP_MAX_NS (7 * NS_PER_S)
#define MOVE_NS (4 * NS_PER_S) /* to be in every room over the new connection */

static void on_act(struct event *);
static void act_here(struct native_client *, struct native_line *);
static bool is_dead(const struct native_line *);
static void keep_up(struct native_client *, struct native_line *);
static void finish_move(struct native_client *);
static bool is_everywhere(const struct native_line *);
static void do_something(struct native_client *, struct native_line *);
static void do_in_room(struct native_place *, uint64_t dice);
static void change_rooms(struct native_client *, struct native_line *);
static void go(struct native_client *, uint64_t dice);
static void move(struct native_client *);
static struct native_line *call(struct native_client *, const struct native_line *but);
static struct node *choose_gateway(struct native_client *, const struct native_line *but);
static void say_hello(struct native_line *);
static void forget(struct native_client *);
static void on_sent(void *line, struct span text);
static void on_text(void *line, struct span text);
static void see_welcome(struct native_line *, const struct told *);
static void on_closed(void *line, unsigned code, int64_t sent_ns);
static void hang_up(struct native_line *, enum line_end);
static void end(struct native_line *, bool clean, int64_t lost_ns);
static void bury(struct native_client *);

void native_client_init(struct native_client *p, struct world *w, unsigned index)
{
	*p = (struct native_client){.world = w, .index = index};
	/* Some are users that have v0 clients too. */
	p->user = (unsigned)sim_below(&w->sim, SIM_CLIENT, w->plan.users + w->plan.natives);
	list_init(&p->graves);
	for (unsigned i = 0; i < w->plan.rooms; i++)
		p->rooms[i].wanted = sim_chance(&w->sim, SIM_CLIENT, 500);
	p->rooms[sim_below(&w->sim, SIM_CLIENT, w->plan.rooms)].wanted = true;
	sim_in(&w->sim, &p->act, sim_wait(&w->sim, SIM_CLIENT, AWAY_MEAN_NS), on_act);
}

void native_client_fini(struct native_client *p)
{
	sim_cancel(&p->world->sim, &p->act);
	for (unsigned i = 0; i < 2; i++) {
		struct native_line *l = i ? p->old : p->now;

		if (l)
			end(l, false, 0);
	}
	bury(p);
}

void native_client_settle(struct native_client *p)
{
	sim_in(&p->world->sim, &p->act, sim_wait(&p->world->sim, SIM_CLIENT, ACT_MEAN_NS), on_act);
	if (p->now) {
		line_slow(p->now->line, false);
		line_stop(p->now->line, 0);
	}
}

void native_client_end(struct native_client *p)
{
	for (unsigned i = 0; p->now && i < CLIENT_ROOMS_MAX; i++) {
		struct native_place *place = &p->now->places[i];

		if (!native_place_is_in(place))
			continue;
		native_place_cast(place, false);
		native_publish(place);
	}
}

void native_client_check(struct native_client *p)
{
	struct sim *s = &p->world->sim;

	if (!p->now || !p->now->welcomed) {
		sim_violate(s, "welcomed", "native %u is not", p->index);
		return;
	}
	for (unsigned i = 0; i < p->world->plan.rooms; i++) {
		size_t pending = native_posts_pending(p, i);

		if (p->rooms[i].wanted && p->now->places[i].state != PLACE_IN)
			sim_violate(s, "welcomed", "native %u is not in r%u", p->index, i);
		if (pending > 0)
			sim_violate(s, "answered", "%zu publishes of native %u in r%u", pending,
				    p->index, i);
		if (p->now->places[i].state == PLACE_IN)
			native_place_check(&p->now->places[i]);
	}
}

void native_say(struct native_line *l, const char *fmt, ...)
{
	char text[LINE_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	must(len > 0 && (size_t)len < sizeof text);
	sim_trace(&l->client->world->sim, "  native %u says %s", l->client->index, text);
	line_say(l->line, span_of(text, (size_t)len));
}

static void on_act(struct event *e)
{
	struct native_client *p = container_of(e, struct native_client, act);
	struct sim *s = &p->world->sim;

	bury(p);
	sim_in(s, e, sim_wait(s, SIM_CLIENT, ACT_MEAN_NS), on_act);
	if (p->now) {
		act_here(p, p->now);
		return;
	}
	p->now = call(p, NULL);
	if (!p->now)
		sim_in(s, e, sim_wait(s, SIM_CLIENT, AWAY_MEAN_NS / 2), on_act);
}

static void act_here(struct native_client *p, struct native_line *l)
{
	struct sim *s = &p->world->sim;

	if (is_dead(l)) {
		hang_up(l, sim_chance(s, SIM_CLIENT, 500) ? LINE_LOSE : LINE_HALF_OPEN);
		sim_in(s, &p->act, HURRY_NS, on_act);
		return;
	}
	if (!l->welcomed)
		return;
	keep_up(p, l);
	if (!p->world->ending)
		do_something(p, l);
}

static bool is_dead(const struct native_line *l)
{
	int64_t now_ns = l->client->world->sim.now_ns;

	return l->welcomed ? now_ns - l->heard_ns > SILENCE_NS
			   : now_ns - l->opened_ns > PATIENCE_NS;
}

/* What a client does by itself: rooms, publishes that wait, pings, the end of a move. */
static void keep_up(struct native_client *p, struct native_line *l)
{
	int64_t now_ns = p->world->sim.now_ns;

	for (unsigned i = 0; i < p->world->plan.rooms; i++) {
		struct native_place *place = &l->places[i];
		struct native_room *room = &p->rooms[i];

		if (room->wanted && place->state == PLACE_OUT && now_ns >= place->again_ns)
			native_place_join(place);
		if (native_place_is_in(place) && room->hold_ns && now_ns >= room->hold_ns)
			native_posts_send_again(place, room->again_n);
	}
	if (now_ns - l->heard_ns > PING_NS)
		native_say(l, "{\"type\":\"ping\"}");
	if (l->draining && !p->old)
		move(p);
	finish_move(p);
}

static void finish_move(struct native_client *p)
{
	struct sim *s = &p->world->sim;

	if (!p->old || !p->now->welcomed)
		return;
	if (is_everywhere(p->now))
		hang_up(p->old, sim_chance(s, SIM_CLIENT, 800) ? LINE_CLOSE : LINE_LOSE);
	else if (s->now_ns - p->now->opened_ns > MOVE_NS)
		hang_up(p->old, LINE_LOSE);
}

static bool is_everywhere(const struct native_line *l)
{
	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++)
		if (l->client->rooms[i].wanted && l->places[i].state != PLACE_IN)
			return false;
	return true;
}

static void do_something(struct native_client *p, struct native_line *l)
{
	struct sim *s = &p->world->sim;
	uint64_t dice = sim_below(s, SIM_CLIENT, 100);
	unsigned room = (unsigned)sim_below(s, SIM_CLIENT, p->world->plan.rooms);

	if (dice < 85) {
		for (unsigned i = 0; i < p->world->plan.rooms; i++)
			if (native_place_is_in(&l->places[(room + i) % p->world->plan.rooms])) {
				do_in_room(&l->places[(room + i) % p->world->plan.rooms], dice);
				return;
			}
	} else if (!p->world->settled && dice < 88) {
		change_rooms(p, l);
	} else if (!p->world->settled) {
		go(p, dice);
	}
}

static void do_in_room(struct native_place *place, uint64_t dice)
{
	struct sim *s = &place->line->client->world->sim;
	uint64_t count = 1;

	if (dice < 40) {
		if (dice < 12)
			count += sim_below(s, SIM_CLIENT, 5);
		while (count-- > 0)
			native_publish(place);
	} else if (dice < 65) {
		native_place_cast(place, sim_chance(s, SIM_CLIENT, 200));
	} else if (dice < 78) {
		native_place_set_state(place);
	} else {
		native_place_read(place);
	}
}

/* Not while it moves: the old connection would still be in a room that the new one leaves. */
static void change_rooms(struct native_client *p, struct native_line *l)
{
	unsigned i = (unsigned)sim_below(&p->world->sim, SIM_CLIENT, p->world->plan.rooms);

	if (p->old)
		return;
	if (!p->rooms[i].wanted)
		p->rooms[i].wanted = true;
	else if (l->places[i].state == PLACE_IN && native_posts_pending(p, i) == 0)
		native_place_leave(&l->places[i]);
}

static void go(struct native_client *p, uint64_t dice)
{
	struct sim *s = &p->world->sim;
	bool long_away = sim_chance(s, SIM_CLIENT, 100);

	if (dice < 91) {
		move(p);
		return;
	}
	if (dice < 93) {
		line_slow(p->now->line, !line_is_slow(p->now->line));
		return;
	}
	if (dice == 98)
		line_stop(p->now->line, sim_between(s, SIM_CLIENT, STOP_MIN_NS, STOP_MAX_NS));
	if (dice >= 98)
		return;
	hang_up(p->now, dice < 94 ? LINE_CLOSE : dice < 97 ? LINE_LOSE : LINE_HALF_OPEN);
	sim_in(s, &p->act,
	       long_away   ? LONG_AWAY_NS
	       : dice < 94 ? sim_wait(s, SIM_CLIENT, AWAY_MEAN_NS)
			   : HURRY_NS,
	       on_act);
	if (long_away && sim_chance(s, SIM_CLIENT, 200))
		forget(p);
}

/* The second connection before the first one is closed. */
static void move(struct native_client *p)
{
	struct native_line *l = p->old ? NULL : call(p, p->now);

	if (!l)
		return;
	p->old = p->now;
	p->now = l;
}

static struct native_line *call(struct native_client *p, const struct native_line *but)
{
	static const struct line_hooks hooks = {
		.on_sent = on_sent,
		.on_text = on_text,
		.on_closed = on_closed,
	};
	struct world *w = p->world;
	struct node *gateway = choose_gateway(p, but);

	if (!gateway || w->connection_count + 2 * CLIENT_ROOMS_MAX >= CONNECTIONS_MAX)
		return NULL;
	struct native_line *l = mem_new(sizeof *l);
	list_init(&l->node);
	l->client = p;
	l->gateway = gateway;
	l->opened_ns = l->heard_ns = w->sim.now_ns;
	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++)
		l->places[i] = (struct native_place){.line = l, .room = i};
	sim_trace(&w->sim, "native %u (u%u) calls %s as %016" PRIx64, p->index, p->user,
		  gateway->name, p->session);
	l->line = line_open(w, &(struct line_setup){.gateway = gateway,
						    .user = p->user,
						    .native = true,
						    .hooks = &hooks,
						    .owner = l});
	say_hello(l);
	return l;
}

/* Who moves because its gateway goes takes another one; else also the same. */
static struct node *choose_gateway(struct native_client *p, const struct native_line *but)
{
	struct world *w = p->world;
	unsigned first = (unsigned)sim_below(&w->sim, SIM_CLIENT, w->plan.gateways);

	for (unsigned i = 0; i < w->plan.gateways; i++) {
		struct node *n = &w->gateways[(first + i) % w->plan.gateways];

		if (gateway_accepts(n) && !(but && but->draining && but->gateway == n))
			return n;
	}
	return NULL;
}

static void say_hello(struct native_line *l)
{
	struct native_client *p = l->client;
	char token[ACCESS_TOKEN_LEN];
	struct span t = access_put_token(token, p->user);

	if (p->session)
		native_say(l, "{\"type\":\"hello\",\"token\":\"%.*s\",\"resume\":\"%s\"}",
			   SPAN_ARGS(t), p->resume);
	else
		native_say(l, "{\"type\":\"hello\",\"token\":\"%.*s\"}", SPAN_ARGS(t));
}

/* As another page that knows nothing of this one. */
static void forget(struct native_client *p)
{
	sim_trace(&p->world->sim, "native %u forgets its session", p->index);
	native_posts_forget(p);
	p->session = 0;
	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++)
		p->rooms[i] = (struct native_room){.wanted = p->rooms[i].wanted};
}

/* Looked at as it is sent: what is lost on the way was told all the same. */
static void on_sent(void *line, struct span text)
{
	struct native_line *l = line;
	enum told_type type = told_type_of(text);
	struct told t;

	if ((type == TOLD_JOINED || type == TOLD_PRESENCE) && told_read(text, &t) &&
	    t.room < CLIENT_ROOMS_MAX)
		native_presence_on_sent(&l->places[t.room], &t);
}

static void on_text(void *line, struct span text)
{
	struct native_line *l = line;
	struct native_client *p = l->client;
	struct sim *s = &p->world->sim;
	struct told t;

	l->heard_ns = s->now_ns;
	sim_trace(s, "  native %u%s is told %.*s", p->index, l == p->old ? " (old)" : "",
		  SPAN_ARGS(text));
	if (!told_read(text, &t)) {
		sim_violate(s, "well-formed", "native %u: %.*s", p->index,
			    (int)(text.len < 200 ? text.len : 200), (const char *)text.p);
		return;
	}
	sim_mix(s, t.seq ^ (uint64_t)t.type << 56 ^ (uint64_t)p->index << 40);
	if (t.type == TOLD_WELCOME)
		see_welcome(l, &t);
	else if (t.type == TOLD_DRAINING)
		l->draining = true;
	else if (t.room < CLIENT_ROOMS_MAX)
		native_place_on_told(&l->places[t.room], &t);
	if (t.type == TOLD_DRAINING || t.type == TOLD_WELCOME)
		sim_in(s, &p->act, sim_wait(s, SIM_CLIENT, HURRY_NS), on_act);
}

static void see_welcome(struct native_line *l, const struct told *t)
{
	struct native_client *p = l->client;
	struct sim *s = &p->world->sim;

	if (l->welcomed)
		sim_violate(s, "welcomed-once", "native %u", p->index);
	if (p->session && (!t->resumed || t->session != p->session))
		sim_violate(s, "resumed", "native %u goes on as %016" PRIx64 ", not %016" PRIx64,
			    p->index, t->session, p->session);
	if (!p->session && (t->resumed || map_find_u64(&p->world->words.users, t->session)))
		sim_violate(s, "resumed", "native %u is given %016" PRIx64 ", which is known",
			    p->index, t->session);
	if (!p->session)
		words_add_session(&p->world->words, t->session, p->user);
	p->session = t->session;
	memcpy(p->resume, t->resume, sizeof p->resume);
	mutant_native_token(p->world, p->session, p->user, p->resume);
	l->welcomed = true;
}

static void on_closed(void *line, unsigned code, int64_t sent_ns)
{
	struct native_line *l = line;
	struct native_client *p = l->client;
	struct sim *s = &p->world->sim;

	sim_trace(s, "native %u%s is closed with %u", p->index, l == p->old ? " (old)" : "", code);
	if (code >= 4400 && code < 4500 && !(l == p->old && code == err_close(ERR_REPLACED)))
		sim_violate(s, "closed-for-good", "native %u with %u", p->index, code);
	end(l, false, sent_ns);
	if (!p->now)
		sim_in(s, &p->act, sim_wait(s, SIM_CLIENT, HURRY_NS), on_act);
}

static void hang_up(struct native_line *l, enum line_end how)
{
	static const char *const names[] = {"closes", "loses", "loses, half open,"};
	struct native_client *p = l->client;

	sim_trace(&p->world->sim, "native %u %s its%s connection", p->index, names[how],
		  l == p->old ? " old" : "");
	line_close(l->line, how);
	end(l, how == LINE_CLOSE, 0);
}

/* Who has lost the newer of two has lost its network: it is the newer one that the rooms go by. */
static void end(struct native_line *l, bool clean, int64_t lost_ns)
{
	struct native_client *p = l->client;

	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++)
		native_place_end(&l->places[i], clean, lost_ns);
	list_add_last(&p->graves, &l->node);
	if (p->old == l)
		p->old = NULL;
	if (p->now != l)
		return;
	p->now = NULL;
	if (clean)
		invariant_on_session_end(&p->world->invariants, p->session);
	if (p->old)
		hang_up(p->old, clean ? LINE_CLOSE : LINE_LOSE);
}

static void bury(struct native_client *p)
{
	LIST_EACH (&p->graves, it, ahead) {
		struct native_line *l = container_of(it, struct native_line, node);

		list_remove(it);
		mem_free(l);
	}
}
