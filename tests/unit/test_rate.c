/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, alone and by name: bursts, what is larger than one, bytes, clocks that jump. */
#include "gateway/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "gateway/rate_set.h"

#define MS(n) ((n)*NS_PER_MS)
#define SECONDS(n) ((n)*NS_PER_S)

static const struct rate_limit ten = {.messages = 10};

/* As many as may go at that moment. */
static unsigned burst(struct rate *r, int64_t cost_ns, int64_t now_ns)
{
	unsigned count = 0;

	while (count < 1000 && !rate_wait_ns(r, cost_ns, now_ns)) {
		rate_take(r, cost_ns, now_ns);
		count++;
	}
	return count;
}

static void two_seconds_worth_goes_at_once_and_then_the_rate(void **state)
{
	struct rate r = {0};
	int64_t cost_ns = rate_cost_ns(ten, 0, 1);

	(void)state;
	unsigned first = burst(&r, cost_ns, SECONDS(5));
	int64_t wait_ns = rate_wait_ns(&r, cost_ns, SECONDS(5));
	int64_t early_ns = rate_wait_ns(&r, cost_ns, SECONDS(5) + wait_ns - 1);

	assert_int_equal(first, 20);
	assert_int_equal(wait_ns, MS(100));
	assert_int_equal(early_ns, 1);
	assert_int_equal(burst(&r, cost_ns, SECONDS(5) + wait_ns), 1);
	assert_int_equal(burst(&r, cost_ns, SECONDS(6) + wait_ns), 10);
	assert_int_equal(burst(&r, cost_ns, SECONDS(60)), 20);
}

static void what_has_to_wait_takes_nothing(void **state)
{
	struct rate r = {0};
	int64_t cost_ns = rate_cost_ns(ten, 0, 1);

	(void)state;
	burst(&r, cost_ns, SECONDS(5));
	int64_t before_ns = rate_wait_ns(&r, cost_ns, SECONDS(5));
	for (int i = 0; i < 100; i++)
		(void)rate_wait_ns(&r, cost_ns, SECONDS(5));

	assert_int_equal(rate_wait_ns(&r, cost_ns, SECONDS(5)), before_ns);
}

static void bytes_cost_time_beside_the_message(void **state)
{
	const struct rate_limit both = {.messages = 10, .bytes = 1000};

	(void)state;
	assert_int_equal(rate_cost_ns(both, 0, 1), MS(100));
	assert_int_equal(rate_cost_ns(both, 500, 1), MS(600));
	assert_int_equal(rate_cost_ns((struct rate_limit){.bytes = 1000}, 1, 1), MS(1));
	assert_int_equal(rate_cost_ns((struct rate_limit){0}, 1 << 20, 1), 0);
	assert_int_equal(rate_cost_ns(both, SIZE_MAX, 1), RATE_DEBT_NS);
	assert_int_equal(rate_cost_ns(both, 100, 3), MS(600));
	assert_int_equal(rate_cost_ns(both, SIZE_MAX, SIZE_MAX), RATE_DEBT_NS);
}

static void no_limit_is_no_limit(void **state)
{
	struct rate r = {0};

	(void)state;
	assert_int_equal(burst(&r, rate_cost_ns((struct rate_limit){0}, 1 << 20, 1), 0), 1000);
}

/* Else it could never go. */
static void what_is_larger_than_a_burst_goes_alone_and_is_paid_for(void **state)
{
	struct rate r = {0};
	int64_t cost_ns = SECONDS(5);

	(void)state;
	rate_take(&r, MS(1), SECONDS(1));
	int64_t behind_ns = rate_wait_ns(&r, cost_ns, SECONDS(1));
	int64_t alone_ns = rate_wait_ns(&r, cost_ns, SECONDS(1) + behind_ns);
	rate_take(&r, cost_ns, SECONDS(1) + behind_ns);

	assert_int_equal(behind_ns, MS(1));
	assert_int_equal(alone_ns, 0);
	assert_int_equal(rate_wait_ns(&r, MS(1), SECONDS(1) + behind_ns), SECONDS(3) + MS(1));
}

static void clock_that_jumps_ahead_gives_one_burst(void **state)
{
	struct rate r = {0};
	int64_t cost_ns = rate_cost_ns(ten, 0, 1);

	(void)state;
	burst(&r, cost_ns, SECONDS(5));

	assert_int_equal(burst(&r, cost_ns, SECONDS(1000000)), 20);
}

static void clock_that_goes_back_begins_anew(void **state)
{
	struct rate r = {0};
	int64_t cost_ns = rate_cost_ns(ten, 0, 1);

	(void)state;
	burst(&r, cost_ns, SECONDS(1000000));
	unsigned after = burst(&r, cost_ns, SECONDS(5));

	assert_int_equal(after, 20);
	assert_int_equal(rate_wait_ns(&r, cost_ns, SECONDS(5)), MS(100));
}

static void names_do_not_pay_for_each_other(void **state)
{
	struct rate_set s;

	(void)state;
	rate_set_init(&s);
	rate_set_take(&s, SPAN("ann"), SECONDS(2), SECONDS(1));

	assert_int_equal(rate_set_wait_ns(&s, SPAN("ann"), MS(10), SECONDS(1)), MS(10));
	assert_int_equal(rate_set_wait_ns(&s, SPAN("bo"), MS(10), SECONDS(1)), 0);
	assert_int_equal(rate_set_wait_ns(&s, SPAN_NONE, MS(10), SECONDS(1)), 0);
	rate_set_fini(&s);
}

static void who_owes_nothing_takes_no_memory(void **state)
{
	struct rate_set s;
	char name[16];

	(void)state;
	rate_set_init(&s);
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "u%d", i);
		rate_set_take(&s, span_str(name), i == 7 ? SECONDS(2) : MS(1), SECONDS(1));
	}
	size_t before = rate_set_count(&s);
	for (int i = 0; i < 20; i++)
		rate_set_sweep(&s, SECONDS(2));

	assert_int_equal(before, 3000);
	assert_int_equal(rate_set_count(&s), 1);
	assert_int_equal(rate_set_wait_ns(&s, SPAN("u7"), SECONDS(2), SECONDS(2)), SECONDS(1));
	rate_set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_seconds_worth_goes_at_once_and_then_the_rate),
		cmocka_unit_test(what_has_to_wait_takes_nothing),
		cmocka_unit_test(bytes_cost_time_beside_the_message),
		cmocka_unit_test(no_limit_is_no_limit),
		cmocka_unit_test(what_is_larger_than_a_burst_goes_alone_and_is_paid_for),
		cmocka_unit_test(clock_that_jumps_ahead_gives_one_burst),
		cmocka_unit_test(clock_that_goes_back_begins_anew),
		cmocka_unit_test(names_do_not_pay_for_each_other),
		cmocka_unit_test(who_owes_nothing_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
