/* SPDX-License-Identifier: Apache-2.0 */
/* Percentiles within the width of a step, sums, and the walk. */
#include "bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define ERROR 0.032

static struct histogram h, other;

static void assert_near(int64_t is_ns, int64_t wanted_ns)
{
	assert_true((double)is_ns >= (double)wanted_ns * (1 - ERROR));
	assert_true((double)is_ns <= (double)wanted_ns * (1 + ERROR) + 1000);
}

static int setup(void **state)
{
	(void)state;
	memset(&h, 0, sizeof h);
	memset(&other, 0, sizeof other);
	return 0;
}

static void percentiles_are_within_a_step(void **state)
{
	(void)state;
	for (int64_t us = 1; us <= 100000; us++)
		histogram_add(&h, us * 1000);

	assert_near(histogram_at(&h, 0.5), 50 * NS_PER_MS);
	assert_near(histogram_at(&h, 0.99), 99 * NS_PER_MS);
	assert_near(histogram_at(&h, 0.9999), 99990 * 1000);
	assert_int_equal(histogram_at(&h, 1), 100 * NS_PER_MS);
	assert_int_equal(h.greatest_ns, 100 * NS_PER_MS);
}

static void one_slow_message_in_ten_thousand_is_seen_at_p9999(void **state)
{
	(void)state;
	for (int i = 0; i < 19996; i++)
		histogram_add(&h, NS_PER_MS);
	for (int i = 0; i < 4; i++)
		histogram_add(&h, 3 * NS_PER_S);

	assert_near(histogram_at(&h, 0.999), NS_PER_MS);
	assert_near(histogram_at(&h, 0.9999), 3 * NS_PER_S);
}

static void nothing_is_more_than_the_greatest(void **state)
{
	(void)state;
	histogram_add(&h, 70001);

	assert_int_equal(histogram_at(&h, 0.5), 70001);
}

static void extremes_are_counted_too(void **state)
{
	(void)state;
	histogram_add(&h, -5);
	histogram_add(&h, INT64_MAX);

	assert_int_equal(h.total, 2);
	assert_int_equal(histogram_at(&h, 0.4), 0);
}

static void a_sum_has_the_values_of_both(void **state)
{
	size_t at = 0;
	int64_t upper_ns;
	uint64_t count, sum = 0;

	(void)state;
	histogram_add(&h, 2000);
	histogram_add(&other, 2000);
	histogram_add(&other, NS_PER_S);
	histogram_add_all(&h, &other);

	assert_int_equal(h.total, 3);
	assert_int_equal(h.greatest_ns, NS_PER_S);
	while (histogram_next(&h, &at, &upper_ns, &count))
		sum += count * (uint64_t)(upper_ns <= NS_PER_MS ? 1 : 10);
	assert_int_equal(sum, 12);
}

static void an_empty_one_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_at(&h, 0.99), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(percentiles_are_within_a_step, setup),
		cmocka_unit_test_setup(one_slow_message_in_ten_thousand_is_seen_at_p9999, setup),
		cmocka_unit_test_setup(nothing_is_more_than_the_greatest, setup),
		cmocka_unit_test_setup(extremes_are_counted_too, setup),
		cmocka_unit_test_setup(a_sum_has_the_values_of_both, setup),
		cmocka_unit_test_setup(an_empty_one_says_nothing, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
