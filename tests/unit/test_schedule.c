/* SPDX-License-Identifier: Apache-2.0 */
/* The open loop: what is due stays due at its own time, however late it is taken. */
#include "bench/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void what_was_missed_keeps_its_own_time(void **state)
{
	struct schedule s;
	int64_t due_ns;

	(void)state;
	schedule_begin(&s, 100, 0, 5 * NS_PER_S);

	for (int64_t i = 0; i < 50; i++) { /* after a stall of half a second */
		assert_true(schedule_take(&s, 5 * NS_PER_S + 499 * NS_PER_MS, &due_ns));
		assert_int_equal(due_ns, 5 * NS_PER_S + i * 10 * NS_PER_MS);
	}
	assert_false(schedule_take(&s, 5 * NS_PER_S + 499 * NS_PER_MS, &due_ns));
	assert_int_equal(schedule_next_ns(&s), 5 * NS_PER_S + 500 * NS_PER_MS);
}

static void a_rate_that_divides_nothing_does_not_drift(void **state)
{
	struct schedule s;
	int64_t due_ns, count = 0;

	(void)state;
	schedule_begin(&s, 7000, 0, 0);
	while (schedule_take(&s, 3600 * NS_PER_S - 1, &due_ns))
		count++;

	assert_int_equal(count, 7000 * 3600);
}

static void a_phase_passes_first(void **state)
{
	struct schedule s;

	(void)state;
	schedule_begin(&s, 10, 0.5, 0);

	assert_int_equal(schedule_next_ns(&s), 50 * NS_PER_MS);
}

static void no_rate_is_never(void **state)
{
	struct schedule s;
	int64_t due_ns;

	(void)state;
	schedule_begin(&s, 0, 0.5, 0);

	assert_int_equal(schedule_next_ns(&s), INT64_MAX);
	assert_false(schedule_take(&s, INT64_MAX - 1, &due_ns));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_missed_keeps_its_own_time),
		cmocka_unit_test(a_rate_that_divides_nothing_does_not_drift),
		cmocka_unit_test(a_phase_passes_first),
		cmocka_unit_test(no_rate_is_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
