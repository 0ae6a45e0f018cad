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

static void short_heartbeats_and_silences_need_short_ticks(void **state)
{
	(void)state;
	assert_true(ticks_may_be_calm(MS(100), MS(600)));
	assert_true(ticks_may_be_calm(MS(1000), MS(400)));
	assert_false(ticks_may_be_calm(MS(50), MS(600)));
	assert_false(ticks_may_be_calm(MS(100), MS(200)));
}

static void heartbeat_is_a_fifth_early_at_most(void **state)
{
	(void)state;
	assert_false(heartbeat_is_due(MS(79), MS(100)));
	assert_true(heartbeat_is_due(MS(80), MS(100)));
	assert_false(heartbeat_is_due(0, MS(10)));
	assert_true(heartbeat_is_due(MS(8), MS(10)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_multiples_of_the_wall_clock),
		cmocka_unit_test(what_comes_up_pulls_the_next_one_in),
		cmocka_unit_test(short_heartbeats_and_silences_need_short_ticks),
		cmocka_unit_test(heartbeat_is_a_fifth_early_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
