/* SPDX-License-Identifier: Apache-2.0 */
/* When a shard waits for all gateways to have spoken. It beats every 4 ms. */
#include "roomd/gathering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MS(n) ((n)*NS_PER_MS)
#define BEAT MS(4)
#define HEARD ((struct gathering_turn){.heard = true})
#define NOBODY ((struct gathering_turn){.heard = false})

static const struct beat two_gateways = {.period_ns = BEAT, .gateways = 2};

static void what_comes_after_a_pause_is_answered_at_once(void **state)
{
	struct gathering g = {0};

	(void)state;
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(100)), 0);
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(120)), 0);
}

static void those_who_follow_closely_are_heard_after_the_next_beat(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD, MS(101));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(103)), MS(104) + GATHERING_NS);
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(104) + GATHERING_NS),
			 MS(108) + GATHERING_NS);
}

/* The first of them woke the shard: it waits for the others, not for the beat after. */
static void one_that_comes_on_the_beat_waits_for_the_others_only(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD, MS(101));
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(104) + GATHERING_NS / 2),
			 MS(104) + GATHERING_NS);
}

/* The database answered meanwhile, or a timer was due. */
static void a_turn_between_does_not_end_it(void **state)
{
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD, MS(101));
	(void)gathering_turn(&g, &two_gateways, HEARD, MS(102));
	assert_int_equal(gathering_turn(&g, &two_gateways, NOBODY, MS(103)),
			 MS(104) + GATHERING_NS);
	assert_int_equal(gathering_turn(&g, &two_gateways, NOBODY, MS(104) + GATHERING_NS), 0);
}

static void while_events_are_stored_nobody_is_waited_for(void **state)
{
	const struct gathering_turn published = {.heard = true, .is_storing = true};
	struct gathering g = {0};

	(void)state;
	(void)gathering_turn(&g, &two_gateways, HEARD, MS(101));
	assert_int_equal(gathering_turn(&g, &two_gateways, published, MS(102)), 0);
	assert_int_equal(gathering_turn(&g, &two_gateways, HEARD, MS(103)), MS(104) + GATHERING_NS);
}

static void one_gateway_is_never_waited_for(void **state)
{
	const struct beat one_gateway = {.period_ns = BEAT, .gateways = 1};
	struct gathering g = {0};

	(void)state;
	for (int64_t ms = 100; ms < 110; ms++)
		assert_int_equal(gathering_turn(&g, &one_gateway, HEARD, MS(ms)), 0);
}

static void without_a_beat_nobody_is(void **state)
{
	const struct beat none = {.gateways = 3};
	struct gathering g = {0};

	(void)state;
	for (int64_t ms = 100; ms < 110; ms++)
		assert_int_equal(gathering_turn(&g, &none, HEARD, MS(ms)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_after_a_pause_is_answered_at_once),
		cmocka_unit_test(those_who_follow_closely_are_heard_after_the_next_beat),
		cmocka_unit_test(one_that_comes_on_the_beat_waits_for_the_others_only),
		cmocka_unit_test(a_turn_between_does_not_end_it),
		cmocka_unit_test(while_events_are_stored_nobody_is_waited_for),
		cmocka_unit_test(one_gateway_is_never_waited_for),
		cmocka_unit_test(without_a_beat_nobody_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
