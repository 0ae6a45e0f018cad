/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of several processes, in order. */
#include "deploy/ctl/timeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void check(const struct timeline *t, const char *want)
{
	struct buf out;

	buf_init(&out, 65536);
	timeline_put_json(t, &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, want);
	buf_fini(&out);
}

static void timeline_is_in_order_and_has_each_line_once(void **state)
{
	struct timeline t;

	(void)state;
	timeline_init(&t);
	timeline_add(&t, SPAN("[{\"ts\":\"2\",\"a\":1},{\"ts\":\"4\"}]"));
	timeline_add(&t, SPAN("[{\"ts\":\"1\"},{\"ts\":\"2\",\"a\":2},{\"ts\":\"3\"}]"));
	timeline_add(&t, SPAN("[{\"ts\":\"2\",\"a\":1},7]"));
	check(&t, "[{\"ts\":\"1\"},\n{\"ts\":\"2\",\"a\":1},\n{\"ts\":\"2\",\"a\":2},\n{\"ts\":"
		  "\"3\"},\n"
		  "{\"ts\":\"4\"}]\n");
	timeline_fini(&t);
}

static void timeline_knows_whose_session_it_is_about(void **state)
{
	char session[32] = "";
	struct timeline t;

	(void)state;
	timeline_init(&t);
	assert_false(timeline_session(&t, session));
	timeline_add(&t, SPAN("[{\"ts\":\"1\"},{\"ts\":\"2\",\"session\":\"0123456789abcdef\"}]"));
	assert_true(timeline_session(&t, session));
	assert_string_equal(session, "0123456789abcdef");
	timeline_fini(&t);
}

static void timeline_grows(void **state)
{
	struct timeline t;
	char line[64];

	(void)state;
	timeline_init(&t);
	for (int i = 999; i >= 0; i--) {
		snprintf(line, sizeof line, "[{\"ts\":\"%03d\"}]", i);
		timeline_add(&t, span_str(line));
	}
	assert_int_equal(t.count, 1000);
	assert_true(span_is(timeline_line(&t, 500), "{\"ts\":\"500\"}"));
	timeline_fini(&t);
}

static void timeline_of_what_is_no_list_is_empty(void **state)
{
	struct timeline t;

	(void)state;
	timeline_init(&t);
	timeline_add(&t, SPAN("{\"error\":\"x\"}"));
	check(&t, "[]\n");
	timeline_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline_is_in_order_and_has_each_line_once),
		cmocka_unit_test(timeline_knows_whose_session_it_is_about),
		cmocka_unit_test(timeline_grows),
		cmocka_unit_test(timeline_of_what_is_no_list_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
