/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/visit.h"
#include "tests/lib/lobby.h"

const struct resume_key lobby_resume_key = {"the cluster's key", 17};

static int64_t now_of(void *owner);
static void reap_now(void *owner, void (*fn)(void *p), void *p);
static void pull_view(void *owner);
static void on_ways(void *owner, int64_t now_ns);
static void on_answer(void *owner, const struct message *, int64_t now_ns);
static void put_shard(struct gateway *, unsigned i);

int lobby_open(void **state)
{
	struct gateway *g = test_calloc(1, sizeof *g);

	g->opt = (struct gateway_options){
		.limits_rate = 10,
		.limits_message = 2 << 20,
		.limits_outbox = 1 << 20,
		.presence_grace_ns = SECONDS(10),
		.presence_reload_ns = SECONDS(4),
		.keepalive_ping_ns = SECONDS(30),
		.keepalive_dead_ns = SECONDS(75),
		.access_lease_ns = SECONDS(60),
	};
	g->remembers = true;
	g->now_ns = SECONDS(1);
	fake_shards_init(&g->shards);
	g->shard = &g->shards.of[0];
	g->second = &g->shards.of[1];
	g->timers = timers_new(g->now_ns);
	g->router = router_new(&(struct router_setup){
		.self = {7},
		.name = "gateway-1",
		.bus = fake_bus(&g->shards),
		.heartbeat_ns = MS(100),
		.silence_ns = MS(600),
		.sink = visit_sink(1000),
		.pull_view = pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = g,
	});
	g->questions = questions_new(g->router, g->now_ns);
	g->sessions = session_set_new(&(struct session_setup){
		.router = g->router,
		.questions = g->questions,
		.resume_key = &lobby_resume_key,
		.access = (struct access *)(void *)g,
		.timers = g->timers,
		.opt = &g->opt,
		.boot = LOBBY_BOOT,
		.now_ns = now_of,
		.reap = reap_now,
		.owner = g,
	});
	lobby_move(g, g->shard->id, 1);
	*state = g;
	return 0;
}

int lobby_close(void **state)
{
	struct gateway *g = *state;

	session_set_free(&g->sessions);
	questions_free(&g->questions);
	router_free(&g->router);
	timers_free(&g->timers);
	fake_shards_fini(&g->shards);
	test_free(g);
	return 0;
}

void lobby_pass(struct gateway *g, int64_t ns)
{
	g->now_ns += ns;
	timers_run(g->timers, g->now_ns);
	questions_tick(g->questions, g->now_ns);
	session_set_tick(g->sessions, g->now_ns);
	lobby_flush(g);
}

void lobby_flush(struct gateway *g)
{
	router_flush(g->router, g->now_ns);
}

void lobby_text(struct gateway *g, struct session *s, const char *message)
{
	session_on_text(s, span_str(message));
	lobby_flush(g);
}

void lobby_closed(struct gateway *g, struct session *s, unsigned code)
{
	session_on_closed(s, code);
	lobby_flush(g);
}

void lobby_answer(struct gateway *g, const struct access_answer *a)
{
	lobby_answer_to(g, g->waiting[0].owner, a);
}

void lobby_answer_to(struct gateway *g, const void *owner, const struct access_answer *a)
{
	size_t i = 0;

	while (i < g->waiting_count && g->waiting[i].owner != owner)
		i++;
	assert_true(i < g->waiting_count);
	struct lobby_asked one = g->waiting[i];
	memmove(g->waiting + i, g->waiting + i + 1, (--g->waiting_count - i) * sizeof one);
	one.fn(one.owner, a);
	lobby_flush(g);
}

void lobby_move(struct gateway *g, incarnation_id owner, uint64_t epoch)
{
	router_view_begin(g->router);
	put_shard(g, 0);
	put_shard(g, 1);
	router_put_slot(g->router, slot_of(ROOM), owner, epoch);
	router_put_slot(g->router, slot_of(OTHER_ROOM), owner, epoch);
	router_view_end(g->router, epoch, g->now_ns);
	lobby_flush(g);
}

/* ---- in the place of gateway.c, socket.c and access.c ---- */

struct session_set *gateway_sessions(struct gateway *g)
{
	return g->sessions;
}

bool socket_send_bundle(struct socket *s, struct bundle *b)
{
	(void)s, (void)b;
	return false; /* one by one */
}

enum err socket_send(struct socket *s, struct payload *p, bool droppable)
{
	struct span text = payload_text(p);
	size_t len = strlen(s->said);

	must(len + text.len + 3 < sizeof s->said);
	s->sends++;
	snprintf(s->said + len, sizeof s->said - len, "%s%.*s\n", droppable ? "~" : "",
		 SPAN_ARGS(text));
	return s->send_result;
}

void socket_close(struct socket *s, enum err why)
{
	if (!s->closed_for)
		s->closed_for = why;
}

void socket_set_session(struct socket *s, struct session *session)
{
	s->session = session;
}

size_t socket_queued_bytes(const struct socket *s)
{
	return s->queued_bytes;
}

void access_ask(struct access *a, struct span token, enum room_kind kind, struct span room_id,
		access_fn *fn, void *owner)
{
	struct gateway *g = (struct gateway *)(void *)a;

	(void)kind, (void)room_id;
	must(g->waiting_count < LOBBY_ASKED_MAX);
	g->asked++;
	g->waiting[g->waiting_count++] = (struct lobby_asked){fn, owner};
	snprintf(g->token, sizeof g->token, "%.*s", SPAN_ARGS(token));
}

void access_whoami(struct access *a, struct span token, access_fn *fn, void *owner)
{
	access_ask(a, token, ROOM_SUBMISSION, SPAN_NONE, fn, owner);
}

void access_forget(struct access *a, const void *owner)
{
	struct gateway *g = (struct gateway *)(void *)a;
	size_t kept = 0;

	for (size_t i = 0; i < g->waiting_count; i++)
		if (g->waiting[i].owner != owner)
			g->waiting[kept++] = g->waiting[i];
	g->waiting_count = kept;
}

bool access_remembers(const struct access *a, struct span token, struct span room_key)
{
	(void)token, (void)room_key;
	return ((const struct gateway *)(const void *)a)->remembers;
}

/* ---- what sessions and router are set up with ---- */

static int64_t now_of(void *owner)
{
	return ((struct gateway *)owner)->now_ns;
}

static void reap_now(void *owner, void (*fn)(void *p), void *p)
{
	(void)owner;
	fn(p);
}

static void pull_view(void *owner)
{
	(void)owner;
}

static void on_ways(void *owner, int64_t now_ns)
{
	struct gateway *g = owner;

	if (g->questions) /* they come after the router */
		questions_on_ways(g->questions, now_ns);
}

static void on_answer(void *owner, const struct message *m, int64_t now_ns)
{
	questions_on_answer(((struct gateway *)owner)->questions, m, now_ns);
}

static void put_shard(struct gateway *g, unsigned i)
{
	struct view_member m = {
		.id = g->shards.of[i].id, .kind = MEMBER_SHARD, .state = MEMBER_ACTIVE};

	snprintf(m.endpoint, sizeof m.endpoint, "fake:%u", i);
	router_put_member(g->router, &m);
}
