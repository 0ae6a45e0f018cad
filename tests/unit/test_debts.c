/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may send after refusals, and that it can never block itself. */
#include "gateway/debts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct debts d;

static int empty(void **state)
{
	(void)state;
	debts_clear(&d);
	return 0;
}

static void refuse(uint64_t n)
{
	assert_true(debts_add(&d, n));
}

static void debts_forbid_what_was_sent_after_one_that_is_owed(void **state)
{
	(void)state;
	refuse(3);
	assert_false(debts_forbid(&d, 2));
	assert_false(debts_forbid(&d, 3));
	assert_true(debts_forbid(&d, 4));

	debts_settle_up_to(&d, 3);
	assert_false(debts_forbid(&d, 4));
}

/* 3 was acknowledged over another connection, say: 4 comes again without it. */
static void debts_let_go_on_who_knew_of_the_earlier_refusal(void **state)
{
	(void)state;
	refuse(3);
	refuse(4);
	assert_false(debts_forbid(&d, 4));
	debts_settle_up_to(&d, 4);
	assert_int_equal(d.count, 0);
}

/* 4 was refused at once, as too much; then 3, which had been under way: 4 may come again before the
 * client has read that. */
static void debts_forbid_who_could_not_know_of_the_earlier_refusal(void **state)
{
	(void)state;
	refuse(4);
	refuse(3);
	assert_true(debts_forbid(&d, 4));
	refuse(4);
	assert_false(debts_forbid(&d, 4));
}

static void debts_are_settled_one_by_one_when_refused_for_good(void **state)
{
	(void)state;
	refuse(5);
	refuse(3);
	refuse(3);
	assert_int_equal(d.count, 2);
	debts_settle(&d, 4);
	debts_settle(&d, 3);
	assert_int_equal(d.count, 1);
	assert_false(debts_forbid(&d, 4));
	assert_true(debts_forbid(&d, 6));
}

static void debts_are_bounded(void **state)
{
	(void)state;
	for (uint64_t n = DEBTS_MAX; n > 0; n--)
		refuse(n);
	assert_false(debts_add(&d, DEBTS_MAX + 1));
	assert_true(debts_add(&d, 1));
	debts_settle_up_to(&d, DEBTS_MAX);
	assert_int_equal(d.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(debts_forbid_what_was_sent_after_one_that_is_owed, empty),
		cmocka_unit_test_setup(debts_let_go_on_who_knew_of_the_earlier_refusal, empty),
		cmocka_unit_test_setup(debts_forbid_who_could_not_know_of_the_earlier_refusal,
				       empty),
		cmocka_unit_test_setup(debts_are_settled_one_by_one_when_refused_for_good, empty),
		cmocka_unit_test_setup(debts_are_bounded, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
