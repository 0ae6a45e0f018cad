/* SPDX-License-Identifier: Apache-2.0 */
/* The words that a run is told. */
#include "bench/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void words_have_a_rest_or_none(void **state)
{
	struct span rest;

	(void)state;
	assert_int_equal(control_parse(SPAN("mark shard-1 killed"), &rest), CONTROL_MARK);
	assert_true(span_is(rest, "shard-1 killed"));
	assert_int_equal(control_parse(SPAN("spare"), &rest), CONTROL_SPARE);
	assert_int_equal(rest.len, 0);
	assert_int_equal(control_parse(SPAN("pids 1,2"), &rest), CONTROL_PIDS);
	assert_int_equal(control_parse(SPAN("end"), &rest), CONTROL_END);
}

static void what_is_unknown_is_nothing(void **state)
{
	struct span rest;

	(void)state;
	assert_int_equal(control_parse(SPAN_NONE, &rest), CONTROL_NONE);
	assert_int_equal(control_parse(SPAN("marks x"), &rest), CONTROL_NONE);
	assert_int_equal(control_parse(SPAN(" mark"), &rest), CONTROL_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_have_a_rest_or_none),
		cmocka_unit_test(what_is_unknown_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
