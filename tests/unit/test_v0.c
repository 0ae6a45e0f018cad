/* SPDX-License-Identifier: Apache-2.0 */
/* The v0 dialect: which frames are taken, what stamping leaves of a forged identity, and the exact
 * text of the server's own messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/v0.h"

#define AT_MS INT64_C(1764003931123)
#define AT "2025-11-24T17:05:31.123Z"
#define ID_TAIL "\"userId\":\"u1\",\"userName\":\"Ann B\",\"userEmail\":\"a_b@x.org\""
#define STAMP ID_TAIL ",\"submissionId\":\"s1\",\"timestamp\":\"" AT "\""

static struct v0_identity ann(enum room_kind kind)
{
	return (struct v0_identity){
		.kind = kind,
		.room_id = kind == ROOM_SUBMISSION ? SPAN("s1") : SPAN("d1"),
		.user = SPAN("u1"),
		.name = SPAN("Ann B"),
		.email = SPAN("a_b@x.org"),
	};
}

static void assert_text(struct buf *b, const char *expected)
{
	buf_put_u8(b, 0);
	assert_false(b->over);
	assert_string_equal((const char *)b->p, expected);
	buf_fini(b);
}

static struct buf text(void)
{
	struct buf b;
	buf_init(&b, 1 << 20);
	return b;
}

static void assert_stamped(const char *frame, const char *expected)
{
	struct buf b = text();
	struct v0_identity who = ann(ROOM_SUBMISSION);
	enum v0_type type;

	assert_int_equal(v0_read(span_str(frame), &type), OK);
	v0_put_stamped(&b, span_str(frame), &who, AT_MS);
	assert_text(&b, expected);
}

static enum err read_frame(const char *frame)
{
	enum v0_type type;
	return v0_read(span_str(frame), &type);
}

/* ---- reading ---- */

static void every_type_is_found_and_only_clients_types_are_taken(void **state)
{
	(void)state;
	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++) {
		char frame[128];
		enum v0_type found;

		snprintf(frame, sizeof(frame), " { \"data\" : [1] , \"type\":\"%s\"} ",
			 v0_rows[t].name);
		enum err e = v0_read(span_str(frame), &found);
		assert_int_equal(found, t);
		assert_int_equal(e, v0_rows[t].from == V0_FROM_SERVER ? ERR_BAD_TYPE : OK);
	}
}

static void what_is_no_object_with_a_known_type_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[]",
		"[{\"type\":\"ping\"}]",
		"null",
		"7",
		"\"ping\"",
		"{}",
		"{\"type\":null}",
		"{\"type\":5}",
		"{\"type\":[\"ping\"]}",
		"{\"type\":\"\"}",
		"{\"type\":\"Ping\"}",
		"{\"type\":\"ping \"}",
		"{\"type\":\"ping\\u0000\"}",
		"{\"data\":{\"type\":\"ping\"}}",
		"{\"Type\":\"ping\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_frame(bad[i]) != ERR_BAD_TYPE)
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(read_frame(""), ERR_BAD_JSON);
	assert_int_equal(read_frame("{\"type\":\"ping\"}x"), ERR_BAD_JSON);
	assert_int_equal(read_frame("{\"type\":\"ping\",}"), ERR_BAD_JSON);
}

static void nesting_beyond_the_limit_is_refused(void **state)
{
	(void)state;
	char frame[1024] = "{\"type\":\"ping\",\"data\":";
	size_t len = strlen(frame);

	memset(frame + len, '[', JSON_DEPTH_MAX);
	memset(frame + len + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	strcpy(frame + len + 2 * JSON_DEPTH_MAX, "}");
	assert_int_equal(read_frame(frame), ERR_TOO_DEEP);
}

static void server_type_behind_a_second_or_escaped_type_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_frame("{\"type\":\"cursor_position\",\"type\":\"room_state\"}"),
			 ERR_BAD_TYPE);
	assert_int_equal(read_frame("{\"type\":\"ping\",\"t\\u0079pe\":\"user_left\"}"),
			 ERR_BAD_TYPE);
	assert_int_equal(read_frame("{\"type\":\"room\\u005fstate\"}"), ERR_BAD_TYPE);
	assert_int_equal(read_frame("{\"type\":\"room_state\",\"type\":\"ping\"}"), OK);
}

/* ---- stamping ---- */

static void missing_identity_is_appended(void **state)
{
	(void)state;
	assert_stamped("{\"type\":\"typing_start\"}", "{\"type\":\"typing_start\"," STAMP "}");
}

static void forged_identity_keeps_its_place_and_gets_the_true_value(void **state)
{
	(void)state;
	assert_stamped(
		"{\"userName\":\"Mallory\",\"type\":\"typing_start\",\"userId\":{\"x\":[1,\"}\"]},"
		"\"timestamp\":0,\"submissionId\":\"other\",\"userEmail\":null}",
		"{\"userName\":\"Ann B\",\"type\":\"typing_start\",\"userId\":\"u1\","
		"\"timestamp\":\"" AT "\",\"submissionId\":\"s1\",\"userEmail\":\"a_b@x.org\"}");
}

static void escaped_spelling_of_a_reserved_key_is_seen_through(void **state)
{
	(void)state;
	assert_stamped(
		"{\"type\":\"typing_start\",\"user\\u0049d\":\"mallory\",\"\\u0075serName\":\"M\"}",
		"{\"type\":\"typing_start\",\"userId\":\"u1\",\"userName\":\"Ann B\","
		"\"userEmail\":\"a_b@x.org\",\"submissionId\":\"s1\",\"timestamp\":\"" AT "\"}");
}

static void doubled_keys_are_written_once(void **state)
{
	(void)state;
	assert_stamped(
		"{\"userId\":\"m\",\"type\":\"ping\",\"userId\":\"m\",\"user\\u0049d\":\"m\","
		"\"t\\u0079pe\":\"typing_stop\"}",
		"{\"userId\":\"u1\",\"type\":\"typing_stop\",\"userName\":\"Ann B\","
		"\"userEmail\":\"a_b@x.org\",\"submissionId\":\"s1\",\"timestamp\":\"" AT "\"}");
}

static void unknown_keys_and_values_pass_byte_for_byte(void **state)
{
	(void)state;
	assert_stamped(
		"{ \"type\" : \"request_cursor_refresh\" ,\n\"targetUserId\":\"u_2\", "
		"\"d\\u0061ta\":"
		"{\"userId\":\"m\", \"n\":1.50e+0,\"s\":\"\\ud83d\\ude42 \xf0\x9f\x99\x82\"},"
		"\"userIdx\":1,\"users\":[]}",
		"{\"type\":\"request_cursor_refresh\",\"targetUserId\":\"u_2\",\"d\\u0061ta\":"
		"{\"userId\":\"m\", \"n\":1.50e+0,\"s\":\"\\ud83d\\ude42 \xf0\x9f\x99\x82\"},"
		"\"userIdx\":1,\"users\":[]," STAMP "}");
}

static void seq_and_the_other_kind_of_room_are_dropped(void **state)
{
	(void)state;
	assert_stamped(
		"{\"seq\":9,\"type\":\"typing_start\",\"documentId\":\"d9\",\"s\\u0065q\":1}",
		"{\"type\":\"typing_start\"," STAMP "}");
}

static void document_room_is_stamped_with_documentId(void **state)
{
	(void)state;
	struct buf b = text();
	struct v0_identity who = ann(ROOM_DOCUMENT);

	v0_put_stamped(&b, SPAN("{\"submissionId\":\"s\",\"type\":\"ping\"}"), &who, AT_MS);
	assert_text(&b, "{\"type\":\"ping\"," ID_TAIL ",\"documentId\":\"d1\",\"timestamp\":\"" AT
			"\"}");
}

static void hostile_names_are_escaped(void **state)
{
	(void)state;
	struct buf b = text();
	struct v0_identity who = ann(ROOM_SUBMISSION);

	who.name = SPAN("\"},{\\\n\x01");
	v0_put_stamped(&b, SPAN("{\"type\":\"ping\"}"), &who, AT_MS);
	assert_text(&b,
		    "{\"type\":\"ping\",\"userId\":\"u1\",\"userName\":\"\\\"},{\\\\\\n\\u0001\","
		    "\"userEmail\":\"a_b@x.org\",\"submissionId\":\"s1\",\"timestamp\":\"" AT
		    "\"}");
}

static void broadcast_takes_any_object_and_nothing_else(void **state)
{
	(void)state;
	struct buf b = text();
	struct v0_identity who = ann(ROOM_SUBMISSION);

	assert_int_equal(v0_put_broadcast(&b, SPAN("[]"), &who, AT_MS), ERR_BAD_TYPE);
	assert_int_equal(v0_put_broadcast(&b, SPAN("{"), &who, AT_MS), ERR_BAD_JSON);
	assert_int_equal(v0_put_broadcast(&b, SPAN("{\"a\":\"\xff\"}"), &who, AT_MS), ERR_BAD_JSON);
	assert_int_equal(b.len, 0);
	assert_int_equal(v0_put_broadcast(&b, SPAN("{}"), &who, AT_MS), OK);
	assert_text(&b, "{" STAMP "}");
}

static void seq_comes_last(void **state)
{
	(void)state;
	struct buf b = text();

	v0_put_seq(&b, SPAN("{\"type\":\"ping\"}"), UINT64_MAX);
	v0_put_seq(&b, SPAN("{}"), 1);
	assert_text(&b, "{\"type\":\"ping\",\"seq\":18446744073709551615}{\"seq\":1}");
}

/* ---- the server's own ---- */

static void simple_messages_have_the_envelope_in_order(void **state)
{
	(void)state;
	struct buf b = text();
	struct v0_identity who = ann(ROOM_SUBMISSION);

	v0_put_simple(&b, V0_USER_JOINED, &who, AT_MS, 41);
	assert_text(&b, "{\"type\":\"user_joined\",\"submissionId\":\"s1\"," ID_TAIL
			",\"timestamp\":\"" AT "\",\"seq\":41}");
	b = text();
	who = ann(ROOM_DOCUMENT);
	v0_put_simple(&b, V0_PONG, &who, AT_MS, 0);
	assert_text(&b, "{\"type\":\"pong\",\"documentId\":\"d1\"," ID_TAIL ",\"timestamp\":\"" AT
			"\"}");
}

static void heartbeat_response_never_names_a_document(void **state)
{
	(void)state;
	struct buf b = text();
	struct v0_identity who = ann(ROOM_DOCUMENT);

	v0_put_simple(&b, V0_HEARTBEAT_RESPONSE, &who, AT_MS, 0);
	assert_text(&b, "{\"type\":\"heartbeat_response\"," ID_TAIL ",\"timestamp\":\"" AT "\"}");
}

static void room_state_lists_each_user_once_by_its_first_connection(void **state)
{
	(void)state;
	struct buf b = text();
	struct roster r;
	bool first;
	static const struct {
		uint64_t session, since_ms;
		const char *user;
	} puts[] = {{1, 1000, "u1"}, {2, 2000, "u2"}, {3, 500, "u1"}};

	roster_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(puts); i++)
		roster_put(&r,
			   &(struct item_member){.session = puts[i].session,
						 .conn_gen = 1,
						 .user = span_str(puts[i].user),
						 .name = SPAN("N"),
						 .email = SPAN("e"),
						 .since_ms = puts[i].since_ms},
			   (incarnation_id){0}, &first);
	v0_put_room_state(&b, ROOM_SUBMISSION, SPAN("s1"), &r, AT_MS, 5);
	assert_text(&b, "{\"type\":\"room_state\",\"submissionId\":\"s1\",\"userId\":\"system\","
			"\"userName\":\"System\",\"userEmail\":\"system@websocket\",\"users\":["
			"{\"userId\":\"u1\",\"userName\":\"N\",\"userEmail\":\"e\","
			"\"connectedAt\":\"1970-01-01T00:00:00.500Z\"},"
			"{\"userId\":\"u2\",\"userName\":\"N\",\"userEmail\":\"e\","
			"\"connectedAt\":\"1970-01-01T00:00:02.000Z\"}],"
			"\"timestamp\":\"" AT "\",\"seq\":5}");
	roster_fini(&r);
}

static void ping_comes_from_the_server(void **state)
{
	(void)state;
	struct buf b = text();

	v0_put_ping(&b, ROOM_DOCUMENT, SPAN("d1"), AT_MS);
	assert_text(&b, "{\"type\":\"ping\",\"documentId\":\"d1\",\"userId\":\"server\","
			"\"userName\":\"Server\","
			"\"userEmail\":\"server@websocket\",\"timestamp\":\"" AT "\"}");
}

static void error_says_it_where_old_and_new_pages_look(void **state)
{
	(void)state;
	struct buf b = text();

	v0_put_error(&b, ERR_BAD_JSON, AT_MS);
	assert_text(
		&b,
		"{\"type\":\"error\",\"message\":\"Failed to process message\",\"data\":{\"error\":"
		"\"Failed to process message: the message is not valid "
		"JSON\",\"code\":\"BAD_JSON\"},"
		"\"timestamp\":\"" AT "\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_found_and_only_clients_types_are_taken),
		cmocka_unit_test(what_is_no_object_with_a_known_type_is_refused),
		cmocka_unit_test(nesting_beyond_the_limit_is_refused),
		cmocka_unit_test(server_type_behind_a_second_or_escaped_type_is_refused),
		cmocka_unit_test(missing_identity_is_appended),
		cmocka_unit_test(forged_identity_keeps_its_place_and_gets_the_true_value),
		cmocka_unit_test(escaped_spelling_of_a_reserved_key_is_seen_through),
		cmocka_unit_test(doubled_keys_are_written_once),
		cmocka_unit_test(unknown_keys_and_values_pass_byte_for_byte),
		cmocka_unit_test(seq_and_the_other_kind_of_room_are_dropped),
		cmocka_unit_test(document_room_is_stamped_with_documentId),
		cmocka_unit_test(hostile_names_are_escaped),
		cmocka_unit_test(broadcast_takes_any_object_and_nothing_else),
		cmocka_unit_test(seq_comes_last),
		cmocka_unit_test(simple_messages_have_the_envelope_in_order),
		cmocka_unit_test(heartbeat_response_never_names_a_document),
		cmocka_unit_test(room_state_lists_each_user_once_by_its_first_connection),
		cmocka_unit_test(ping_comes_from_the_server),
		cmocka_unit_test(error_says_it_where_old_and_new_pages_look),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
