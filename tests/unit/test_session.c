/* SPDX-License-Identifier: Apache-2.0 */
/* A session from its upgrade to its end: keep-alive, rate, lease, grace and what its room is told.
 * The socket, the gateway's root and the database's answers are stand-ins; router, timers and codec
 * are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/gateway.h"
#include "gateway/session.h"
#include "gateway/session_set.h"
#include "gateway/socket.h"
#include "gateway/visit.h"
#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)
#define SECONDS(n) ((n)*NS_PER_S)
#define ROOM SPAN("submission:s1")

struct gateway { /* the world, in the place of the root object */
	struct gateway_options opt;
	struct fake_shards shards;
	struct fake_shard *shard;
	struct router *router;
	struct timers *timers;
	struct session_set *sessions;
	int64_t now_ns;
	unsigned asked;
	access_fn *answer;
	void *asker;
	bool remembers;
};

struct socket { /* what the client was sent */
	char said[8192];
	enum err closed_for;
	enum err send_result;
	unsigned sends;
};

struct session_set *gateway_sessions(struct gateway *g)
{
	return g->sessions;
}

enum err socket_send(struct socket *s, struct payload *p, bool droppable)
{
	struct span text = payload_text(p);
	size_t len = strlen(s->said);

	(void)droppable;
	s->sends++;
	if (len + text.len + 1 < sizeof s->said)
		memcpy(s->said + len, text.p, text.len);
	return s->send_result;
}

void socket_close(struct socket *s, enum err why)
{
	s->closed_for = why;
}

void access_ask(struct access *a, struct span token, enum room_kind kind, struct span room_id,
		access_fn *fn, void *owner)
{
	struct gateway *g = (struct gateway *)(void *)a;

	(void)token, (void)kind, (void)room_id;
	g->asked++;
	g->answer = fn;
	g->asker = owner;
}

void access_whoami(struct access *a, struct span token, access_fn *fn, void *owner)
{
	access_ask(a, token, ROOM_SUBMISSION, SPAN_NONE, fn, owner);
}

void socket_set_session(struct socket *s, struct session *session)
{
	(void)s, (void)session;
}

size_t socket_queued_bytes(const struct socket *s)
{
	(void)s;
	return 0;
}

void access_forget(struct access *a, const void *owner)
{
	struct gateway *g = (struct gateway *)(void *)a;

	if (g->asker == owner)
		g->answer = NULL;
}

bool access_remembers(const struct access *a, struct span token, struct span room_key)
{
	(void)token, (void)room_key;
	return ((const struct gateway *)(const void *)a)->remembers;
}

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
	(void)owner, (void)now_ns;
}

static void on_answer(void *owner, const struct message *m, int64_t now_ns)
{
	(void)owner, (void)m, (void)now_ns;
}

static void open_shard(struct gateway *g)
{
	struct view_member m = {.id = {100}, .kind = MEMBER_SHARD, .state = MEMBER_ACTIVE};

	snprintf(m.endpoint, sizeof m.endpoint, "fake:0");
	router_view_begin(g->router);
	router_put_member(g->router, &m);
	router_put_slot(g->router, slot_of(ROOM), (incarnation_id){100}, 1);
	router_view_end(g->router, 1, g->now_ns);
}

static int world_open(void **state)
{
	struct gateway *g = test_calloc(1, sizeof *g);

	g->opt = (struct gateway_options){
		.limits_rate = 10,
		.presence_grace_ns = SECONDS(10),
		.keepalive_ping_ns = SECONDS(30),
		.keepalive_dead_ns = SECONDS(75),
		.access_lease_ns = SECONDS(60),
	};
	g->remembers = true;
	g->now_ns = SECONDS(1);
	fake_shards_init(&g->shards);
	g->shard = &g->shards.of[0];
	g->timers = timers_new(g->now_ns);
	g->router = router_new(&(struct router_setup){
		.self = {7},
		.name = "gateway-1",
		.bus = fake_bus(&g->shards),
		.heartbeat_ns = MS(100),
		.silence_ns = MS(600),
		.sink = *visit_sink(),
		.pull_view = pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = g,
	});
	g->sessions = session_set_new(&(struct session_setup){
		.router = g->router,
		.access = (struct access *)(void *)g,
		.timers = g->timers,
		.opt = &g->opt,
		.boot = 5,
		.now_ns = now_of,
		.reap = reap_now,
		.owner = g,
	});
	open_shard(g);
	*state = g;
	return 0;
}

static int world_close(void **state)
{
	struct gateway *g = *state;

	session_set_free(&g->sessions);
	router_free(&g->router);
	timers_free(&g->timers);
	fake_shards_fini(&g->shards);
	test_free(g);
	return 0;
}

static void pass(struct gateway *g, int64_t ns)
{
	g->now_ns += ns;
	timers_run(g->timers, g->now_ns);
	router_flush(g->router, g->now_ns);
}

static struct session *admit(struct gateway *g, const char *role)
{
	return session_new(g, &(struct admission){
				      .kind = ROOM_SUBMISSION,
				      .room_id = SPAN("s1"),
				      .token = SPAN("secret"),
				      .user = SPAN("u1"),
				      .name = SPAN("Ann \"A\""),
				      .email = SPAN("a@example.org"),
				      .role = span_str(role),
			      });
}

/* Admitted, open, attached and welcomed. */
static struct session *enter(struct gateway *g, struct socket *socket, const char *role)
{
	struct session *s = admit(g, role);
	const uint64_t id = UINT64_C(5) << 32 | 1;
	struct buf items;

	*socket = (struct socket){.closed_for = OK};
	session_on_open(s, socket);
	router_flush(g->router, g->now_ns);
	buf_init(&items, 1024);
	item_put_member(&items,
			&(struct item_member){.session = id, .conn_gen = 1, .user = SPAN("u1")});
	message_put_attached(fake_out(g->shard), &(struct msg_attached){.room = ROOM, .epoch = 1});
	message_put_member_joined(
		fake_out(g->shard),
		&(struct msg_member_joined){.room = ROOM, .relay = 1, .members = buf_span(&items)});
	message_put_welcomed(
		fake_out(g->shard),
		&(struct msg_welcomed){.room = ROOM, .relay = 2, .count = 2, .session = id});
	fake_say(g->shard, g->now_ns);
	buf_fini(&items);
	fake_skip(g->shard);
	return s;
}

static void text(struct gateway *g, struct session *s, const char *message)
{
	session_on_text(s, span_str(message));
	router_flush(g->router, g->now_ns);
}

static unsigned next_type(struct gateway *g)
{
	return fake_next(g->shard).type;
}

static void answer(struct gateway *g, enum access_refusal refusal, const char *user)
{
	access_fn *fn = g->answer;

	assert_non_null(fn);
	g->answer = NULL;
	fn(g->asker, &(struct access_answer){.refusal = refusal, .user = span_str(user)});
}

static bool said(const struct socket *s, const char *what)
{
	return strstr(s->said, what);
}

static void opened_session_enters_the_room_and_is_welcomed(void **state)
{
	struct gateway *g = *state;
	struct socket socket;

	enter(g, &socket, "editor");

	assert_true(said(&socket, "{\"type\":\"room_state\""));
	assert_true(said(&socket, "{\"type\":\"connected\""));
	assert_int_equal(session_set_connected(g->sessions), 1);
}

static void upgrade_that_fails_leaves_no_trace(void **state)
{
	struct gateway *g = *state;
	struct session *s = admit(g, "editor");

	session_on_closed(s, 1006);
	router_flush(g->router, g->now_ns);

	assert_int_equal(session_set_count(g->sessions), 0);
	assert_int_equal(next_type(g), MESSAGE_HELLO);
	assert_int_equal(next_type(g), 0);
}

static void clean_close_leaves_at_once(void **state)
{
	static const unsigned codes[] = {1000, 1005};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct socket socket;
		struct session *s = enter(g, &socket, "editor");

		session_on_closed(s, codes[i]);
		router_flush(g->router, g->now_ns);

		assert_int_equal(next_type(g), MESSAGE_LEAVE);
		assert_int_equal(session_set_count(g->sessions), 0);
		while (next_type(g))
			;
	}
}

static void lost_session_leaves_after_the_grace_and_not_before(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	session_on_closed(s, 1006);
	pass(g, MS(9900));
	unsigned before = next_type(g);
	pass(g, MS(200));

	assert_int_equal(before, 0);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void typist_stops_typing_before_leaving(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	text(g, s, "{\"type\":\"typing_start\"}");
	text(g, s, "{\"type\":\"editing_started\"}");
	text(g, s, "{\"type\":\"editing_stopped\"}");
	fake_skip(g->shard);

	session_on_closed(s, 1000);
	router_flush(g->router, g->now_ns);

	struct message m = fake_next(g->shard);
	assert_int_equal(m.type, MESSAGE_CAST);
	assert_int_equal(m.cast.keep, 2);
	assert_true(span_is(m.cast.key, "typing"));
	assert_true(span_starts(m.cast.body, "{\"type\":\"typing_stop\",\"submissionId\":\"s1\","
					     "\"userId\":\"u1\",\"userName\":\"Ann \\\"A\\\"\","));
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
}

static void client_is_pinged_every_30_s_and_dead_after_75_s_of_silence(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	enter(g, &socket, "editor");
	socket.said[0] = '\0';

	for (int i = 0; i < 30; i++)
		pass(g, SECONDS(1));
	pass(g, MS(20));
	bool pinged = said(&socket, "{\"type\":\"ping\"");
	for (int i = 0; i < 44; i++)
		pass(g, SECONDS(1));
	enum err early = socket.closed_for;
	pass(g, SECONDS(2));

	assert_true(pinged);
	assert_int_equal(early, OK);
	assert_int_equal(socket.closed_for, ERR_DEAD_PEER);
}

static void grace_of_a_dead_peer_counts_from_its_verdict(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	pass(g, SECONDS(75) + MS(20)); /* the verdict */
	pass(g, SECONDS(5));           /* the closing handshake it does not end */
	session_on_closed(s, 1006);
	pass(g, MS(4900));
	size_t before = session_set_count(g->sessions);
	pass(g, MS(200));

	assert_int_equal(socket.closed_for, ERR_DEAD_PEER);
	assert_int_equal(before, 1);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void anything_at_all_keeps_a_client_alive(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	for (int i = 0; i < 200; i++) {
		pass(g, SECONDS(1));
		if (i % 50 == 0)
			session_on_alive(s);
	}

	assert_int_equal(socket.closed_for, OK);
}

static void messages_over_the_rate_are_dropped_and_said_once_a_second(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	unsigned sends = socket.sends, casts = 0;

	for (int i = 0; i < 50; i++)
		text(g, s, "{\"type\":\"text_operation\"}");
	unsigned scolded = socket.sends - sends;
	while (next_type(g) == MESSAGE_CAST)
		casts++;
	pass(g, MS(500));
	text(g, s, "{\"type\":\"text_operation\"}");

	assert_int_equal(casts, 20); /* two seconds' worth */
	assert_int_equal(scolded, 1);
	assert_int_equal(next_type(g), MESSAGE_CAST);
}

static void bad_input_is_answered_by_one_error_and_the_session_goes_on(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	socket.said[0] = '\0';
	unsigned sends = socket.sends;

	text(g, s, "[1,2]");
	text(g, s, "{\"type\":\"user_left\"}");
	session_on_bad(s, ERR_BINARY);
	unsigned errors = socket.sends - sends;
	text(g, s, "{\"type\":\"ping\"}");

	assert_int_equal(errors, 3);
	assert_true(said(&socket, "{\"type\":\"pong\""));
	assert_int_equal(socket.closed_for, OK);
	assert_int_equal(next_type(g), 0);
}

static void viewer_may_not_write(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "viewer");
	socket.said[0] = '\0';

	text(g, s, "{\"type\":\"content_updated\"}");
	text(g, s, "{\"type\":\"cursor_position\"}");

	assert_true(said(&socket, "{\"type\":\"error\""));
	struct message m = fake_next(g->shard);
	assert_int_equal(m.type, MESSAGE_CAST);
	assert_true(span_is(m.cast.key, "cursor"));
	assert_int_equal(next_type(g), 0);
}

static void lease_is_asked_for_again_and_goes_on_when_granted(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	for (int i = 0; i < 61; i++)
		pass(g, SECONDS(1));
	session_on_alive(s);
	assert_int_equal(g->asked, 1);
	answer(g, ACCESS_GRANTED, "u1");
	for (int i = 0; i < 60; i++)
		pass(g, SECONDS(1));

	assert_int_equal(g->asked, 2);
	assert_int_equal(socket.closed_for, OK);
}

static void revoked_client_is_closed_and_leaves_at_once(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	g->remembers = false;

	session_set_recheck(g->sessions);
	answer(g, ACCESS_DENIED, "");
	enum err closed_for = socket.closed_for;
	session_on_closed(s, 4410);
	router_flush(g->router, g->now_ns);

	assert_int_equal(closed_for, ERR_REVOKED);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void kick(struct gateway *g, const char *user)
{
	message_put_kicked(fake_out(g->shard),
			   &(struct msg_kicked){.room = ROOM, .user = span_str(user)});
	fake_say(g->shard, g->now_ns);
}

static void kicked_client_is_closed_and_leaves_at_once(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	kick(g, "u2");
	enum err before = socket.closed_for;
	kick(g, "u1");
	enum err closed_for = socket.closed_for;
	session_on_closed(s, 4410);
	router_flush(g->router, g->now_ns);

	assert_int_equal(before, OK);
	assert_int_equal(closed_for, ERR_KICKED);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void kicked_client_without_a_socket_leaves_without_its_grace(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	session_on_closed(s, 1006);

	kick(g, "u1");
	pass(g, MS(50));
	router_flush(g->router, g->now_ns);

	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void kick_makes_a_close_that_was_not_for_good_one_that_is(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	session_set_drain(g->sessions, 1);

	kick(g, "u1");
	session_on_closed(s, 1012);
	router_flush(g->router, g->now_ns);

	assert_int_equal(next_type(g), MESSAGE_LEAVE);
}

static void who_is_still_remembered_is_not_asked_about(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	enter(g, &socket, "editor");

	session_set_recheck(g->sessions);

	assert_int_equal(g->asked, 0);
}

static void broken_database_takes_nobodys_right_away(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	enter(g, &socket, "editor");
	g->remembers = false;

	session_set_recheck(g->sessions);
	answer(g, ACCESS_BROKEN, "");

	assert_int_equal(socket.closed_for, OK);
}

static void token_that_speaks_for_another_user_now_ends_the_session(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	enter(g, &socket, "editor");
	g->remembers = false;

	session_set_recheck(g->sessions);
	answer(g, ACCESS_GRANTED, "u2");

	assert_int_equal(socket.closed_for, ERR_NO_SESSION);
}

static void slow_reader_is_closed_and_keeps_its_place_for_the_grace(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	socket.send_result = ERR_TOO_SLOW;

	text(g, s, "{\"type\":\"ping\"}");
	enum err closed_for = socket.closed_for;
	unsigned sends = socket.sends;
	text(g, s, "{\"type\":\"ping\"}");
	session_on_closed(s, 4508);
	router_flush(g->router, g->now_ns);

	assert_int_equal(closed_for, ERR_TOO_SLOW);
	assert_int_equal(socket.sends, sends);
	assert_int_equal(next_type(g), 0);
	assert_int_equal(session_set_count(g->sessions), 1);
}

static void drained_client_is_sent_away_without_a_leave(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	session_set_drain(g->sessions, 1);
	session_on_closed(s, 1012);
	router_flush(g->router, g->now_ns);

	assert_int_equal(socket.closed_for, ERR_RESTARTING);
	assert_int_equal(session_set_connected(g->sessions), 0);
	assert_int_equal(next_type(g), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(opened_session_enters_the_room_and_is_welcomed),
		T(upgrade_that_fails_leaves_no_trace),
		T(clean_close_leaves_at_once),
		T(lost_session_leaves_after_the_grace_and_not_before),
		T(typist_stops_typing_before_leaving),
		T(client_is_pinged_every_30_s_and_dead_after_75_s_of_silence),
		T(grace_of_a_dead_peer_counts_from_its_verdict),
		T(anything_at_all_keeps_a_client_alive),
		T(messages_over_the_rate_are_dropped_and_said_once_a_second),
		T(bad_input_is_answered_by_one_error_and_the_session_goes_on),
		T(viewer_may_not_write),
		T(lease_is_asked_for_again_and_goes_on_when_granted),
		T(revoked_client_is_closed_and_leaves_at_once),
		T(kicked_client_is_closed_and_leaves_at_once),
		T(kicked_client_without_a_socket_leaves_without_its_grace),
		T(kick_makes_a_close_that_was_not_for_good_one_that_is),
		T(who_is_still_remembered_is_not_asked_about),
		T(broken_database_takes_nobodys_right_away),
		T(token_that_speaks_for_another_user_now_ends_the_session),
		T(slow_reader_is_closed_and_keeps_its_place_for_the_grace),
		T(drained_client_is_sent_away_without_a_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
