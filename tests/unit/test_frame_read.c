/* SPDX-License-Identifier: Apache-2.0 */
/* What native clients say: every row is read, and each thing that a field may not be is refused by
 * that field's name, with what a refusal has to name filled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/frame.h"

#define ROOM "submission:s-1"

static struct buf scratch;

static struct frame read_good(const char *text)
{
	struct frame f;
	enum err e = frame_read(span_str(text), &scratch, &f);

	if (e != OK)
		fail_msg("%s: %s (%s)", err_name(e), text, f.wrong ? f.wrong : "");
	return f;
}

static struct frame read_bad(const char *text, enum err expected)
{
	struct frame f;
	enum err e = frame_read(span_str(text), &scratch, &f);

	if (e != expected)
		fail_msg("%s instead of %s: %s", err_name(e), err_name(expected), text);
	return f;
}

static void assert_wrong(const char *text, const char *field)
{
	struct frame f = read_bad(text, ERR_BAD_FIELD);

	if (!f.wrong || strcmp(f.wrong, field) != 0)
		fail_msg("%s instead of %s is wrong: %s", f.wrong ? f.wrong : "nothing", field,
			 text);
}

static void assert_span(struct span s, const char *expected)
{
	if (!span_is(s, expected))
		fail_msg("\"%.*s\" instead of \"%s\"", SPAN_ARGS(s), expected);
}

/* `before`, then `count` times `c`, then `after`. */
static const char *stretched(const char *before, char c, size_t count, const char *after)
{
	static char text[1 << 16];
	size_t len = strlen(before);

	assert_true(len + count + strlen(after) < sizeof(text));
	memcpy(text, before, len);
	memset(text + len, c, count);
	strcpy(text + len + count, after);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	buf_init(&scratch, FRAME_SCRATCH_BYTES);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&scratch);
	return 0;
}

/* ---- every row ---- */

static void hello_has_a_token_and_perhaps_what_it_resumes(void **state)
{
	(void)state;
	struct frame f = read_good("{\"type\":\"hello\",\"token\":\"t 1\"}");
	assert_int_equal(f.type, FRAME_HELLO);
	assert_span(f.hello.token, "t 1");
	assert_int_equal(f.hello.resume.len, 0);

	f = read_good("{\"resume\":\"r.1\",\"type\":\"hello\",\"token\":\"t\\\"\\u00e9\"}");
	assert_span(f.hello.token, "t\"\xc3\xa9");
	assert_span(f.hello.resume, "r.1");
}

static void join_tells_since_0_from_no_since(void **state)
{
	(void)state;
	struct frame f = read_good("{\"type\":\"join\",\"room\":\"" ROOM "\"}");
	assert_int_equal(f.type, FRAME_JOIN);
	assert_span(f.join.room, ROOM);
	assert_span(f.room, ROOM);
	assert_false(f.join.since.is_given);
	assert_int_equal(f.join.state.len, 0);

	f = read_good(
		"{\"type\":\"join\",\"room\":\"document:d\\/1\",\"since\":0,\"state\":{ \"a\":1}}");
	assert_span(f.join.room, "document:d/1");
	assert_true(f.join.since.is_given);
	assert_int_equal(f.join.since.v, 0);
	assert_span(f.join.state, "{ \"a\":1}");
}

static void publish_passes_its_data_on_byte_for_byte(void **state)
{
	(void)state;
	struct frame f =
		read_good("{\"type\":\"publish\",\"room\":\"" ROOM "\",\"n\":9007199254740991,"
			  "\"event\":\"comment_added\",\"data\": { \"x\" : 1.50e+0 } ,\"base\":0}");
	assert_int_equal(f.type, FRAME_PUBLISH);
	assert_int_equal(f.publish.n, FRAME_NUMBER_MAX);
	assert_int_equal(f.n, FRAME_NUMBER_MAX);
	assert_span(f.publish.event, "comment_added");
	assert_span(f.publish.data, "{ \"x\" : 1.50e+0 }");
	assert_true(f.publish.base.is_given);
	assert_int_equal(f.field.len, 0);

	f = read_good("{\"type\":\"publish\",\"room\":\"" ROOM
		      "\",\"n\":1,\"event\":\"a\",\"data\":null}");
	assert_span(f.publish.data, "null");
	assert_false(f.publish.base.is_given);
}

static void cast_has_a_key_and_perhaps_one_receiver(void **state)
{
	(void)state;
	struct frame f = read_good("{\"type\":\"cast\",\"room\":\"" ROOM
				   "\",\"key\":\"cursor\",\"data\":[1, 2],\"to\":\"a@x.org\"}");
	assert_int_equal(f.type, FRAME_CAST);
	assert_span(f.cast.key, "cursor");
	assert_span(f.cast.data, "[1, 2]");
	assert_span(f.cast.to, "a@x.org");
}

static void read_has_its_page_and_its_names_with_commas(void **state)
{
	(void)state;
	struct frame f =
		read_good("{\"type\":\"read\",\"room\":\"" ROOM "\",\"after\":7,\"limit\":500,"
			  "\"events\":[ \"a.b\" , \"c\\u003ad\",\"e\"]}");
	assert_int_equal(f.type, FRAME_READ);
	assert_true(f.read.after.is_given);
	assert_int_equal(f.read.after.v, 7);
	assert_false(f.read.before.is_given);
	assert_int_equal(f.read.limit.v, 500);
	assert_span(f.read.events, "a.b,c:d,e");
	assert_span(f.read.room, ROOM);

	f = read_good("{\"type\":\"read\",\"room\":\"" ROOM "\",\"before\":1}");
	assert_true(f.read.before.is_given);
	assert_int_equal(f.read.events.len, 0);
}

static void the_small_ones_are_read(void **state)
{
	(void)state;
	struct frame f = read_good("{\"type\":\"leave\",\"room\":\"" ROOM "\"}");
	assert_int_equal(f.type, FRAME_LEAVE);
	assert_span(f.leave.room, ROOM);

	f = read_good("{\"type\":\"state\",\"room\":\"" ROOM "\",\"data\":{}}");
	assert_int_equal(f.type, FRAME_STATE);
	assert_span(f.state.data, "{}");

	f = read_good("{\"type\":\"auth\",\"token\":\"t\"}");
	assert_int_equal(f.type, FRAME_AUTH);
	assert_span(f.auth.token, "t");

	assert_int_equal(read_good(" { \"type\" : \"p\\u0069ng\" } ").type, FRAME_PING);
}

static void the_table_says_where_each_message_belongs(void **state)
{
	(void)state;
	for (enum frame_type t = FRAME_UNKNOWN + 1; t < FRAME_TYPES; t++) {
		enum frame_where expected = t == FRAME_HELLO ? FRAME_FIRST : FRAME_JOINED;

		if (t == FRAME_JOIN || t == FRAME_AUTH || t == FRAME_PING)
			expected = FRAME_READY;
		assert_int_equal(frame_rows[t].where, expected);
		assert_true(strlen(frame_rows[t].doc) > 10);
	}
}

static void unknown_members_are_ignored_even_twice(void **state)
{
	(void)state;
	struct frame f =
		read_good("{\"new\":[{\"type\":\"x\"}],\"type\":\"leave\",\"n\":\"x\",\"new\":2,"
			  "\"room\":\"" ROOM "\",\"Room\":1}");
	assert_span(f.leave.room, ROOM);
	assert_int_equal(f.n, 0);
}

static void null_is_as_good_as_not_there(void **state)
{
	(void)state;
	struct frame f = read_good("{\"type\":\"join\",\"room\":\"" ROOM
				   "\",\"since\":null,\"state\":null}");
	assert_false(f.join.since.is_given);
	assert_int_equal(f.join.state.len, 0);
	f = read_good("{\"type\":\"read\",\"room\":\"" ROOM
		      "\",\"after\":1,\"before\":null,\"events\":null}");
	assert_false(f.read.before.is_given);
	assert_wrong("{\"type\":\"hello\",\"token\":null}", "token");
	assert_wrong("{\"type\":\"state\",\"room\":\"" ROOM "\",\"data\":null}", "data");
}

/* ---- refusals ---- */

static void what_is_no_json_or_too_deep_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_bad("", ERR_BAD_JSON).type, FRAME_UNKNOWN);
	read_bad("{\"type\":\"ping\"", ERR_BAD_JSON);
	read_bad("{\"type\":\"ping\",}", ERR_BAD_JSON);
	read_bad("{\"type\":\"ping\"}{}", ERR_BAD_JSON);
	read_bad(stretched("{\"type\":\"ping\",\"x\":", '[', JSON_DEPTH_MAX, "}"), ERR_TOO_DEEP);
}

static void what_has_no_type_of_ours_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"[]",
		"null",
		"\"ping\"",
		"{}",
		"{\"type\":null}",
		"{\"type\":7}",
		"{\"type\":\"\"}",
		"{\"type\":\"Ping\"}",
		"{\"type\":\"ping\\u0000\"}",
		"{\"type\":\"welcome\"}",
		"{\"type\":\"typing_start\"}",
		"{\"data\":{\"type\":\"ping\"}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(read_bad(bad[i], ERR_BAD_TYPE).type, FRAME_UNKNOWN);
}

static void refusal_of_an_unknown_type_can_name_room_and_n(void **state)
{
	(void)state;
	struct frame f =
		read_bad("{\"type\":\"shout\",\"n\":5,\"room\":\"" ROOM "\"}", ERR_BAD_TYPE);
	assert_span(f.room, ROOM);
	assert_int_equal(f.n, 5);

	f = read_bad("{\"type\":\"shout\",\"n\":-5,\"room\":\"nowhere\"}", ERR_BAD_TYPE);
	assert_int_equal(f.room.len, 0);
	assert_int_equal(f.n, 0);
}

static void refusal_of_a_bad_field_can_name_type_room_and_n(void **state)
{
	(void)state;
	struct frame f =
		read_bad("{\"type\":\"publish\",\"n\":5,\"room\":\"" ROOM "\",\"event\":\"\","
			 "\"data\":1}",
			 ERR_BAD_FIELD);
	assert_int_equal(f.type, FRAME_PUBLISH);
	assert_span(f.room, ROOM);
	assert_int_equal(f.n, 5);
	assert_string_equal(f.wrong, "event");
}

static void a_known_member_that_comes_twice_is_refused(void **state)
{
	(void)state;
	assert_wrong("{\"type\":\"ping\",\"type\":\"ping\"}", "type");
	assert_wrong("{\"type\":\"ping\",\"typ\\u0065\":\"leave\"}", "type");
	assert_wrong("{\"type\":\"leave\",\"room\":\"" ROOM "\",\"r\\u006fom\":\"" ROOM "\"}",
		     "room");
	assert_wrong("{\"type\":\"auth\",\"token\":\"a\",\"token\":null}", "token");
	assert_wrong("{\"type\":\"publish\",\"room\":\"" ROOM "\",\"n\":1,\"event\":\"a\","
		     "\"data\":{\"field\":\"a\",\"field\":\"b\"}}",
		     "data.field");
}

static void a_field_that_is_missing_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *field;
	} rows[] = {
		{"{\"type\":\"hello\"}", "token"},
		{"{\"type\":\"join\"}", "room"},
		{"{\"type\":\"leave\"}", "room"},
		{"{\"type\":\"publish\",\"n\":1,\"event\":\"a\",\"data\":1}", "room"},
		{"{\"type\":\"publish\",\"room\":\"" ROOM "\",\"event\":\"a\",\"data\":1}", "n"},
		{"{\"type\":\"publish\",\"room\":\"" ROOM "\",\"n\":1,\"data\":1}", "event"},
		{"{\"type\":\"publish\",\"room\":\"" ROOM "\",\"n\":1,\"event\":\"a\"}", "data"},
		{"{\"type\":\"cast\",\"room\":\"" ROOM "\",\"data\":1}", "key"},
		{"{\"type\":\"cast\",\"room\":\"" ROOM "\",\"key\":\"k\"}", "data"},
		{"{\"type\":\"cast\",\"key\":\"k\",\"data\":1}", "room"},
		{"{\"type\":\"state\",\"room\":\"" ROOM "\"}", "data"},
		{"{\"type\":\"state\",\"data\":{}}", "room"},
		{"{\"type\":\"read\"}", "room"},
		{"{\"type\":\"auth\"}", "token"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_wrong(rows[i].text, rows[i].field);
}

static void a_room_is_a_key_of_ours(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"7",
		"\"\"",
		"\"submission:\"",
		"\"folder:1\"",
		"\"submission:a\\nb\"",
		"\"submission:a\\u0085\"",
		"{}",
		"[\"" ROOM "\"]",
		"true",
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), "{\"type\":\"leave\",\"room\":%s}", bad[i]);
		assert_wrong(text, "room");
		snprintf(text, sizeof(text), "{\"type\":\"read\",\"room\":%s}", bad[i]);
		assert_wrong(text, "room");
	}
	read_good(stretched("{\"type\":\"leave\",\"room\":\"document:", 'x', ROOM_ID_MAX, "\"}"));
	assert_wrong(
		stretched("{\"type\":\"leave\",\"room\":\"document:", 'x', ROOM_ID_MAX + 1, "\"}"),
		"room");
	assert_wrong(stretched("{\"type\":\"leave\",\"room\":\"document:\\u0041", 'x', ROOM_KEY_MAX,
			       "\"}"),
		     "room");
}

static void a_text_is_bounded_once_it_is_unescaped(void **state)
{
	(void)state;
	read_good(stretched("{\"type\":\"auth\",\"token\":\"", 'x', TOKEN_MAX, "\"}"));
	assert_wrong(stretched("{\"type\":\"auth\",\"token\":\"", 'x', TOKEN_MAX + 1, "\"}"),
		     "token");
	read_good(stretched("{\"type\":\"auth\",\"token\":\"\\u0041", 'x', TOKEN_MAX - 1, "\"}"));
	assert_wrong(stretched("{\"type\":\"auth\",\"token\":\"\\u0041", 'x', TOKEN_MAX, "\"}"),
		     "token");
	assert_wrong(stretched("{\"type\":\"hello\",\"token\":\"t\",\"resume\":\"", 'x',
			       RESUME_MAX + 1, "\"}"),
		     "resume");
	assert_wrong("{\"type\":\"auth\",\"token\":\"\"}", "token");
	assert_wrong("{\"type\":\"auth\",\"token\":\"a\\u0000\"}", "token");
	assert_wrong("{\"type\":\"auth\",\"token\":5}", "token");
	assert_wrong("{\"type\":\"hello\",\"token\":\"t\",\"resume\":\"\"}", "resume");
	assert_wrong("{\"type\":\"hello\",\"token\":\"t\",\"resume\":[]}", "resume");
	assert_wrong(stretched("{\"type\":\"cast\",\"room\":\"" ROOM
			       "\",\"key\":\"k\",\"data\":1,\"to\":\"",
			       'x', USER_ID_MAX + 1, "\"}"),
		     "to");
}

static void a_name_has_letters_digits_and_four_marks(void **state)
{
	(void)state;
	static const char *const bad[] = {"a,b",     "a b",  "a/b", "\xc3\xa9",
					  "\\u00e9", "a\\n", "*",   "a\\u0000"};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text),
			 "{\"type\":\"cast\",\"room\":\"" ROOM "\",\"key\":\"%s\",\"data\":1}",
			 bad[i]);
		assert_wrong(text, "key");
		snprintf(text, sizeof(text),
			 "{\"type\":\"publish\",\"room\":\"" ROOM
			 "\",\"n\":1,\"event\":\"%s\",\"data\":1}",
			 bad[i]);
		assert_wrong(text, "event");
		snprintf(text, sizeof(text),
			 "{\"type\":\"read\",\"room\":\"" ROOM "\",\"events\":[\"a\",\"%s\"]}",
			 bad[i]);
		assert_wrong(text, "events");
	}
	struct frame f = read_good("{\"type\":\"cast\",\"room\":\"" ROOM
				   "\",\"key\":\"aZ09_.:-\",\"data\":1}");
	assert_span(f.cast.key, "aZ09_.:-");
	assert_wrong(stretched("{\"type\":\"cast\",\"room\":\"" ROOM "\",\"data\":1,\"key\":\"",
			       'k', CAST_KEY_MAX + 1, "\"}"),
		     "key");
	assert_wrong(stretched("{\"type\":\"publish\",\"room\":\"" ROOM
			       "\",\"n\":1,\"data\":1,\"event\":\"",
			       'k', EVENT_TYPE_MAX + 1, "\"}"),
		     "event");
}

static void a_number_is_digits_within_its_bounds(void **state)
{
	(void)state;
	static const char *const bad[] = {"-1",
					  "1.0",
					  "1e3",
					  "-0",
					  "9007199254740992",
					  "\"1\"",
					  "true",
					  "[1]",
					  "18446744073709551617",
					  "{}"};
#define PUBLISH_NEXT "{\"type\":\"publish\",\"room\":\"" ROOM "\",\"event\":\"a\",\"data\":1,"
#define READ_NEXT "{\"type\":\"read\",\"room\":\"" ROOM "\","
	static const struct {
		const char *text, *field;
	} fields[] = {
		{"{\"type\":\"join\",\"room\":\"" ROOM "\",\"since\":", "since"},
		{PUBLISH_NEXT "\"n\":", "n"},
		{PUBLISH_NEXT "\"n\":1,\"base\":", "base"},
		{READ_NEXT "\"after\":", "after"},
		{READ_NEXT "\"before\":", "before"},
		{READ_NEXT "\"limit\":", "limit"},
	};
	char text[256];

	for (size_t f = 0; f < ARRAY_LEN(fields); f++)
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			snprintf(text, sizeof(text), "%s%s}", fields[f].text, bad[i]);
			assert_wrong(text, fields[f].field);
		}
}

static void what_is_counted_begins_with_1_and_pages_are_bounded(void **state)
{
	(void)state;
	assert_wrong("{\"type\":\"publish\",\"room\":\"" ROOM
		     "\",\"n\":0,\"event\":\"a\",\"data\":1}",
		     "n");
	assert_wrong("{\"type\":\"read\",\"room\":\"" ROOM "\",\"before\":0}", "before");
	assert_wrong("{\"type\":\"read\",\"room\":\"" ROOM "\",\"limit\":0}", "limit");
	assert_wrong("{\"type\":\"read\",\"room\":\"" ROOM "\",\"limit\":501}", "limit");
	assert_wrong("{\"type\":\"read\",\"room\":\"" ROOM "\",\"after\":1,\"before\":2}",
		     "before");
}

static void a_state_is_an_object_of_bounded_size(void **state)
{
	(void)state;
	static const char *const bad[] = {"[]", "\"x\"", "1", "false"};
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text),
			 "{\"type\":\"state\",\"room\":\"" ROOM "\",\"data\":%s}", bad[i]);
		assert_wrong(text, "data");
		snprintf(text, sizeof(text),
			 "{\"type\":\"join\",\"room\":\"" ROOM "\",\"state\":%s}", bad[i]);
		assert_wrong(text, "state");
	}
	read_good(stretched("{\"type\":\"state\",\"room\":\"" ROOM "\",\"data\":{\"a\":\"", 'x',
			    STATE_MAX - 8, "\"}}"));
	assert_wrong(stretched("{\"type\":\"state\",\"room\":\"" ROOM "\",\"data\":{\"a\":\"", 'x',
			       STATE_MAX - 7, "\"}}"),
		     "data");
}

static void names_of_events_are_a_bounded_array(void **state)
{
	(void)state;
	static const char *const bad[] = {"[]",     "\"a\"",     "{}",    "[1]",
					  "[null]", "[[\"a\"]]", "[\"\"]"};
	char text[8192] = "{\"type\":\"read\",\"room\":\"" ROOM "\",\"events\":[";
	struct frame f;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char one[256];

		snprintf(one, sizeof(one),
			 "{\"type\":\"read\",\"room\":\"" ROOM "\",\"events\":%s}", bad[i]);
		assert_wrong(one, "events");
	}
	/* the longest names there can be, each with an escape */
	for (size_t i = 0; i < READ_NAMES_MAX; i++) {
		size_t len = strlen(text);

		len += (size_t)sprintf(text + len, "%s\"\\u0061", i ? "," : "");
		memset(text + len, 'x', EVENT_TYPE_MAX - 1);
		strcpy(text + len + EVENT_TYPE_MAX - 1, "\"");
	}
	size_t len = strlen(text);
	strcpy(text + len, "]}");
	f = read_good(text);
	assert_int_equal(f.read.events.len, READ_NAMES_MAX * (EVENT_TYPE_MAX + 1) - 1);
	strcpy(text + len, ",\"a\"]}");
	assert_wrong(text, "events");
}

static void the_field_of_the_data_is_found_when_it_is_text(void **state)
{
	(void)state;
#define PUBLISH "{\"type\":\"publish\",\"room\":\"" ROOM "\",\"n\":1,\"event\":\"a\",\"data\":"
	assert_span(read_good(PUBLISH "{\"x\":1,\"f\\u0069eld\":\"ti\\u0074le\"}}").field, "title");
	assert_int_equal(read_good(PUBLISH "{\"x\":{\"field\":\"title\"}}}").field.len, 0);
	assert_int_equal(read_good(PUBLISH "{\"field\":7}}").field.len, 0);
	assert_int_equal(read_good(PUBLISH "[\"field\",\"title\"]}").field.len, 0);
	assert_wrong(stretched(PUBLISH "{\"field\":\"", 'x', EVENT_TYPE_MAX + 1, "\"}}"),
		     "data.field");
	assert_wrong(PUBLISH "{\"field\":\"a\\u0000\"}}", "data.field");
	assert_wrong(PUBLISH "{\"field\":\"\"}}", "data.field");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_has_a_token_and_perhaps_what_it_resumes),
		cmocka_unit_test(join_tells_since_0_from_no_since),
		cmocka_unit_test(publish_passes_its_data_on_byte_for_byte),
		cmocka_unit_test(cast_has_a_key_and_perhaps_one_receiver),
		cmocka_unit_test(read_has_its_page_and_its_names_with_commas),
		cmocka_unit_test(the_small_ones_are_read),
		cmocka_unit_test(the_table_says_where_each_message_belongs),
		cmocka_unit_test(unknown_members_are_ignored_even_twice),
		cmocka_unit_test(null_is_as_good_as_not_there),
		cmocka_unit_test(what_is_no_json_or_too_deep_is_refused),
		cmocka_unit_test(what_has_no_type_of_ours_is_refused),
		cmocka_unit_test(refusal_of_an_unknown_type_can_name_room_and_n),
		cmocka_unit_test(refusal_of_a_bad_field_can_name_type_room_and_n),
		cmocka_unit_test(a_known_member_that_comes_twice_is_refused),
		cmocka_unit_test(a_field_that_is_missing_is_refused),
		cmocka_unit_test(a_room_is_a_key_of_ours),
		cmocka_unit_test(a_text_is_bounded_once_it_is_unescaped),
		cmocka_unit_test(a_name_has_letters_digits_and_four_marks),
		cmocka_unit_test(a_number_is_digits_within_its_bounds),
		cmocka_unit_test(what_is_counted_begins_with_1_and_pages_are_bounded),
		cmocka_unit_test(a_state_is_an_object_of_bounded_size),
		cmocka_unit_test(names_of_events_are_a_bounded_array),
		cmocka_unit_test(the_field_of_the_data_is_found_when_it_is_text),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
