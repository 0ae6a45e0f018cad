/* SPDX-License-Identifier: Apache-2.0 */
/* A native session in a room, from join to leave: who may enter, who is there, states, casts, and
 * what becomes of its place when its connection changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/guest.h"

#define IN "\"room\":\"submission:s1\""
#define STATE(data) "{\"type\":\"state\"," IN ",\"data\":" data "}"

/* Somebody at another gateway. */
static void come(struct gateway *g, uint64_t session, const char *user)
{
	struct item_member m = owner_member(session, user);

	owner_say_joined(g, &m);
}

/* ---- join ---- */

static void join_is_answered_by_who_is_there_oneself_too(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&bob, g, "u2", 7);
	guest_greet(&ann, g, "u1");

	guest_join(&ann, "", 7);

	guest_expect(&ann, "joined seq=7 role=editor members=u2+u1");
	guest_expect(&bob, "presence joined=u1");
}

static void who_may_not_enter_is_refused_and_the_connection_stays(void **state)
{
	static const struct {
		enum access_refusal refusal;
		const char *user, *told;
	} rows[] = {
		{ACCESS_NO_ROOM, "u1", "refused request=join code=no_room"},
		{ACCESS_DENIED, "u1", "refused request=join code=not_allowed"},
		{ACCESS_NO_SESSION, "u1", "refused request=join code=no_session"},
		{ACCESS_BROKEN, "u1", "refused request=join code=db_away retry_after_ms=500"},
		{ACCESS_GRANTED, "u2", "refused request=join code=not_allowed"},
	};
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");
	fake_skip(g->shard);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		guest_say(&ann, "{\"type\":\"join\"," IN "}");
		ann.user = rows[i].user;
		guest_answer(&ann, rows[i].refusal);
		guest_expect(&ann, rows[i].told);
	}

	assert_int_equal(ann.socket.closed_for, OK);
	assert_int_equal(fake_next(g->shard).type, 0);
	assert_true(list_is_empty(&ann.socket.session->visits));
}

static void joined_waits_until_the_owner_knows_the_session_and_the_log(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct item_member m;
	guest_greet(&ann, g, "u1");
	m = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, "");
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	lobby_pass(g, MS(50));
	guest_expect(&ann, "");

	owner_say_welcomed(g, m.session);
	lobby_pass(g, MS(50));
	guest_expect(&ann, "");
	owner_say_head(g, 7, 1);
	lobby_pass(g, MS(50));

	guest_expect(&ann, "joined seq=7 role=editor members=u1");
}

static void joined_does_not_wait_for_a_log_that_cannot_be_read(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct item_member m;
	guest_greet(&ann, g, "u1");
	m = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, "");
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	owner_say_welcomed(g, m.session);

	lobby_pass(g, MS(1950));
	guest_expect(&ann, "");
	lobby_pass(g, MS(50));

	guest_expect(&ann, "joined role=editor members=u1");
}

static void join_again_is_answered_by_the_list_and_joins_nobody_anew(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_ask(&ann, "");
	lobby_pass(g, MS(50));

	guest_expect(&ann, "joined seq=7 role=editor members=u1");
	assert_int_equal(fake_next(g->shard).type, 0);
}

static void one_join_of_a_room_at_a_time(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");
	guest_say(&ann, "{\"type\":\"join\"," IN "}");

	guest_say(&ann, "{\"type\":\"join\"," IN "}");

	guest_expect(&ann, "refused request=join code=too_fast retry_after_ms=500");
	assert_int_equal(g->waiting_count, 1);
}

static void rooms_of_a_connection_are_bounded(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	g->opt.limits_rate = 0;
	guest_greet(&ann, g, "u1");
	for (unsigned i = 0; i <= ROOMS_PER_CONNECTION; i++) {
		char text[64];

		guest_expect(&ann, "");
		snprintf(text, sizeof text, "{\"type\":\"join\",\"room\":\"document:%u\"}", i);
		guest_say(&ann, text);
	}

	guest_expect(&ann, "refused request=join code=too_many_rooms");
	assert_int_equal(g->waiting_count, ROOMS_PER_CONNECTION);
}

/* ---- presence ---- */

static void changes_are_told_together_and_not_sooner_than_20_ms_after_the_last(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7); /* told just now */

	come(g, 102, "u2");
	come(g, 103, "u3");
	lobby_pass(g, MS(20));
	guest_expect(&ann, "");
	owner_say_left(g, 102);
	come(g, 104, "u4");
	come(g, 105, "u1");
	lobby_pass(g, MS(1));

	guest_expect(&ann, "presence joined=u3+u4 changed=u1");
}

static void who_went_is_told_once_all_connections_are_gone(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	come(g, 102, "u2");
	come(g, 103, "u2");
	lobby_pass(g, MS(50));
	guest_expect(&ann, "presence joined=u2");

	owner_say_left(g, 102);
	lobby_pass(g, MS(50));
	guest_expect(&ann, "presence changed=u2");
	owner_say_left(g, 103);
	lobby_pass(g, MS(50));

	guest_expect(&ann, "presence left=u2");
}

/* ---- state ---- */

static void states_are_merged_told_to_others_and_shown_to_who_comes_later(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&ann, g, "u1", 7);
	guest_enter(&bob, g, "u2", 7);
	lobby_pass(g, MS(50));
	(void)guest_told(&ann);

	guest_say(&ann, STATE("{\"mode\":\"edit\",\"field\":\"title\"}"));
	struct msg_cast first = owner_next(g, MESSAGE_CAST).cast;
	assert_true(span_is(first.key, ROSTER_STATE_KEY));
	assert_int_equal(first.keep, 1);
	assert_true(span_is(first.body, "{\"mode\":\"edit\",\"field\":\"title\"}"));
	guest_say(&ann, STATE("{\"field\":null,\"typing\":true}"));

	assert_true(span_is(owner_next(g, MESSAGE_CAST).cast.body,
			    "{\"mode\":\"edit\",\"typing\":true}"));
	lobby_pass(g, MS(50));
	guest_expect(&bob, "presence changed=u1{\"mode\":\"edit\",\"field\":\"title\"}; "
			   "presence changed=u1{\"mode\":\"edit\",\"typing\":true}");
	guest_ask(&bob, "");
	lobby_pass(g, MS(50));
	guest_expect(&bob,
		     "joined seq=7 role=editor members=u1{\"mode\":\"edit\",\"typing\":true}+u2");
}

static void state_of_a_join_is_there_from_the_beginning(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	guest_join(&ann, ",\"state\":{\"mode\":\"edit\"}", 7);

	guest_expect(&ann, "joined seq=7 role=editor members=u1{\"mode\":\"edit\"}");
	assert_true(span_is(owner_next(g, MESSAGE_CAST).cast.body, "{\"mode\":\"edit\"}"));
}

static void state_that_grows_too_large_is_refused_and_the_old_one_stays(void **state)
{
	char text[STATE_MAX];
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	guest_say(&ann, STATE("{\"mode\":\"edit\"}"));
	fake_skip(g->shard);

	snprintf(text, sizeof text, STATE("{\"a\":\"%0*u\"}"), (int)STATE_MAX - 100, 0);
	guest_say(&ann, text);
	bool is_taken = owner_has_heard(g, MESSAGE_CAST);
	snprintf(text, sizeof text, STATE("{\"b\":\"%0*u\"}"), (int)STATE_MAX - 100, 0);
	guest_say(&ann, text);

	assert_true(is_taken);
	guest_expect(&ann, "refused request=state code=bad_field");
	assert_false(owner_has_heard(g, MESSAGE_CAST));
}

/* ---- casts ---- */

static void cast_reaches_all_others_or_one_session_or_user(void **state)
{
	static const struct {
		const char *to, *ann, *bob;
	} rows[] = {
		{"", "~cast key=k data=1 after=7", "~cast key=k data=1 after=7"},
		{"0000000500000001", "~cast key=k data=1 after=7", ""},
		{"u2", "", "~cast key=k data=1 after=7"},
		{"u", "", ""},
		{"0000000500000009", "", ""},
	};
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&ann, g, "u1", 7);
	guest_enter(&bob, g, "u2", 7);
	lobby_pass(g, MS(50));
	(void)guest_told(&ann);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		lobby_pass(g, MS(50)); /* the room is quiet again */
		owner_say_cast(g, 999, "k", rows[i].to);
		guest_expect(&ann, rows[i].ann);
		guest_expect(&bob, rows[i].bob);
	}
	lobby_pass(g, MS(50));
	owner_say_cast(g, guest_session(&ann), "k", "");
	guest_expect(&ann, "");
	guest_expect(&bob, "~cast key=k data=1 after=7");
}

static void cast_says_after_which_event_it_was_said(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	owner_say_event(g, 8, 0);
	owner_say_cast(g, 999, "k", "");

	guest_expect(&ann, "event seq=8 data=8; ~cast key=k data=1 after=8");
}

static void nothing_is_told_before_the_list(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&bob, g, "u2", 7);
	guest_greet(&ann, g, "u1");
	guest_ask(&ann, "");

	owner_say_cast(g, 999, "k", "");
	owner_say_event(g, 8, 0);
	come(g, 103, "u3");
	lobby_pass(g, MS(50));

	guest_expect(&ann, "");
	guest_expect(&bob, "~cast key=k data=1 after=7; event seq=8 data=8; presence joined=u3");
}

/* ---- read ---- */

static void page_of_the_log_is_asked_for_and_shown(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_say(&ann, "{\"type\":\"read\"," IN ",\"before\":6,\"limit\":3,"
			"\"events\":[\"a\",\"b\"]}");
	struct msg_read m = owner_next(g, MESSAGE_READ).read;
	assert_int_equal(m.before, 6);
	assert_int_equal(m.after, 0);
	assert_int_equal(m.limit, 3);
	assert_true(span_is(m.types, "a,b"));
	owner_say_page(g, m.ask, &(struct owner_page){.first = 2, .head = 7, .from = 3, .to = 5});

	guest_expect(&ann, "history events=3+4+5 first=2 head=7 more=true");
}

static void page_without_a_limit_has_the_usual_one(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_say(&ann, "{\"type\":\"read\"," IN ",\"after\":2}");

	struct msg_read m = owner_next(g, MESSAGE_READ).read;
	assert_int_equal(m.after, 2);
	assert_int_equal(m.limit, READ_LIMIT_DEFAULT);
}

static void one_page_at_a_time(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	guest_say(&ann, "{\"type\":\"read\"," IN "}");

	guest_say(&ann, "{\"type\":\"read\"," IN "}");
	guest_expect(&ann, "refused request=read code=too_fast retry_after_ms=500");
	struct msg_read m = owner_next(g, MESSAGE_READ).read;
	owner_say_page(g, m.ask, &(struct owner_page){.code = ERR_DB_REFUSED});
	guest_expect(&ann, "refused request=read code=db_refused");
	guest_say(&ann, "{\"type\":\"read\"," IN "}");

	guest_expect(&ann, "");
	assert_int_not_equal(owner_next(g, MESSAGE_READ).read.ask, m.ask);
}

/* ---- out ---- */

static void kicked_client_is_told_and_leaves_that_room_alone(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&ann, g, "u1", 7);
	guest_enter(&bob, g, "u2", 7);
	lobby_pass(g, MS(50));
	(void)guest_told(&ann);

	owner_say_kicked(g, "u1");
	owner_say_event(g, 8, 0); /* it is out already */
	lobby_pass(g, MS(50));

	guest_expect(&ann, "left code=kicked");
	guest_expect(&bob, "event seq=8 data=8");
	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.session, guest_session(&ann));
	assert_int_equal(ann.socket.closed_for, OK);
}

/* It may come back, as one who comes. */
static void kick_is_not_undone_by_a_join_in_the_same_moment(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	owner_say_kicked(g, "u1");
	guest_ask(&ann, "");

	guest_expect(&ann, "left code=kicked");
	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.session, guest_session(&ann));
	assert_true(owner_has_heard(g, MESSAGE_ATTACH));
}

/* Whether it waits for its right to be there, or for the list. */
static void kick_is_not_undone_by_a_join_that_is_under_way(void **state)
{
	struct gateway *g = *state;

	for (unsigned granted = 0; granted < 2; granted++) {
		struct guest ann;
		guest_enter(&ann, g, "u1", 7); /* told just now */
		guest_say(&ann, "{\"type\":\"join\"," IN "}");
		if (granted)
			guest_answer(&ann, ACCESS_GRANTED);

		owner_say_kicked(g, "u1");
		if (!granted)
			guest_answer(&ann, ACCESS_GRANTED);
		g->now_ns += MS(50); /* the turn in which the list is due, before the tick */
		lobby_flush(g);
		lobby_pass(g, 0);

		guest_expect(&ann, "left code=kicked");
		assert_true(owner_has_heard(g, MESSAGE_LEAVE));
		lobby_closed(g, ann.socket.session, 1000);
	}
}

static void kick_is_not_undone_by_another_connection_in_the_same_moment(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7);

	owner_say_kicked(g, "u1");
	guest_come_back(&again, &ann);
	lobby_flush(g);

	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.session, guest_session(&again));
	guest_join(&again, "", 7);
	guest_expect(&again, "joined seq=7 role=editor members=u1");
}

static void right_that_was_taken_away_ends_the_visit_and_not_the_session(void **state)
{
	static const struct {
		enum access_refusal refusal;
		const char *told;
		enum err closed_for;
	} rows[] = {
		{ACCESS_DENIED, "left code=revoked", OK},
		{ACCESS_NO_ROOM, "left code=no_room", OK},
		{ACCESS_NO_SESSION, "error code=no_session", ERR_NO_SESSION},
		{ACCESS_BROKEN, "", OK},
	};
	struct gateway *g = *state;
	g->remembers = false;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest ann;
		guest_enter(&ann, g, "u1", 7);

		session_set_recheck(g->sessions);
		guest_answer(&ann, rows[i].refusal);

		guest_expect(&ann, rows[i].told);
		assert_int_equal(ann.socket.closed_for, rows[i].closed_for);
		lobby_closed(g, ann.socket.session, 1000);
	}
}

/* ---- another connection ---- */

static void room_is_kept_for_who_comes_back_and_nobody_is_told(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again, bob;
	struct item_member m;
	guest_enter(&ann, g, "u1", 7);
	guest_enter(&bob, g, "u2", 7);
	guest_come_back(&again, &ann);

	guest_ask(&again, "");
	struct msg_join join = owner_next(g, MESSAGE_JOIN).join;
	assert_true(item_next_member(&join.members, &m));
	assert_int_equal(m.session, guest_session(&again));
	assert_int_equal(m.conn_gen, 2);
	lobby_pass(g, MS(50));
	guest_expect(&again, ""); /* the owner has yet to say that it knows */
	m = owner_member(guest_session(&again), "u1");
	m.conn_gen = 2;
	owner_say_joined(g, &m);
	lobby_pass(g, MS(50));
	lobby_pass(g, MS(50));

	guest_expect(&again, "joined seq=7 role=editor members=u1+u2");
	guest_expect(&bob, "presence changed=u1");
	assert_false(owner_has_heard(g, MESSAGE_LEAVE));
}

static void room_that_is_not_joined_again_is_silent_and_left_after_the_grace(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7);
	guest_come_back(&again, &ann);

	owner_say_event(g, 8, 0);
	owner_say_cast(g, 999, "k", "");
	come(g, 102, "u2");
	lobby_pass(g, MS(9900));
	bool early = owner_has_heard(g, MESSAGE_LEAVE);
	lobby_pass(g, MS(200));

	guest_expect(&again, "");
	assert_false(early);
	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.session, guest_session(&again));
	assert_int_equal(again.socket.closed_for, OK);
}

static void join_that_was_asked_over_the_old_connection_is_asked_again(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_greet(&ann, g, "u1");
	guest_say(&ann, "{\"type\":\"join\"," IN "}");

	guest_come_back(&again, &ann);

	assert_int_equal(g->waiting_count, 0);
	guest_join(&again, "", 7);
	guest_expect(&again, "joined seq=7 role=editor members=u1");
}

static void right_that_is_granted_while_the_connection_is_lost_holds_the_place(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_greet(&ann, g, "u1");
	guest_say(&ann, "{\"type\":\"join\"," IN "}");
	guest_lose(&ann);

	guest_answer(&ann, ACCESS_GRANTED);
	assert_true(owner_has_heard(g, MESSAGE_ATTACH));
	guest_open(&again, g, "u1");
	guest_hello(&again, ann.resume);
	(void)guest_told(&again);
	guest_join(&again, "", 7);
	lobby_pass(g, MS(50));

	guest_expect(&again, "joined seq=7 role=editor members=u1");
	assert_false(owner_has_heard(g, MESSAGE_LEAVE));
}

static void list_that_was_due_over_the_old_connection_is_not_told_over_the_new_one(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7); /* told just now */
	guest_ask(&ann, "");

	guest_come_back(&again, &ann);
	lobby_pass(g, MS(50));

	guest_expect(&again, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(join_is_answered_by_who_is_there_oneself_too),
		T(who_may_not_enter_is_refused_and_the_connection_stays),
		T(joined_waits_until_the_owner_knows_the_session_and_the_log),
		T(joined_does_not_wait_for_a_log_that_cannot_be_read),
		T(join_again_is_answered_by_the_list_and_joins_nobody_anew),
		T(one_join_of_a_room_at_a_time),
		T(rooms_of_a_connection_are_bounded),
		T(changes_are_told_together_and_not_sooner_than_20_ms_after_the_last),
		T(who_went_is_told_once_all_connections_are_gone),
		T(states_are_merged_told_to_others_and_shown_to_who_comes_later),
		T(state_of_a_join_is_there_from_the_beginning),
		T(state_that_grows_too_large_is_refused_and_the_old_one_stays),
		T(cast_reaches_all_others_or_one_session_or_user),
		T(cast_says_after_which_event_it_was_said),
		T(nothing_is_told_before_the_list),
		T(page_of_the_log_is_asked_for_and_shown),
		T(page_without_a_limit_has_the_usual_one),
		T(one_page_at_a_time),
		T(kicked_client_is_told_and_leaves_that_room_alone),
		T(kick_is_not_undone_by_a_join_in_the_same_moment),
		T(kick_is_not_undone_by_a_join_that_is_under_way),
		T(kick_is_not_undone_by_another_connection_in_the_same_moment),
		T(right_that_was_taken_away_ends_the_visit_and_not_the_session),
		T(room_is_kept_for_who_comes_back_and_nobody_is_told),
		T(room_that_is_not_joined_again_is_silent_and_left_after_the_grace),
		T(join_that_was_asked_over_the_old_connection_is_asked_again),
		T(right_that_is_granted_while_the_connection_is_lost_holds_the_place),
		T(list_that_was_due_over_the_old_connection_is_not_told_over_the_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
