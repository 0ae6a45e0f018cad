/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of who is told to wait and does not, and that it never becomes of who does. */
#include "gateway/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MS(n) ((n)*NS_PER_MS)
#define SECONDS(n) ((n)*NS_PER_S)

/* Sends one message each `gap_ms`, all of which are refused, for so long; when it was ended. */
static int64_t stubborn(struct pace *p, int64_t gap_ms, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += gap_ms)
		if (pace_refuse(p, MS(5), SECONDS(1) + MS(at)) == PACE_END)
			return at;
	return -1;
}

static void who_goes_on_is_ended_after_five_waits(void **state)
{
	struct pace slow = {0}, fast = {0};

	(void)state;
	assert_in_range(stubborn(&fast, 1, 60000), 4500, 5000);
	assert_in_range(stubborn(&slow, 400, 60000), 4500, 7000);
}

static void who_waits_as_told_is_never_ended(void **state)
{
	struct pace p = {0};
	int64_t now_ns = SECONDS(1);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pace_refuse(&p, MS(5), now_ns), PACE_TELL);
		now_ns += pace_wait_ns(&p, MS(5), now_ns);
	}
}

/* It may have sent them before it heard. */
static void what_was_on_its_way_is_held_against_nobody(void **state)
{
	struct pace p = {0};
	int64_t now_ns = SECONDS(1);

	(void)state;
	for (int round = 0; round < 100; round++) {
		int64_t wait_ns = 0;

		for (int i = 0; i < 500; i++) {
			assert_int_not_equal(pace_refuse(&p, MS(5), now_ns + MS(i)), PACE_END);
			if (i == 499)
				wait_ns = pace_wait_ns(&p, MS(5), now_ns + MS(i));
		}
		now_ns += MS(499) + wait_ns;
	}
}

static void long_ago_is_forgotten(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(stubborn(&p, 10, 4400), -1);
	assert_int_equal(p.strikes, 4);
	(void)pace_refuse(&p, MS(5), SECONDS(30));
	for (int i = 0; i < 1000; i += 10)
		assert_int_not_equal(pace_refuse(&p, MS(5), SECONDS(30) + MS(i)), PACE_END);
}

static void one_wait_that_is_kept_makes_up_for_those_before(void **state)
{
	struct pace p = {0};

	(void)state;
	(void)stubborn(&p, 10, 4000);
	(void)pace_refuse(&p, MS(5), SECONDS(5));
	unsigned before = p.strikes;
	(void)pace_refuse(&p, MS(5), SECONDS(6)); /* at its end */

	assert_int_equal(before, 4);
	assert_int_equal(p.strikes, 0);
}

static void long_wait_is_told_in_full(void **state)
{
	struct pace p = {0};

	(void)state;
	(void)pace_refuse(&p, SECONDS(3), SECONDS(1));

	assert_int_equal(pace_wait_ns(&p, MS(5), SECONDS(2)), SECONDS(2));
	assert_int_equal(pace_wait_ns(&p, SECONDS(4), SECONDS(2)), SECONDS(4));
	assert_int_equal(pace_wait_ns(&p, MS(5), SECONDS(4)), MS(5));
}

static void clock_that_goes_back_ends_the_wait(void **state)
{
	struct pace p = {0};

	(void)state;
	(void)pace_refuse(&p, MS(5), SECONDS(1000));

	assert_int_equal(pace_refuse(&p, MS(5), SECONDS(1)), PACE_TELL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_goes_on_is_ended_after_five_waits),
		cmocka_unit_test(who_waits_as_told_is_never_ended),
		cmocka_unit_test(what_was_on_its_way_is_held_against_nobody),
		cmocka_unit_test(long_ago_is_forgotten),
		cmocka_unit_test(one_wait_that_is_kept_makes_up_for_those_before),
		cmocka_unit_test(long_wait_is_told_in_full),
		cmocka_unit_test(clock_that_goes_back_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
