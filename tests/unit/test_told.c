/* SPDX-License-Identifier: Apache-2.0 */
/* What a server tells, whatever the order of its members; marks, and what only looks like one. */
#include "bench/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void members_are_found_in_any_order(void **state)
{
	struct told t;

	(void)state;
	enum err err = told_read(SPAN("{\"data\":{\"seq\":9,\"type\":\"x\"},\"seq\":18, "
				      "\"new\":1,\"type\":\"event\"}"),
				 &t);

	assert_int_equal(err, OK);
	assert_true(told_is(t.type, "event"));
	assert_int_equal(told_number(t.seq), 18);
	assert_int_equal(t.n.len, 0);
}

static void what_is_no_message_is_refused(void **state)
{
	struct told t;

	(void)state;
	assert_int_equal(told_read(SPAN("{\"type\":"), &t), ERR_BAD_JSON);
	assert_int_equal(told_read(SPAN("[1]"), &t), ERR_BAD_TYPE);
	assert_int_equal(told_read(SPAN("{\"seq\":1}"), &t), ERR_BAD_TYPE);
}

static void a_mark_comes_back(void **state)
{
	struct mark is, mark = {.person = 17, .number = 42, .due_ns = 123456789012345};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	buf_put_str(&out, "{\"a\":1,");
	mark_put(&out, &mark);
	buf_put_str(&out, ",\"text\":\"xxx\"}");

	assert_true(mark_find(buf_span(&out), &is));
	assert_int_equal(is.person, 17);
	assert_int_equal(is.number, 42);
	assert_int_equal(is.due_ns, 123456789012345);
	buf_fini(&out);
}

static void what_only_begins_like_a_mark_is_none(void **state)
{
	static const char *const wrong[] = {"",
					    "{}",
					    "\"mark\":\"",
					    "\"mark\":\"1",
					    "\"mark\":\"1 2 3",
					    "\"mark\":\"1 x 3\"",
					    "\"mark\":\"1 99999999999 3\""};
	struct mark is;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(mark_find(span_str(wrong[i]), &is));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_in_any_order),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(a_mark_comes_back),
		cmocka_unit_test(what_only_begins_like_a_mark_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
