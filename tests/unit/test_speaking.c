/* SPDX-License-Identifier: Apache-2.0 */
/* When a gateway says what it has for its shards. It beats every 4 ms, and there are two shards. */
#include "gateway/speaking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MS(n) ((n)*NS_PER_MS)
#define US(n) ((n)*NS_PER_US)

static const struct beat two_shards = {.period_ns = MS(4), .gateways = 1, .shards = 2};
static const struct beat one_shard = {.period_ns = MS(4), .gateways = 1, .shards = 1};

static void what_comes_after_a_pause_is_said_at_once(void **state)
{
	struct speaking s = {0};

	(void)state;
	for (int64_t ms = 100; ms < 200; ms += 10) {
		assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(ms)), 0);
		assert_false(s.is_dense);
	}
}

static void what_comes_when_much_is_said_waits_for_the_beat(void **state)
{
	struct speaking s = {0};

	(void)state;
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(100)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(100) + US(300)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(100) + US(600)), MS(104));
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(102)), MS(104));
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(104)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(104) + US(1)), MS(108));
	assert_true(s.is_dense);
}

/* In a period and the one before it there is one for each shard. */
static void what_would_not_have_company_does_not_wait(void **state)
{
	struct speaking s = {0};

	(void)state;
	for (int64_t ms = 100; ms < 200; ms += 4)
		assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(ms)), 0);
	assert_false(s.is_dense);
}

static void with_one_shard_the_second_in_a_period_has_company(void **state)
{
	struct speaking s = {0};

	(void)state;
	assert_int_equal(speaking_turn(&s, &one_shard, 1, MS(101)), 0);
	assert_int_equal(speaking_turn(&s, &one_shard, 1, MS(102)), MS(104));
}

static void those_of_the_period_before_count(void **state)
{
	struct speaking s = {0};

	(void)state;
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(103)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(105)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(106)), MS(108));
}

static void older_ones_do_not(void **state)
{
	struct speaking s = {0};

	(void)state;
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(103)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 2, MS(109)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(110)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(111)), MS(112));
}

/* So that the gateway need not wake up for each until then. */
static void more_is_expected_until_a_beat_comes_without_any(void **state)
{
	struct speaking s = {0};

	(void)state;
	(void)speaking_turn(&s, &two_shards, 3, MS(100));
	assert_false(s.is_dense);
	(void)speaking_turn(&s, &two_shards, 1, MS(101));
	assert_true(s.is_dense);
	(void)speaking_turn(&s, &two_shards, 1, MS(104));
	assert_true(s.is_dense);
	assert_int_equal(s.until_ns, MS(108));
	(void)speaking_turn(&s, &two_shards, 0, MS(106));
	assert_true(s.is_dense);
	(void)speaking_turn(&s, &two_shards, 0, MS(108));
	assert_false(s.is_dense);
}

static void it_ends_on_the_beat_when_little_had_come(void **state)
{
	struct speaking s = {0};

	(void)state;
	(void)speaking_turn(&s, &two_shards, 3, MS(100));
	(void)speaking_turn(&s, &two_shards, 1, MS(101));
	(void)speaking_turn(&s, &two_shards, 1, MS(104));
	(void)speaking_turn(&s, &two_shards, 1, MS(105));
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(108)), 0);
	assert_false(s.is_dense);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(109)), 0);
	assert_int_equal(speaking_turn(&s, &two_shards, 1, MS(110)), MS(112));
}

static void without_a_beat_nothing_waits(void **state)
{
	const struct beat none = {.gateways = 3, .shards = 3};
	struct speaking s = {0};

	(void)state;
	for (int64_t us = 100; us < 200; us++)
		assert_int_equal(speaking_turn(&s, &none, 5, US(us)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_after_a_pause_is_said_at_once),
		cmocka_unit_test(what_comes_when_much_is_said_waits_for_the_beat),
		cmocka_unit_test(what_would_not_have_company_does_not_wait),
		cmocka_unit_test(with_one_shard_the_second_in_a_period_has_company),
		cmocka_unit_test(those_of_the_period_before_count),
		cmocka_unit_test(older_ones_do_not),
		cmocka_unit_test(more_is_expected_until_a_beat_comes_without_any),
		cmocka_unit_test(it_ends_on_the_beat_when_little_had_come),
		cmocka_unit_test(without_a_beat_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
