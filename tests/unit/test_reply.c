/* SPDX-License-Identifier: Apache-2.0 */
/* What processes answer, as people read it. */
#include "deploy/ctl/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct span json = {
	(const uint8_t *)"{\"a\":{\"b\":7,\"t\":\"x\\u001b[1m\\u0085y\"},\"no\":false,\"yes\":true,"
			 "\"nil\":null,\"off\":false,\"neg\":-1}",
	sizeof "{\"a\":{\"b\":7,\"t\":\"x\\u001b[1m\\u0085y\"},\"no\":false,\"yes\":true,"
	       "\"nil\":null,\"off\":false,\"neg\":-1}" -
		1};

static void check_text(const char *path, const char *want)
{
	struct buf out;

	buf_init(&out, 1024);
	reply_put_text(reply_find(json, path), &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, want);
	buf_fini(&out);
}

static void reply_finds_members_by_their_path(void **state)
{
	(void)state;
	assert_true(reply_is_good(json));
	assert_int_equal(reply_number(json, "a.b"), 7);
	assert_null(reply_find(json, "a.c").p);
	assert_null(reply_find(json, "a.b.c").p);
	assert_int_equal(reply_number(json, "neg"), 0);
	assert_true(reply_is(json, "yes", "true"));
	assert_false(reply_is(SPAN_NONE, "yes", "true"));
}

/* Whoever chose the text must not steer the terminal of who reads it. */
static void reply_shows_no_control_characters(void **state)
{
	(void)state;
	check_text("a.t", "x?[1m?\x85y");
	check_text("nil", "");
	check_text("yes", "true");
	check_text("nowhere", "");
}

static void reply_lists_what_is_false(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	reply_put_false(json, &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, "no, off");
	buf_fini(&out);
}

static void reply_that_is_no_json_is_not_good(void **state)
{
	(void)state;
	assert_false(reply_is_good(SPAN("")));
	assert_false(reply_is_good(SPAN("<html>")));
	assert_false(reply_is_good(SPAN("\"\xff\"")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_finds_members_by_their_path),
		cmocka_unit_test(reply_shows_no_control_characters),
		cmocka_unit_test(reply_lists_what_is_false),
		cmocka_unit_test(reply_that_is_no_json_is_not_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
