/* SPDX-License-Identifier: Apache-2.0 */
/* The search for the highest good rate, against servers that can do so much and no more. */
#include "bench/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* What a server is found to do that can do `most`. */
static double found(double from, double most, unsigned *steps)
{
	struct search s;

	search_begin(&s, from, 1.5, 0.05);
	for (*steps = 1; search_step(&s, s.rate <= most) && *steps < 100;)
		(*steps)++;
	return s.good;
}

static void the_most_is_found_from_below_and_from_above(void **state)
{
	static const double from[] = {10, 1000, 20000, 500000};
	unsigned steps;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(from); i++) {
		double most = found(from[i], 12345, &steps);

		assert_true(most <= 12345 && most >= 12345 * 0.95);
		assert_true(steps < 30);
	}
}

static void a_server_that_can_nothing_ends_the_search(void **state)
{
	unsigned steps;

	(void)state;
	assert_true(found(1000, 0, &steps) <= 0);
	assert_true(steps < 30);
}

static void a_server_without_an_end_ends_the_search(void **state)
{
	unsigned steps;

	(void)state;
	assert_true(found(1000, 1e12, &steps) > 5e5);
	assert_true(steps < 30);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_is_found_from_below_and_from_above),
		cmocka_unit_test(a_server_that_can_nothing_ends_the_search),
		cmocka_unit_test(a_server_without_an_end_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
