/* SPDX-License-Identifier: Apache-2.0 */
/* When a process looks at what waits for time. */
#include "proto/ticks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MS(n) ((n)*NS_PER_MS)

static void they_are_multiples_of_the_wall_clock(void **state)
{
	struct ticks t = {0};

	(void)state;
	ticks_done(&t, MS(1000) + 7, MS(120));
	assert_int_equal(ticks_set(&t, false, MS(121)), MS(150) - 7);
	assert_int_equal(ticks_set(&t, true, MS(121)), MS(200) - 7);
	assert_int_equal(t.due_ns, MS(200) - 7);
}

static void what_comes_up_pulls_the_next_one_in(void **state)
{
	struct ticks t = {0};

	(void)state;
	ticks_done(&t, 0, MS(100));
	assert_int_equal(ticks_set(&t, true, MS(110)), MS(200));
	assert_int_equal(ticks_set(&t, false, MS(120)), MS(150));
	assert_int_equal(ticks_set(&t, true, MS(170)), MS(200));
	assert_int_equal(ticks_set(&t, false, MS(180)), MS(180));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_multiples_of_the_wall_clock),
		cmocka_unit_test(what_comes_up_pulls_the_next_one_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
