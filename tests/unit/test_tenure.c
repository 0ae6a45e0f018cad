/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/tenure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int init(void **state)
{
	struct tenure *t = test_malloc(sizeof *t);

	tenure_init(t);
	*state = t;
	return 0;
}

static int fini(void **state)
{
	test_free(*state);
	return 0;
}

static void slot_goes_from_absent_to_open_to_drain_to_absent(void **state)
{
	struct tenure *t = *state;

	assert_int_equal(tenure_state(t, 7), TENURE_ABSENT);
	assert_true(tenure_move(t, 7, TENURE_GAIN));
	assert_int_equal(tenure_state(t, 7), TENURE_PENDING);
	assert_true(tenure_move(t, 7, TENURE_TRUST));
	assert_int_equal(tenure_state(t, 7), TENURE_OPEN);
	assert_true(tenure_move(t, 7, TENURE_HOLD));
	assert_int_equal(tenure_state(t, 7), TENURE_DRAIN);
	assert_true(tenure_move(t, 7, TENURE_LOSE));
	assert_int_equal(tenure_state(t, 7), TENURE_ABSENT);
}

static void slot_in_doubt_is_not_open_until_it_was_taken_again(void **state)
{
	struct tenure *t = *state;

	tenure_move(t, 7, TENURE_GAIN);
	tenure_move(t, 7, TENURE_TRUST);
	assert_true(tenure_move(t, 7, TENURE_DOUBT));
	assert_int_equal(tenure_state(t, 7), TENURE_PENDING);
	assert_int_equal(t->counts[TENURE_PENDING], 1);
	assert_true(tenure_move(t, 7, TENURE_TRUST));
	assert_int_equal(t->counts[TENURE_OPEN], 1);
}

static void slot_whose_hand_over_failed_is_in_doubt(void **state)
{
	struct tenure *t = *state;

	tenure_move(t, 7, TENURE_GAIN);
	tenure_move(t, 7, TENURE_TRUST);
	tenure_move(t, 7, TENURE_HOLD);
	assert_true(tenure_move(t, 7, TENURE_DOUBT));
	assert_int_equal(tenure_state(t, 7), TENURE_DRAIN);
	assert_true(tenure_move(t, 7, TENURE_RESUME));
	assert_int_equal(tenure_state(t, 7), TENURE_PENDING);
}

static void slot_that_is_absent_moves_only_when_it_is_gained(void **state)
{
	struct tenure *t = *state;

	for (enum tenure_move move = 0; move < TENURE_MOVES; move++)
		if (move != TENURE_GAIN)
			assert_false(tenure_move(t, 7, move));
	assert_int_equal(t->counts[TENURE_ABSENT], SLOTS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, init, fini)
	const struct CMUnitTest tests[] = {
		T(slot_goes_from_absent_to_open_to_drain_to_absent),
		T(slot_in_doubt_is_not_open_until_it_was_taken_again),
		T(slot_whose_hand_over_failed_is_in_doubt),
		T(slot_that_is_absent_moves_only_when_it_is_gained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
