/* SPDX-License-Identifier: Apache-2.0 */
/* What a native client may say and when; what a cast means to the owner of the room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/bridge.h"
#include "tests/lib/guest.h"

#define IN "\"room\":\"submission:s1\""
#define ELSEWHERE "\"room\":\"document:d1\""

static void each_bad_message_has_one_refusal_and_the_connection_stays(void **state)
{
	static const struct {
		const char *said, *told;
	} rows[] = {
		{"{", "refused code=bad_json"},
		{"[]", "refused code=bad_type"},
		{"{\"type\":\"dance\"}", "refused code=bad_type"},
		{"{\"type\":\"hello\",\"token\":\"x\"}", "refused request=hello code=bad_type"},
		{"{\"type\":\"publish\"," IN ",\"n\":\"x\",\"event\":\"a\",\"data\":1}",
		 "refused request=publish code=bad_field"},
		{"{\"type\":\"publish\"," IN ",\"n\":9,\"data\":1}",
		 "refused request=publish n=9 code=bad_field"},
		{"{\"type\":\"join\",\"room\":\"planet:mars\"}",
		 "refused request=join code=bad_field"},
		{"{\"type\":\"read\"," IN ",\"limit\":501}", "refused request=read code=bad_field"},
	};
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		guest_say(&ann, rows[i].said);
		guest_expect(&ann, rows[i].told);
	}
	session_on_bad(ann.socket.session, ERR_BINARY);
	guest_expect(&ann, "refused code=binary");

	guest_say(&ann, "{\"type\":\"ping\"}");
	guest_expect(&ann, "pong");
	assert_int_equal(ann.socket.closed_for, OK);
	assert_int_equal(fake_next(g->shard).type, 0);
}

static void room_that_is_not_joined_is_refused(void **state)
{
	static const struct {
		const char *said, *told;
	} rows[] = {
		{"{\"type\":\"publish\"," ELSEWHERE ",\"n\":1,\"event\":\"a\",\"data\":1}",
		 "refused request=publish n=1 code=not_joined"},
		{"{\"type\":\"cast\"," ELSEWHERE ",\"key\":\"a\",\"data\":1}",
		 "refused request=cast code=not_joined"},
		{"{\"type\":\"state\"," ELSEWHERE ",\"data\":{}}",
		 "refused request=state code=not_joined"},
		{"{\"type\":\"read\"," ELSEWHERE "}", "refused request=read code=not_joined"},
		{"{\"type\":\"leave\"," ELSEWHERE "}", "refused request=leave code=not_joined"},
	};
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		guest_say(&ann, rows[i].said);
		guest_expect(&ann, rows[i].told);
	}

	assert_int_equal(fake_next(g->shard).type, 0);
}

/* Nothing may be said in a room before `joined`, nor while a second join is under way. */
static void room_that_is_being_joined_is_not_joined(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");
	guest_ask(&ann, "");

	guest_say(&ann, "{\"type\":\"publish\"," IN ",\"n\":1,\"event\":\"a\",\"data\":1}");
	guest_say(&ann, "{\"type\":\"cast\"," IN ",\"key\":\"a\",\"data\":1}");

	guest_expect(&ann, "refused request=publish n=1 code=not_joined; "
			   "refused request=cast code=not_joined");
}

static void leave_is_answered_and_told_to_the_owner(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_say(&ann, "{\"type\":\"leave\"," IN "}");
	guest_say(&ann, "{\"type\":\"leave\"," IN "}");

	guest_expect(&ann, "left; refused request=leave code=not_joined");
	assert_int_equal(owner_next(g, MESSAGE_LEAVE).leave.session, guest_session(&ann));
	assert_int_equal(ann.socket.closed_for, OK);
}

static void cast_goes_to_the_owner_as_it_was_said(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	guest_say(&ann, "{\"type\":\"cast\"," IN ",\"key\":\"pointer\",\"data\":{ \"x\": 1.0 },"
			"\"to\":\"u2\"}");

	struct msg_cast m = owner_next(g, MESSAGE_CAST).cast;
	assert_int_equal(m.session, guest_session(&ann));
	assert_int_equal(m.shape, SHAPE_DATA);
	assert_int_equal(m.keep, 0);
	assert_true(span_is(m.key, "pointer"));
	assert_true(span_is(m.type, "pointer"));
	assert_true(span_is(m.body, "{ \"x\": 1.0 }"));
	assert_true(span_is(m.to, "u2"));
	guest_expect(&ann, "");
}

static void cast_that_v0_knows_is_one_of_v0(void **state)
{
	static const struct {
		const char *type, *key;
		unsigned keep;
	} rows[] = {
		{"text_operation", "", 0},
		{"typing_start", "typing", 1},
		{"typing_stop", "typing", 2},
		{"cursor_position", "cursor", 1},
	};
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[128], body[128];

		snprintf(text, sizeof text,
			 "{\"type\":\"cast\"," IN ",\"key\":\"%s\",\"data\":[1]}", rows[i].type);
		snprintf(body, sizeof body,
			 "{\"type\":\"%s\",\"submissionId\":\"s1\",\"userId\":\"u1\",",
			 rows[i].type);
		guest_say(&ann, text);

		struct msg_cast m = owner_next(g, MESSAGE_CAST).cast;
		assert_int_equal(m.shape, SHAPE_V0);
		assert_int_equal(m.keep, rows[i].keep);
		assert_true(span_is(m.key, rows[i].key));
		assert_true(span_is(m.type, rows[i].type));
		assert_true(span_starts(m.body, body));
		assert_true(span_is(bridge_data(m.body), "[1]"));
	}
}

/* What only servers and applications say in v0 is a cast of that name, and no v0 message. */
static void cast_cannot_be_taken_for_a_v0_server(void **state)
{
	static const char *const types[] = {"user_left", "comment_added", "ping", "error"};
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		char text[128];

		snprintf(text, sizeof text, "{\"type\":\"cast\"," IN ",\"key\":\"%s\",\"data\":1}",
			 types[i]);
		guest_say(&ann, text);
		assert_int_equal(owner_next(g, MESSAGE_CAST).cast.shape, SHAPE_DATA);
	}
}

/* As in v0: pointing is looking. */
static void viewer_may_point_and_not_write(void **state)
{
	struct gateway *g = *state;
	struct user *who = user_new(SPAN("u1"), SPAN_NONE, SPAN_NONE);
	struct guest eve;
	guest_enter(&eve, g, "u1", 7);
	guest_say(&eve, "{\"type\":\"join\"," IN "}");
	lobby_answer(g, &(struct access_answer){.user = who, .role = SPAN("viewer")});
	user_free(&who);
	lobby_pass(g, MS(50));
	guest_expect(&eve, "joined seq=7 role=viewer members=u1");

	guest_say(&eve, "{\"type\":\"cast\"," IN ",\"key\":\"content_updated\",\"data\":1}");
	guest_say(&eve, "{\"type\":\"publish\"," IN ",\"n\":1,\"event\":\"a\",\"data\":1}");
	guest_say(&eve, "{\"type\":\"cast\"," IN ",\"key\":\"cursor_position\",\"data\":1}");

	guest_expect(&eve, "refused request=cast code=read_only; "
			   "refused request=publish n=1 code=read_only");
	assert_true(span_is(owner_next(g, MESSAGE_CAST).cast.key, "cursor"));
	assert_int_equal(fake_next(g->shard).type, 0);
}

static void every_publish_over_the_rate_is_refused_the_rest_once_a_second(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	lobby_pass(g, SECONDS(2));
	for (unsigned i = 0; i < 20; i++)
		guest_say(&ann, "{\"type\":\"cast\"," IN ",\"key\":\"a\",\"data\":1}");
	guest_expect(&ann, "");

	guest_say(&ann, "{\"type\":\"ping\"}");
	guest_say(&ann, "{\"type\":\"ping\"}");
	guest_say(&ann, "{\"type\":\"publish\"," IN ",\"n\":1,\"event\":\"a\",\"data\":1}");
	guest_say(&ann, "{\"type\":\"publish\"," IN ",\"n\":2,\"event\":\"a\",\"data\":1}");

	guest_expect(&ann, "refused request=ping code=too_fast retry_after_ms=1000; "
			   "refused request=publish n=1 code=too_fast retry_after_ms=1000; "
			   "refused request=publish n=2 code=too_fast retry_after_ms=1000");
	assert_false(owner_has_heard(g, MESSAGE_PUBLISH));
	assert_int_equal(ann.socket.closed_for, OK);
}

static void who_is_too_fast_before_welcome_is_closed(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_open(&ann, g, "u1");
	ann.socket.session->rate.paid_ns = g->now_ns + SECONDS(2);

	guest_say(&ann, "{\"type\":\"hello\",\"token\":\"t\"}");

	guest_expect(&ann, "error code=too_fast");
	assert_int_equal(ann.socket.closed_for, ERR_TOO_FAST);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(each_bad_message_has_one_refusal_and_the_connection_stays),
		T(room_that_is_not_joined_is_refused),
		T(room_that_is_being_joined_is_not_joined),
		T(leave_is_answered_and_told_to_the_owner),
		T(cast_goes_to_the_owner_as_it_was_said),
		T(cast_that_v0_knows_is_one_of_v0),
		T(cast_cannot_be_taken_for_a_v0_server),
		T(viewer_may_point_and_not_write),
		T(every_publish_over_the_rate_is_refused_the_rest_once_a_second),
		T(who_is_too_fast_before_welcome_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
