/* SPDX-License-Identifier: Apache-2.0 */
/* What lost v0 connections had proved, until somebody comes for it. */
#include "roomd/tails.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct tails t;

static int open_tails(void **state)
{
	(void)state;
	tails_init(&t);
	return 0;
}

static int close_tails(void **state)
{
	(void)state;
	tails_fini(&t);
	return 0;
}

static void tail_is_given_once_to_its_user(void **state)
{
	uint64_t proved = 0;

	(void)state;
	tails_note(&t, 1, SPAN("ann"), 7, 100);
	assert_false(tails_claim(&t, SPAN("bob"), &proved));
	assert_true(tails_claim(&t, SPAN("ann"), &proved));
	assert_int_equal(proved, 7);
	assert_false(tails_claim(&t, SPAN("ann"), &proved));
}

static void tail_that_was_given_is_not_noted_again(void **state)
{
	uint64_t proved = 0;

	(void)state;
	tails_note(&t, 1, SPAN("ann"), 7, 100);
	assert_true(tails_claim(&t, SPAN("ann"), &proved));
	tails_note(&t, 1, SPAN("ann"), 7, 200);
	assert_false(tails_claim(&t, SPAN("ann"), &proved));
}

static void tails_of_one_user_are_given_oldest_first(void **state)
{
	uint64_t proved = 0;

	(void)state;
	tails_note(&t, 1, SPAN("ann"), 7, 100);
	tails_note(&t, 2, SPAN("ann"), 9, 100);
	tails_note(&t, 1, SPAN("ann"), 8, 100);
	assert_true(tails_claim(&t, SPAN("ann"), &proved));
	assert_int_equal(proved, 8);
	assert_true(tails_claim(&t, SPAN("ann"), &proved));
	assert_int_equal(proved, 9);
}

static void tail_ends_with_its_window(void **state)
{
	uint64_t proved = 0;

	(void)state;
	assert_int_equal(tails_next_ns(&t), INT64_MAX);
	tails_note(&t, 1, SPAN("ann"), 7, 100);
	assert_int_equal(tails_next_ns(&t), 100);
	tails_expire(&t, 99);
	assert_int_equal(t.count, 1);
	tails_expire(&t, 100);
	assert_int_equal(t.count, 0);
	assert_false(tails_claim(&t, SPAN("ann"), &proved));
}

static void tails_are_bounded_and_the_oldest_goes(void **state)
{
	uint64_t proved = 0;

	(void)state;
	for (uint64_t i = 0; i <= TAILS_MAX; i++)
		tails_note(&t, i, SPAN("ann"), i, 100);
	assert_int_equal(t.count, TAILS_MAX);
	assert_true(tails_claim(&t, SPAN("ann"), &proved));
	assert_int_equal(proved, 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_tails, close_tails)
	const struct CMUnitTest tests[] = {
		CASE(tail_is_given_once_to_its_user),
		CASE(tail_that_was_given_is_not_noted_again),
		CASE(tails_of_one_user_are_given_oldest_first),
		CASE(tail_ends_with_its_window),
		CASE(tails_are_bounded_and_the_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
