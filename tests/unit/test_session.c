/* SPDX-License-Identifier: Apache-2.0 */
/* A v0 session from its upgrade to its end: keep-alive, rate, lease, grace and what its room is
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/session.h"
#include "gateway/session_set.h"
#include "tests/lib/owner.h"

static struct session *admit(struct gateway *g, const char *role)
{
	struct user *ann = user_new(SPAN("u1"), SPAN("Ann \"A\""), SPAN("a@example.org"));
	struct session *s = session_new(g, &(struct admission){
						   .kind = ROOM_SUBMISSION,
						   .room_id = SPAN("s1"),
						   .token = SPAN("secret"),
						   .user = ann,
						   .role = span_str(role),
					   });

	user_free(&ann);
	return s;
}

/* Admitted, open, attached and welcomed. */
static struct session *enter(struct gateway *g, struct socket *socket, const char *role)
{
	struct session *s = admit(g, role);
	struct item_member m = owner_member(s->id.v, "u1");

	*socket = (struct socket){.closed_for = OK};
	session_on_open(s, socket);
	lobby_flush(g);
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	owner_say_welcomed(g, m.session);
	fake_skip(g->shard);
	return s;
}

static unsigned next_type(struct gateway *g)
{
	return fake_next(g->shard).type;
}

static void answer(struct gateway *g, enum access_refusal refusal, const char *user)
{
	struct user *who = user_new(span_str(user), SPAN_NONE, SPAN_NONE);

	lobby_answer(g, &(struct access_answer){.refusal = refusal, .user = who});
	user_free(&who);
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

	lobby_closed(g, s, 1006);

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

		lobby_closed(g, s, codes[i]);

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
	lobby_pass(g, MS(9900));
	unsigned before = next_type(g);
	lobby_pass(g, MS(200));

	assert_int_equal(before, 0);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void page_that_was_closed_leaves_sooner_than_a_lost_one(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	session_on_closed(s, 1001);
	lobby_pass(g, MS(3900));
	unsigned before = next_type(g);
	lobby_pass(g, MS(200));

	assert_int_equal(before, 0);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void page_that_is_closed_while_the_gateway_leaves_has_the_whole_grace(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	session_close(s, ERR_RESTARTING);
	session_on_closed(s, 1001);
	lobby_pass(g, MS(9900));
	size_t before = session_set_count(g->sessions);
	lobby_pass(g, MS(200));

	assert_int_equal(before, 1);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void typist_stops_typing_before_leaving(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	lobby_text(g, s, "{\"type\":\"typing_start\"}");
	lobby_text(g, s, "{\"type\":\"editing_started\"}");
	lobby_text(g, s, "{\"type\":\"editing_stopped\"}");
	fake_skip(g->shard);

	lobby_closed(g, s, 1000);

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
		lobby_pass(g, SECONDS(1));
	lobby_pass(g, MS(20));
	bool pinged = said(&socket, "{\"type\":\"ping\"");
	for (int i = 0; i < 44; i++)
		lobby_pass(g, SECONDS(1));
	enum err early = socket.closed_for;
	lobby_pass(g, SECONDS(2));

	assert_true(pinged);
	assert_int_equal(early, OK);
	assert_int_equal(socket.closed_for, ERR_DEAD_PEER);
}

static void grace_of_a_dead_peer_counts_from_its_verdict(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	lobby_pass(g, SECONDS(75) + MS(20)); /* the verdict */
	lobby_pass(g, SECONDS(5));           /* the closing handshake it does not end */
	session_on_closed(s, 1006);
	lobby_pass(g, MS(4900));
	size_t before = session_set_count(g->sessions);
	lobby_pass(g, MS(200));

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
		lobby_pass(g, SECONDS(1));
		if (i % 50 == 0)
			session_on_alive(s);
	}

	assert_int_equal(socket.closed_for, OK);
}

/* So many casts; how many of them went to the room. */
static unsigned cast(struct gateway *g, struct session *s, unsigned count)
{
	unsigned casts = 0;

	for (unsigned i = 0; i < count; i++)
		lobby_text(g, s, "{\"type\":\"text_operation\"}");
	while (next_type(g) == MESSAGE_CAST)
		casts++;
	return casts;
}

static void messages_over_the_rate_are_dropped_and_said_once_a_second(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	unsigned sends = socket.sends;

	unsigned casts = cast(g, s, 50);
	unsigned scolded = socket.sends - sends;
	lobby_pass(g, MS(500));
	lobby_text(g, s, "{\"type\":\"text_operation\"}");

	assert_int_equal(casts, 20); /* two seconds' worth */
	assert_int_equal(scolded, 1);
	assert_int_equal(next_type(g), MESSAGE_CAST);
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;

	while ((text = strstr(text, what))) {
		text++;
		count++;
	}
	return count;
}

/* So many a second, for so long or until it is closed. Returns when that was. */
static int64_t flood(struct gateway *g, struct session *s, struct socket *socket, int rate,
		     int64_t ms)
{
	int64_t from_ns = g->now_ns;

	while (g->now_ns - from_ns < MS(ms) && socket->closed_for == OK) {
		lobby_text(g, s, "{\"type\":\"text_operation\"}");
		lobby_pass(g, NS_PER_S / rate);
		fake_skip(g->shard);
	}
	return (g->now_ns - from_ns) / NS_PER_MS;
}

static void who_goes_on_too_fast_is_closed_after_five_warnings(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	int64_t ms = flood(g, s, &socket, 100, 60000);

	assert_int_equal(socket.closed_for, ERR_TOO_FAST);
	assert_in_range(ms, 4500, 5500);
	assert_int_equal(count_of(socket.said, "TOO_FAST"), 5);
}

static void who_goes_on_a_little_too_fast_is_closed_as_well(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	int64_t ms = flood(g, s, &socket, 14, 120000);

	assert_int_equal(socket.closed_for, ERR_TOO_FAST);
	assert_in_range(ms, 5000, 20000);
}

static void who_keeps_to_the_rate_is_never_told_anything(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	socket.said[0] = '\0';

	flood(g, s, &socket, 10, 60000);

	assert_int_equal(socket.closed_for, OK);
	assert_false(said(&socket, "TOO_FAST"));
}

static void who_waits_as_told_goes_on_for_ever(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	unsigned refusals = 0;

	for (int i = 0; i < 3000; i++) {
		socket.said[0] = '\0';
		lobby_text(g, s, "{\"type\":\"text_operation\"}");
		fake_skip(g->shard);
		const char *after = strstr(socket.said, "\"retryAfterMs\":");
		if (!after)
			continue;
		refusals++;
		lobby_pass(g, MS(strtol(after + strlen("\"retryAfterMs\":"), NULL, 10)));
	}

	assert_int_equal(socket.closed_for, OK);
	assert_in_range(refusals, 100, 1000);
}

static void room_that_is_told_too_much_is_held_against_nobody(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	g->opt.limits_room_rate = 5;
	struct session *s = enter(g, &socket, "editor");
	unsigned sends = socket.sends;

	unsigned casts = cast(g, s, 20);
	unsigned scolded = socket.sends - sends;
	lobby_text(g, s, "{\"type\":\"ping\"}");
	flood(g, s, &socket, 10, 60000);

	assert_int_equal(casts, 10);
	assert_int_equal(scolded, 1);
	assert_true(said(&socket, "\"code\":\"TOO_FAST\",\"retryAfterMs\":200"));
	assert_int_equal(socket.closed_for, OK);
}

static void bad_input_is_answered_by_one_error_and_the_session_goes_on(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	socket.said[0] = '\0';
	unsigned sends = socket.sends;

	lobby_text(g, s, "[1,2]");
	lobby_text(g, s, "{\"type\":\"user_left\"}");
	session_on_bad(s, ERR_BINARY);
	unsigned errors = socket.sends - sends;
	lobby_text(g, s, "{\"type\":\"ping\"}");

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

	lobby_text(g, s, "{\"type\":\"content_updated\"}");
	lobby_text(g, s, "{\"type\":\"cursor_position\"}");

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
		lobby_pass(g, SECONDS(1));
	session_on_alive(s);
	assert_int_equal(g->asked, 1);
	answer(g, ACCESS_GRANTED, "u1");
	for (int i = 0; i < 60; i++)
		lobby_pass(g, SECONDS(1));

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
	lobby_closed(g, s, 4410);

	assert_int_equal(closed_for, ERR_REVOKED);
	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void kicked_client_is_closed_and_leaves_at_once(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");

	owner_say_kicked(g, "u2");
	enum err before = socket.closed_for;
	owner_say_kicked(g, "u1");
	enum err closed_for = socket.closed_for;
	lobby_closed(g, s, 4410);

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

	owner_say_kicked(g, "u1");
	lobby_pass(g, MS(50));
	lobby_flush(g);

	assert_int_equal(next_type(g), MESSAGE_LEAVE);
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void kick_makes_a_close_that_was_not_for_good_one_that_is(void **state)
{
	struct gateway *g = *state;
	struct socket socket;
	struct session *s = enter(g, &socket, "editor");
	session_set_drain(g->sessions, 1);

	owner_say_kicked(g, "u1");
	lobby_closed(g, s, 1012);

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

	lobby_text(g, s, "{\"type\":\"ping\"}");
	enum err closed_for = socket.closed_for;
	unsigned sends = socket.sends;
	lobby_text(g, s, "{\"type\":\"ping\"}");
	lobby_closed(g, s, 4508);

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
	lobby_closed(g, s, 1012);

	assert_int_equal(socket.closed_for, ERR_RESTARTING);
	assert_int_equal(session_set_connected(g->sessions), 0);
	assert_int_equal(next_type(g), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(opened_session_enters_the_room_and_is_welcomed),
		T(upgrade_that_fails_leaves_no_trace),
		T(clean_close_leaves_at_once),
		T(lost_session_leaves_after_the_grace_and_not_before),
		T(page_that_was_closed_leaves_sooner_than_a_lost_one),
		T(page_that_is_closed_while_the_gateway_leaves_has_the_whole_grace),
		T(typist_stops_typing_before_leaving),
		T(client_is_pinged_every_30_s_and_dead_after_75_s_of_silence),
		T(grace_of_a_dead_peer_counts_from_its_verdict),
		T(anything_at_all_keeps_a_client_alive),
		T(messages_over_the_rate_are_dropped_and_said_once_a_second),
		T(who_goes_on_too_fast_is_closed_after_five_warnings),
		T(who_goes_on_a_little_too_fast_is_closed_as_well),
		T(who_keeps_to_the_rate_is_never_told_anything),
		T(who_waits_as_told_goes_on_for_ever),
		T(room_that_is_told_too_much_is_held_against_nobody),
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
