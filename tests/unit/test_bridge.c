/* SPDX-License-Identifier: Apache-2.0 */
/* One message in the other dialect: what native clients see of a v0 object, and the v0 object that
 * is made of what they say. */
#include "proto/bridge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/limits.h"

#define AT_MS INT64_C(1764003931123)
#define AT "2025-11-24T17:05:31.123Z"

static void data_is_the_last_member_of_that_name_or_all(void **state)
{
	static const struct {
		const char *body, *data;
	} rows[] = {
		{"{\"type\":\"x\",\"data\":{\"a\":1}}", "{\"a\":1}"},
		{"{ \"data\" : [ 1, 2 ] , \"type\":\"x\"}", "[ 1, 2 ]"},
		{"{\"data\":1,\"data\":2}", "2"},
		{"{\"d\\u0061ta\":3}", "3"},
		{"{\"data\":null}", "null"},
		{"{\"type\":\"x\",\"text\":\"hi\"}", "{\"type\":\"x\",\"text\":\"hi\"}"},
		{"{\"inner\":{\"data\":1}}", "{\"inner\":{\"data\":1}}"},
		{"{}", "{}"},
		{"[{\"data\":1}]", "[{\"data\":1}]"},
		{"\"data\"", "\"data\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(span_is(bridge_data(span_str(rows[i].body)), rows[i].data));
}

static void type_is_read_unescaped_or_not_at_all(void **state)
{
	static const struct {
		const char *body, *type;
	} rows[] = {
		{"{\"type\":\"note\"}", "note"},
		{"{\"type\":\"a\",\"type\":\"b\"}", "b"},
		{"{\"type\":\"t\\u00e4g \\\"1\\\"\"}", "t\xc3\xa4g \"1\""},
		{"{\"type\":\"a\",\"type\":7}", ""},
		{"{\"type\":null}", ""},
		{"{\"data\":{\"type\":\"a\"}}", ""},
		{"[]", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf type;

		buf_init(&type, EVENT_TYPE_MAX);
		bridge_put_type(&type, span_str(rows[i].body));
		assert_true(span_is(buf_span(&type), rows[i].type));
		buf_fini(&type);
	}
}

/* Half of a name would be another one. */
static void type_that_does_not_fit_is_none(void **state)
{
	struct buf type;

	(void)state;
	buf_init(&type, 4);
	bridge_put_type(&type, SPAN("{\"type\":\"abcde\"}"));

	assert_int_equal(type.len, 0);
	assert_false(type.over);
	buf_fini(&type);
}

static struct v0_identity ann(enum room_kind kind)
{
	return (struct v0_identity){kind, SPAN("r\"1"), SPAN("u1"), SPAN("Ann \"A\""),
				    SPAN("a@x.org")};
}

static void v0_object_says_who_where_what_and_when(void **state)
{
	static const struct {
		enum room_kind kind;
		const char *member;
	} rows[] = {{ROOM_SUBMISSION, "submissionId"}, {ROOM_DOCUMENT, "documentId"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct v0_identity who = ann(rows[i].kind);
		char expected[512];
		enum json_kind kind;
		struct buf out;

		buf_init(&out, 1024);
		bridge_put_v0(&out, SPAN("no\"te"), &who, SPAN("{ \"a\": [1.0] }"), AT_MS);
		snprintf(expected, sizeof expected,
			 "{\"type\":\"no\\\"te\",\"%s\":\"r\\\"1\",\"userId\":\"u1\","
			 "\"userName\":\"Ann \\\"A\\\"\",\"userEmail\":\"a@x.org\","
			 "\"data\":{ \"a\": [1.0] },\"timestamp\":\"" AT "\"}",
			 rows[i].member);

		assert_int_equal(json_check(buf_span(&out), &kind), OK);
		assert_true(span_is(buf_span(&out), expected));
		buf_fini(&out);
	}
}

/* What a native client says is seen by v0 clients, and by native ones, as it was said. */
static void native_message_comes_back_whole(void **state)
{
	static const char *const datas[] = {
		"{\"data\":1,\"type\":\"x\"}", "[]", "\"a\\u0000\"", "-0", "null", "{}"};
	static const char *const types[] = {"saved", "", "data", "a\\b", "t\xc3\xa4g"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(datas); i++)
		for (size_t j = 0; j < ARRAY_LEN(types); j++) {
			struct v0_identity who = ann(ROOM_SUBMISSION);
			struct buf v0, type;

			buf_init(&v0, 1024);
			buf_init(&type, EVENT_TYPE_MAX);
			bridge_put_v0(&v0, span_str(types[j]), &who, span_str(datas[i]), AT_MS);
			bridge_put_type(&type, buf_span(&v0));

			assert_true(span_is(bridge_data(buf_span(&v0)), datas[i]));
			assert_true(span_is(buf_span(&type), types[j]));
			buf_fini(&v0);
			buf_fini(&type);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_the_last_member_of_that_name_or_all),
		cmocka_unit_test(type_is_read_unescaped_or_not_at_all),
		cmocka_unit_test(type_that_does_not_fit_is_none),
		cmocka_unit_test(v0_object_says_who_where_what_and_when),
		cmocka_unit_test(native_message_comes_back_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
