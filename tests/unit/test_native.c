/* SPDX-License-Identifier: Apache-2.0 */
/* A native session: hello and welcome, how it goes on over other connections, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/guest.h"

#define HELLO "{\"type\":\"hello\",\"token\":\"t\"}"
#define PING "{\"type\":\"ping\"}"

/* ---- hello ---- */

static void hello_is_answered_by_welcome_with_a_token_to_resume(void **state)
{
	struct gateway *g = *state;
	struct resume r = {.user = SPAN("u1")};
	struct guest ann;
	guest_open(&ann, g, "u1");

	guest_hello(&ann, NULL);

	guest_expect(&ann, "welcome session=0000000500000001 resumed=false");
	assert_string_equal(g->token, "t-u1");
	assert_true(resume_read(span_str(ann.resume), &lobby_resume_key, &r));
	assert_int_equal(r.session, LOBBY_SESSION(1));
	assert_int_equal(r.conn_gen, 1);
	assert_non_null(strstr(ann.socket.said, "\"user\":{\"id\":\"u1\",\"name\":\"u1\","
						"\"email\":\"x@example.org\"},\"ping_ms\":30000,"
						"\"limits\":{\"message\":2097152,\"rate\":10,"
						"\"rooms\":64,\"pending\":64}"));
}

static void client_that_says_no_hello_within_5_s_is_closed(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_open(&ann, g, "u1");

	lobby_pass(g, MS(4980));
	enum err early = ann.socket.closed_for;
	lobby_pass(g, MS(40));

	assert_int_equal(early, OK);
	assert_int_equal(ann.socket.closed_for, ERR_NO_HELLO);
	guest_expect(&ann, "error code=no_hello");
}

static void welcomed_client_has_no_deadline(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	lobby_pass(g, SECONDS(20));

	assert_int_equal(ann.socket.closed_for, OK);
	guest_expect(&ann, "");
}

static void what_is_no_good_hello_closes_with_one_error(void **state)
{
	static const struct {
		const char *first, *told;
		enum err why;
	} rows[] = {
		{PING, "error code=no_hello", ERR_NO_HELLO},
		{"{", "error code=no_hello", ERR_NO_HELLO},
		{"[]", "error code=no_hello", ERR_NO_HELLO},
		{"{\"type\":\"dance\"}", "error code=no_hello", ERR_NO_HELLO},
		{"{\"type\":\"join\",\"room\":\"submission:s1\"}", "error code=no_hello",
		 ERR_NO_HELLO},
		{"{\"type\":\"hello\"}", "error code=bad_client", ERR_BAD_CLIENT},
		{"{\"type\":\"hello\",\"token\":7}", "error code=bad_client", ERR_BAD_CLIENT},
		{"{\"type\":\"hello\",\"token\":\"t\",\"resume\":[]}", "error code=bad_client",
		 ERR_BAD_CLIENT},
	};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest ann;
		guest_open(&ann, g, "u1");

		guest_say(&ann, rows[i].first);
		guest_say(&ann, PING);

		guest_expect(&ann, rows[i].told);
		assert_int_equal(ann.socket.closed_for, rows[i].why);
		assert_in_range(err_close(rows[i].why), 4400, 4499); /* else it would come again */
		assert_int_equal(g->asked, 0);
		lobby_closed(g, ann.socket.session, err_close(rows[i].why));
	}
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void nothing_else_may_be_said_before_welcome(void **state)
{
	static const char *const seconds[] = {PING, HELLO};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		struct guest ann;
		guest_open(&ann, g, "u1");

		guest_say(&ann, HELLO);
		guest_say(&ann, seconds[i]);

		guest_expect(&ann, "error code=no_hello");
		assert_int_equal(ann.socket.closed_for, ERR_NO_HELLO);
		guest_answer(&ann, ACCESS_GRANTED);
		guest_expect(&ann, "");
	}
}

static void who_is_not_known_is_closed(void **state)
{
	static const struct {
		enum access_refusal refusal;
		const char *told;
		enum err why;
	} rows[] = {
		{ACCESS_NO_SESSION, "error code=no_session", ERR_NO_SESSION},
		{ACCESS_NO_USER, "error code=no_user", ERR_NO_USER},
		{ACCESS_BROKEN, "error code=db_away", ERR_DB_AWAY},
	};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest ann;
		guest_open(&ann, g, "u1");
		guest_say(&ann, HELLO);

		guest_answer(&ann, rows[i].refusal);

		guest_expect(&ann, rows[i].told);
		assert_int_equal(ann.socket.closed_for, rows[i].why);
	}
}

/* ---- another connection ---- */

static void second_connection_takes_the_session_over_and_closes_the_first(void **state)
{
	struct gateway *g = *state;
	struct guest first, second;
	guest_greet(&first, g, "u1");
	guest_open(&second, g, "u1");

	guest_hello(&second, first.resume);
	enum err closed_for = first.socket.closed_for;
	lobby_closed(g, first.socket.session, err_close(closed_for));
	guest_say(&second, PING);

	assert_int_equal(closed_for, ERR_REPLACED);
	guest_expect(&first, "");
	guest_expect(&second, "welcome session=0000000500000001 resumed=true; pong");
	assert_int_equal(session_set_count(g->sessions), 1);
	assert_int_equal(session_set_connected(g->sessions), 1);
}

static void each_connection_of_a_session_is_newer_than_the_last(void **state)
{
	struct gateway *g = *state;
	struct guest connections[3];
	guest_greet(&connections[0], g, "u1");

	for (unsigned i = 1; i < 3; i++) {
		struct resume r = {.user = SPAN("u1")};
		guest_open(&connections[i], g, "u1");
		guest_hello(&connections[i], connections[0].resume); /* an old one is good too */
		(void)guest_told(&connections[i]);

		assert_true(resume_read(span_str(connections[i].resume), &lobby_resume_key, &r));
		assert_int_equal(r.session, LOBBY_SESSION(1));
		assert_int_equal(r.conn_gen, i + 1);
	}
}

static void lost_session_is_resumed_within_the_grace(void **state)
{
	struct gateway *g = *state;
	struct guest first, second;
	guest_enter(&first, g, "u1", 7);
	guest_lose(&first);
	lobby_pass(g, MS(9900));
	guest_open(&second, g, "u1");

	guest_hello(&second, first.resume);
	lobby_pass(g, MS(5000));

	guest_expect(&second, "welcome session=0000000500000001 resumed=true");
	assert_false(owner_has_heard(g, MESSAGE_LEAVE));
	assert_int_equal(session_set_count(g->sessions), 1);
}

static void session_that_does_not_come_back_leaves_after_the_grace(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_lose(&ann);
	lobby_pass(g, MS(9900));
	bool early = owner_has_heard(g, MESSAGE_LEAVE);
	lobby_pass(g, MS(200));

	assert_false(early);
	assert_true(owner_has_heard(g, MESSAGE_LEAVE));
	assert_int_equal(session_set_count(g->sessions), 0);
}

static void session_of_another_gateway_goes_on_under_its_id_and_is_newer(void **state)
{
	const struct resume elsewhere = {UINT64_C(0x900000003), 4, SPAN("u1")};
	struct gateway *g = *state;
	struct guest ann;
	struct buf token;
	buf_init(&token, RESUME_MAX);
	resume_put(&token, &lobby_resume_key, &elsewhere);
	buf_put_u8(&token, 0);
	guest_open(&ann, g, "u1");

	guest_hello(&ann, (const char *)token.p);
	guest_expect(&ann, "welcome session=0000000900000003 resumed=true");
	guest_ask(&ann, "");

	struct msg_attach attach = owner_next(g, MESSAGE_ATTACH).attach;
	struct item_member m;
	assert_true(item_next_member(&attach.members, &m));
	assert_int_equal(m.session, elsewhere.session);
	assert_int_equal(m.conn_gen, 5);
	buf_fini(&token);
}

static void token_that_is_no_good_begins_a_new_session(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob, cid;
	guest_greet(&ann, g, "u1");

	guest_open(&bob, g, "u2");
	guest_hello(&bob, ann.resume); /* hers */
	guest_open(&cid, g, "u3");
	guest_hello(&cid, "nonsense");

	guest_expect(&bob, "welcome session=0000000500000002 resumed=false");
	guest_expect(&cid, "welcome session=0000000500000003 resumed=false");
	assert_int_equal(ann.socket.closed_for, OK);
}

/* ---- auth ---- */

static void new_token_of_the_same_user_serves_from_then_on(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_say(&ann, "{\"type\":\"auth\",\"token\":\"t2\"}");
	guest_answer(&ann, ACCESS_GRANTED);

	guest_expect(&ann, "ok");
	assert_string_equal(g->token, "t2"); /* the room is asked about at once */
	assert_int_equal(g->waiting_count, 1);
	guest_answer(&ann, ACCESS_GRANTED);
	guest_expect(&ann, "");
	assert_int_equal(ann.socket.closed_for, OK);
}

static void token_that_is_not_of_this_user_ends_the_session(void **state)
{
	static const struct {
		enum access_refusal refusal;
		const char *user;
	} rows[] = {{ACCESS_GRANTED, "u2"}, {ACCESS_NO_SESSION, "u1"}};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest ann;
		guest_greet(&ann, g, "u1");
		guest_say(&ann, "{\"type\":\"auth\",\"token\":\"t2\"}");

		ann.user = rows[i].user;
		guest_answer(&ann, rows[i].refusal);

		guest_expect(&ann, "error code=no_session");
		assert_int_equal(ann.socket.closed_for, ERR_NO_SESSION);
	}
}

static void one_new_token_at_a_time(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	guest_say(&ann, "{\"type\":\"auth\",\"token\":\"t2\"}");
	guest_say(&ann, "{\"type\":\"auth\",\"token\":\"t3\"}");

	guest_expect(&ann, "refused request=auth code=too_fast retry_after_ms=500");
	assert_int_equal(g->waiting_count, 1);
	assert_string_equal(g->token, "t2");
}

/* ---- the end ---- */

static void silent_client_is_dead_after_75_s_and_is_never_asked(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_greet(&ann, g, "u1");
	guest_greet(&bob, g, "u2");

	for (unsigned i = 0; i < 76; i++) {
		lobby_pass(g, SECONDS(1));
		if (i % 30 == 29)
			guest_say(&bob, PING);
	}

	guest_expect(&ann, "");
	assert_int_equal(ann.socket.closed_for, ERR_DEAD_PEER);
	guest_expect(&bob, "pong; pong");
	assert_int_equal(bob.socket.closed_for, OK);
}

static void drained_client_is_told_and_has_5_s(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	session_set_drain(g->sessions, 1);
	session_set_drain(g->sessions, 1);
	guest_expect(&ann, "draining deadline_ms=5000");
	lobby_pass(g, MS(4980));
	enum err early = ann.socket.closed_for;
	lobby_pass(g, MS(40));

	assert_int_equal(early, OK);
	assert_int_equal(ann.socket.closed_for, ERR_RESTARTING);
	guest_expect(&ann, "error code=restarting");
}

/* It has come through the door since the draining began. */
static void client_that_is_told_to_go_before_it_is_welcomed_has_5_s_too(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_open(&ann, g, "u1");

	session_set_drain(g->sessions, 1);
	guest_hello(&ann, NULL);
	guest_expect(&ann, "draining deadline_ms=5000; "
			   "welcome session=0000000500000001 resumed=false");
	lobby_pass(g, MS(5020));

	assert_int_equal(ann.socket.closed_for, ERR_RESTARTING);
}

static void drained_client_that_went_elsewhere_leaves_under_its_old_conn_gen(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	session_set_drain(g->sessions, 1);
	lobby_closed(g, ann.socket.session, 1000);

	assert_int_equal(session_set_count(g->sessions), 0);
	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.conn_gen, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(hello_is_answered_by_welcome_with_a_token_to_resume),
		T(client_that_says_no_hello_within_5_s_is_closed),
		T(welcomed_client_has_no_deadline),
		T(what_is_no_good_hello_closes_with_one_error),
		T(nothing_else_may_be_said_before_welcome),
		T(who_is_not_known_is_closed),
		T(second_connection_takes_the_session_over_and_closes_the_first),
		T(each_connection_of_a_session_is_newer_than_the_last),
		T(lost_session_is_resumed_within_the_grace),
		T(session_that_does_not_come_back_leaves_after_the_grace),
		T(session_of_another_gateway_goes_on_under_its_id_and_is_newer),
		T(token_that_is_no_good_begins_a_new_session),
		T(new_token_of_the_same_user_serves_from_then_on),
		T(token_that_is_not_of_this_user_ends_the_session),
		T(one_new_token_at_a_time),
		T(silent_client_is_dead_after_75_s_and_is_never_asked),
		T(drained_client_is_told_and_has_5_s),
		T(client_that_is_told_to_go_before_it_is_welcomed_has_5_s_too),
		T(drained_client_that_went_elsewhere_leaves_under_its_old_conn_gen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
