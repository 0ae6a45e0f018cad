/* SPDX-License-Identifier: Apache-2.0 */
/* How warm a room is. */
#include "roomd/heat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void heat_counts_what_happened_lately(void **state)
{
	struct heat h = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		heat_add(&h, 20 * NS_PER_S + i);

	assert_int_equal(heat_rate(&h, 21 * NS_PER_S), 100);
}

static void heat_of_the_window_before_fades(void **state)
{
	struct heat h = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		heat_add(&h, 20 * NS_PER_S);
	heat_add(&h, 30 * NS_PER_S);

	assert_int_equal(heat_rate(&h, 30 * NS_PER_S), 101);
	assert_int_equal(heat_rate(&h, 35 * NS_PER_S), 51);
	assert_int_equal(heat_rate(&h, 40 * NS_PER_S), 1);
	assert_int_equal(heat_rate(&h, 50 * NS_PER_S), 0);
}

static void heat_of_long_ago_is_none(void **state)
{
	struct heat h = {0};

	(void)state;
	heat_add(&h, 20 * NS_PER_S);
	heat_add(&h, 60 * NS_PER_S);

	assert_int_equal(heat_rate(&h, 60 * NS_PER_S), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heat_counts_what_happened_lately),
		cmocka_unit_test(heat_of_the_window_before_fades),
		cmocka_unit_test(heat_of_long_ago_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
