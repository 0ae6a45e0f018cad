/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/mono.h"
#include "roomd/memory.h"

#define IDLE (32 * NS_PER_S)
#define AIM UINT64_C(800)

static void idle_rooms_leave_sooner_the_more_is_used(void **state)
{
	static const struct {
		uint64_t used;
		int64_t idle_s;
	} rows[] = {
		{0, 32},   {800, 32}, {801, 16}, {899, 16}, {900, 8},
		{1000, 4}, {1100, 2}, {1200, 1}, {1300, 1}, {UINT64_MAX, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(memory_idle_ns(IDLE, AIM, rows[i].used),
				 rows[i].idle_s * NS_PER_S);
}

static void without_a_limit_nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(memory_idle_ns(IDLE, 0, UINT64_MAX), IDLE);
	assert_int_equal(memory_idle_ns(0, AIM, 2 * AIM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_rooms_leave_sooner_the_more_is_used),
		cmocka_unit_test(without_a_limit_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
