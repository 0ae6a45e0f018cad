/* SPDX-License-Identifier: Apache-2.0 */
/* Presence states: what partial objects make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/frame.h"

static void assert_merged(const char *old, const char *patch, const char *expected)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(frame_merge_state(span_str(old), span_str(patch), &out), OK);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_fini(&out);
}

static void members_replace_and_null_removes(void **state)
{
	(void)state;
	assert_merged("", "{}", "{}");
	assert_merged("", "{\"a\": 1 }", "{\"a\":1}");
	assert_merged("{\"a\":1,\"b\":2}", "{}", "{\"a\":1,\"b\":2}");
	assert_merged("{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":1,\"b\":3,\"c\":4}");
	assert_merged("{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}");
	assert_merged("{\"a\":1}", "{\"a\":null,\"b\":null}", "{}");
}

static void values_are_replaced_whole(void **state)
{
	(void)state;
	assert_merged("{\"cursor\":{\"line\":1,\"column\":2}}", "{\"cursor\":{\"line\":3}}",
		      "{\"cursor\":{\"line\":3}}");
	assert_merged("", "{\"a\":{\"b\":null}, \"c\":[null]}",
		      "{\"a\":{\"b\":null},\"c\":[null]}");
}

static void names_are_the_same_in_any_spelling(void **state)
{
	(void)state;
	assert_merged("{\"mode\":1}", "{\"m\\u006fde\":2}", "{\"m\\u006fde\":2}");
	assert_merged("{\"m\\u006fde\":1}", "{\"mode\":null}", "{}");
	assert_merged("{\"\xc3\xa9\":1}", "{\"\\u00e9\":2}", "{\"\\u00e9\":2}");
	assert_merged("{\"a\\/b\":1,\"a\\\\b\":2}", "{\"a/b\":3}", "{\"a/b\":3,\"a\\\\b\":2}");
	assert_merged("{\"a\":1}", "{\"a\\u0000\":2}", "{\"a\":1,\"a\\u0000\":2}");
}

static void of_several_members_of_one_name_the_last_counts(void **state)
{
	(void)state;
	assert_merged("", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}");
	assert_merged("", "{\"a\":1,\"\\u0061\":null}", "{}");
	assert_merged("{\"a\":1}", "{\"a\":null,\"a\":2}", "{\"a\":2}");
}

static void the_result_is_bounded(void **state)
{
	(void)state;
	static char half[STATE_MAX], other[STATE_MAX];
	struct buf out;

	buf_init(&out, 1 << 16);
	snprintf(half, sizeof(half), "{\"a\":\"%0*d\"}", STATE_MAX / 2 - 7, 0);
	snprintf(other, sizeof(other), "{\"b\":\"%0*d\"}", STATE_MAX / 2 - 8, 0);
	assert_int_equal(frame_merge_state(span_str(half), span_str(other), &out), OK);
	assert_int_equal(out.len, STATE_MAX);
	buf_clear(&out);
	snprintf(other, sizeof(other), "{\"b\":\"%0*d\"}", STATE_MAX / 2 - 7, 0);
	assert_int_equal(frame_merge_state(span_str(half), span_str(other), &out), ERR_BAD_FIELD);
	buf_clear(&out);
	assert_int_equal(frame_merge_state(span_str(half), SPAN("{\"a\":0}"), &out), OK);
	buf_fini(&out);
}

static void members_are_bounded_too(void **state)
{
	(void)state;
	struct buf out, many;

	buf_init(&out, 1 << 16);
	buf_init(&many, 1 << 16);
	for (int i = 0; i < STATE_MEMBERS_MAX; i++)
		buf_printf(&many, "%s\"%d\":0", i ? "," : "{", i);
	buf_put_u8(&many, '}');
	assert_int_equal(frame_merge_state(SPAN_NONE, buf_span(&many), &out), OK);
	assert_true(span_eq(buf_span(&out), buf_span(&many)));
	assert_int_equal(frame_merge_state(buf_span(&many), SPAN("{\"7\":1}"), &out), OK);
	assert_int_equal(frame_merge_state(buf_span(&many), SPAN("{\"x\":1}"), &out),
			 ERR_BAD_FIELD);
	buf_fini(&many);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_replace_and_null_removes),
		cmocka_unit_test(values_are_replaced_whole),
		cmocka_unit_test(names_are_the_same_in_any_spelling),
		cmocka_unit_test(of_several_members_of_one_name_the_last_counts),
		cmocka_unit_test(the_result_is_bounded),
		cmocka_unit_test(members_are_bounded_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
