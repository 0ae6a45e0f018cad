/* SPDX-License-Identifier: Apache-2.0 */
/* When a shard waits for all gateways to have spoken. It beats every 4 ms. */
#include "roomd/gathering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MS(n) ((n)*NS_PER_MS)
#define BEAT MS(4)
#define HEARD(n) ((struct gathering_turn){.heard = n})
#define END(ms) (MS(ms) + GATHERING_NS)

static const struct beat two_gateways = {.period_ns = BEAT, .gateways = 2};

static void what_comes_between_two_beats_is_answered_at_once(void **state)
{
	struct gathering g = {0};

	(void)state;
	for (int64_t ms = 101; ms < 200; ms += 4) {
		assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(ms)), 0);
		assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(ms + 1)), 0);
	}
}

static void one_that_comes_on_the_beat_waits_for_the_others(void **state)
{
	struct gathering g = {0};

	(void)state;
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(104) + GATHERING_NS / 2),
			 END(104));
}

static void those_who_came_together_are_expected_together(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(1), MS(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), END(104)), END(108));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(2), END(108)), END(112));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(3), END(112) + 9), END(116));
}

/* The others may only be late. */
static void it_ends_when_twice_nobody_had_company(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(2), MS(104));
	(void)gathering_turn(&g, &two_gateways, HEARD(0), END(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), END(108)), END(112));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(2), END(112)), END(116));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(0), END(116)), END(120));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), END(120)), 0);
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(122)), 0);
}

static void nobody_came_and_nobody_is_waited_for(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(1), MS(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(0), END(104)), 0);
}

/* The turn was late, and the next beat has come: who spoke on that is waited for. */
static void a_late_end_waits_for_the_next_beat_only(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(1), MS(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(3), MS(108) + 1), END(108));
}

/* The database answered meanwhile, or a timer was due. */
static void a_turn_between_does_not_end_it(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(2), MS(104));
	(void)gathering_turn(&g, &two_gateways, HEARD(0), END(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(0), MS(106)), END(108));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(107)), END(108));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), END(108)), END(112));
}

static void while_events_are_stored_nobody_is_waited_for(void **state)
{
	const struct gathering_turn published = {.heard = 1, .is_storing = true};
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD(2), MS(104));
	assert_int_equal(gathering_turn(&g, &two_gateways, published, END(104)), 0);
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD(1), MS(106)), END(108));
}

static void one_gateway_is_never_waited_for(void **state)
{
	const struct beat one_gateway = {.period_ns = BEAT, .gateways = 1};
	struct gathering g = {0};

	(void)state;
	for (int64_t ms = 100; ms < 110; ms++)
		assert_int_equal(gathering_turn(&g, &one_gateway, HEARD(2), MS(ms)), 0);
}

static void without_a_beat_nobody_is(void **state)
{
	const struct beat none = {.gateways = 3};
	struct gathering g = {0};

	(void)state;
	for (int64_t ms = 100; ms < 110; ms++)
		assert_int_equal(gathering_turn(&g, &none, HEARD(2), MS(ms)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_between_two_beats_is_answered_at_once),
		cmocka_unit_test(one_that_comes_on_the_beat_waits_for_the_others),
		cmocka_unit_test(those_who_came_together_are_expected_together),
		cmocka_unit_test(it_ends_when_twice_nobody_had_company),
		cmocka_unit_test(nobody_came_and_nobody_is_waited_for),
		cmocka_unit_test(a_late_end_waits_for_the_next_beat_only),
		cmocka_unit_test(a_turn_between_does_not_end_it),
		cmocka_unit_test(while_events_are_stored_nobody_is_waited_for),
		cmocka_unit_test(one_gateway_is_never_waited_for),
		cmocka_unit_test(without_a_beat_nobody_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
