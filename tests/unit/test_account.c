/* SPDX-License-Identifier: Apache-2.0 */
/* The checker can fail: each flaw is told to it and counted, once; and what is allowed to be
 * missing is not. Two rooms of three, of whom all speak. */
#include "bench/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define S(n) ((n)*NS_PER_S)
#define MS(n) ((n)*NS_PER_MS)
#define PEOPLE 6

static struct account *a;

static void enter(size_t person, int64_t now_ns)
{
	struct account_entry entry = {.is_native = true, .has_seq = true, .seq = 10};

	account_enter(a, person, &entry, now_ns);
}

static void enter_v0(size_t person, int64_t now_ns)
{
	struct account_entry entry = {.is_native = false};

	account_enter(a, person, &entry, now_ns);
}

static int setup(void **state)
{
	static const size_t people[] = {3, 3};
	struct account_plan plan = {
		.rooms = 2, .people = people, .merge_ns = MS(100), .grace_ns = S(10)};

	(void)state;
	a = account_new(&plan);
	for (size_t i = 0; i < PEOPLE; i++)
		enter(i, S(1));
	for (size_t i = 0; i < PEOPLE; i++) {
		account_list_begin(a, i);
		for (size_t k = i / 3 * 3; k < i / 3 * 3 + 3; k++)
			account_listed(a, i, k);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	account_free(&a);
	return 0;
}

/* At the end, this and nothing else. */
static void assert_flaws(enum flaw flaw, uint64_t count)
{
	account_close(a, S(100));
	for (size_t i = 0; account_example(a, i) && account_flaws(a) != count; i++)
		print_message("%s\n", account_example(a, i));
	assert_int_equal(account_flaw(a, flaw), count);
	assert_int_equal(account_flaws(a), count);
}

static void all_hear(size_t sender, uint32_t number)
{
	for (size_t i = sender / 3 * 3; i < sender / 3 * 3 + 3; i++)
		if (i != sender)
			account_hear(a, i, sender, number);
}

static void all_see(size_t sender, uint32_t number, uint64_t seq)
{
	for (size_t i = sender / 3 * 3; i < sender / 3 * 3 + 3; i++)
		account_event(a, i, seq, sender, number);
}

static void publish_and_show(size_t sender, uint64_t seq)
{
	uint32_t number = account_publish(a, sender);

	all_see(sender, number, seq);
	account_ack(a, sender, number, seq);
}

static void all_is_well(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		all_hear(1, account_cast(a, 1, S(2) + MS(i)));
	for (uint64_t seq = 11; seq < 2000; seq++)
		publish_and_show(seq % 3, seq);

	assert_true(account_is_settled(a));
	assert_flaws(FLAW_LOST, 0);
}

static void an_event_that_one_misses_is_lost(void **state)
{
	(void)state;
	publish_and_show(0, 11);
	uint32_t number = account_publish(a, 0);
	account_event(a, 0, 12, 0, number);
	account_event(a, 1, 12, 0, number);
	assert_false(account_is_settled(a));
	number = account_publish(a, 0);
	all_see(0, number, 13);

	assert_flaws(FLAW_LOST, 1);
}

static void an_acknowledged_event_that_nobody_sees_is_lost_to_each(void **state)
{
	(void)state;
	account_ack(a, 0, account_publish(a, 0), 11);

	assert_false(account_is_settled(a));
	assert_flaws(FLAW_LOST, 3);
}

static void an_event_shown_twice_is_duplicated(void **state)
{
	(void)state;
	publish_and_show(0, 11);
	account_event(a, 2, 11, 0, 1);

	assert_flaws(FLAW_DUPLICATED, 1);
}

static void events_that_change_places_are_reordered_not_lost(void **state)
{
	uint32_t first = account_publish(a, 0), second = account_publish(a, 1);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		account_event(a, i, 11, 0, first);
		account_event(a, i, 12, 1, second);
	}
	account_event(a, 2, 12, 1, second);
	account_event(a, 2, 11, 0, first);

	assert_flaws(FLAW_REORDERED, 1);
}

static void a_publish_stored_twice_is_duplicated(void **state)
{
	uint32_t number = account_publish(a, 0);

	(void)state;
	all_see(0, number, 11);
	all_see(0, number, 12);

	assert_flaws(FLAW_DUPLICATED, 1);
}

static void publishes_of_one_person_stored_in_another_order_are_reordered(void **state)
{
	uint32_t first = account_publish(a, 0), second = account_publish(a, 0);

	(void)state;
	all_see(0, second, 11);
	all_see(0, first, 12);

	assert_flaws(FLAW_REORDERED, 1);
}

static void two_events_under_one_number_are_forked(void **state)
{
	uint32_t first = account_publish(a, 0), second = account_publish(a, 1);

	(void)state;
	account_event(a, 0, 11, 0, first);
	account_event(a, 1, 11, 0, first);
	account_event(a, 2, 11, 1, second);

	assert_flaws(FLAW_FORKED, 1);
}

static void an_ack_that_is_not_true_is_forked(void **state)
{
	(void)state;
	all_see(0, account_publish(a, 0), 11);
	account_ack(a, 1, account_publish(a, 1), 11);

	assert_flaws(FLAW_FORKED, 1);
}

static void events_missed_while_away_are_owed(void **state)
{
	(void)state;
	account_lose(a, 2, S(3));
	uint32_t number = account_publish(a, 0);
	account_event(a, 0, 11, 0, number);
	account_event(a, 1, 11, 0, number);
	enter(2, S(4));
	assert_false(account_is_settled(a));
	account_event(a, 2, 11, 0, number);
	assert_true(account_is_settled(a));

	assert_flaws(FLAW_LOST, 0);
}

static void who_never_comes_back_has_missed_them(void **state)
{
	(void)state;
	account_lose(a, 2, S(3));
	uint32_t number = account_publish(a, 0);
	account_event(a, 0, 11, 0, number);
	account_event(a, 1, 11, 0, number);

	assert_false(account_is_settled(a));
	account_close(a, S(100));
	assert_int_equal(account_flaw(a, FLAW_LOST), 1);
}

static void who_left_on_purpose_begins_anew(void **state)
{
	(void)state;
	account_leave(a, 2, S(3));
	for (size_t i = 0; i < 2; i++)
		account_went(a, i, 2, S(3));
	uint32_t number = account_publish(a, 0);
	account_event(a, 0, 11, 0, number);
	account_event(a, 1, 11, 0, number);
	account_enter(a, 2, &(struct account_entry){true, true, 11}, S(20));
	for (size_t i = 0; i < 2; i++)
		account_came(a, i, 2, S(20));
	account_list_begin(a, 2);
	for (size_t i = 0; i < 3; i++)
		account_listed(a, 2, i);
	publish_and_show(2, 12);

	assert_flaws(FLAW_LOST, 0);
}

static void a_gap_that_is_told_is_lost_all_the_same(void **state)
{
	(void)state;
	account_gap(a, 1, 11, 13);
	account_close(a, S(100));

	assert_int_equal(account_flaw(a, FLAW_LOST), 3);
}

static void a_v0_client_is_owed_each_publish_of_each_person(void **state)
{
	(void)state;
	account_leave(a, 2, S(2));
	enter_v0(2, S(3));
	for (int i = 0; i < 3; i++) {
		uint32_t number = account_publish(a, 0);

		account_event(a, 0, 11 + (uint64_t)i, 0, number);
		account_event(a, 1, 11 + (uint64_t)i, 0, number);
		if (i != 1)
			account_shown(a, 2, 0, number, S(4));
	}
	account_close(a, S(100));

	assert_int_equal(account_flaw(a, FLAW_LOST), 1);
}

static void a_v0_client_may_be_shown_again_only_what_came_before_it_was_lost(void **state)
{
	(void)state;
	account_leave(a, 2, S(2));
	enter_v0(2, S(3));
	uint32_t number = account_publish(a, 0);
	account_event(a, 0, 11, 0, number);
	account_event(a, 1, 11, 0, number);
	assert_true(account_shown(a, 2, 0, number, S(4)));
	account_lose(a, 2, S(5));
	enter_v0(2, S(6));
	assert_false(account_shown(a, 2, 0, number, S(6)));
	assert_int_equal(account_flaw(a, FLAW_DUPLICATED), 0);
	assert_false(account_shown(a, 2, 0, number, S(60)));

	assert_int_equal(account_flaw(a, FLAW_DUPLICATED), 1);
}

static void numbers_of_v0_grow(void **state)
{
	(void)state;
	account_relay(a, 0, 5);
	account_relay(a, 0, 7);
	account_relay(a, 0, 7);

	assert_int_equal(account_flaw(a, FLAW_REORDERED), 1);
}

static void a_cast_that_nothing_replaced_is_lost(void **state)
{
	(void)state;
	account_hear(a, 0, 1, account_cast(a, 1, S(2)));
	account_hear(a, 2, 1, 1);
	account_hear(a, 0, 1, account_cast(a, 1, S(3))); /* 2 does not hear it */
	all_hear(1, account_cast(a, 1, S(4)));

	assert_flaws(FLAW_LOST, 1);
}

static void the_last_cast_must_come(void **state)
{
	(void)state;
	all_hear(1, account_cast(a, 1, S(2)));
	account_hear(a, 0, 1, account_cast(a, 1, S(2) + MS(10)));

	assert_false(account_is_settled(a));
	assert_flaws(FLAW_LOST, 1);
}

static void a_cast_that_a_later_one_replaced_at_once_is_merged(void **state)
{
	(void)state;
	account_cast(a, 1, S(2));
	account_cast(a, 1, S(2) + MS(50));
	all_hear(1, account_cast(a, 1, S(2) + MS(60)));

	assert_int_equal(account_merged(a), 4);
	assert_flaws(FLAW_LOST, 0);
}

static void casts_that_come_twice_or_late_are_counted(void **state)
{
	(void)state;
	all_hear(1, account_cast(a, 1, S(2)));
	all_hear(1, account_cast(a, 1, S(2) + MS(10)));
	account_hear(a, 0, 1, 2);
	assert_int_equal(account_flaw(a, FLAW_DUPLICATED), 1);
	account_hear(a, 0, 1, 1);

	assert_int_equal(account_flaw(a, FLAW_REORDERED), 1);
	assert_int_equal(account_flaws(a), 2);
}

static void casts_may_be_lost_while_something_is_killed_and_no_longer(void **state)
{
	(void)state;
	account_cast(a, 1, S(2));
	account_spare(a, true, S(2) + MS(500)); /* the one before was on its way */
	account_cast(a, 1, S(3));
	account_spare(a, false, S(5));
	account_cast(a, 1, S(6));
	all_hear(1, account_cast(a, 1, S(8)));

	assert_int_equal(account_spared(a), 4);
	assert_flaws(FLAW_LOST, 2);
}

static void last_cast_is_not_waited_for_if_it_was_said_while_something_was_killed(void **state)
{
	(void)state;
	all_hear(1, account_cast(a, 1, S(2)));
	account_cast(a, 1, S(5));
	assert_false(account_is_settled(a));
	account_spare(a, true, S(5));
	account_cast(a, 1, S(6));
	account_spare(a, false, S(7));
	assert_true(account_is_settled(a));

	account_cast(a, 1, S(9));
	assert_false(account_is_settled(a));
}

static void casts_said_while_a_reader_is_away_are_not_owed_to_him(void **state)
{
	(void)state;
	account_lose(a, 0, S(2));
	account_hear(a, 2, 1, account_cast(a, 1, S(3)));
	enter(0, S(4));
	all_hear(1, account_cast(a, 1, S(5)));

	assert_flaws(FLAW_LOST, 0);
}

static void of_a_sender_who_lost_his_connection_the_last_may_be_missing(void **state)
{
	(void)state;
	account_cast(a, 1, S(2));
	account_lose(a, 1, S(2) + MS(1));
	enter(1, S(3));
	all_hear(1, account_cast(a, 1, S(5)));

	assert_int_equal(account_spared(a), 2);
	assert_flaws(FLAW_LOST, 0);
}

static void a_slow_reader_is_owed_the_last_of_each_only(void **state)
{
	(void)state;
	account_slow(a, 2);
	for (int i = 0; i < 5; i++)
		account_hear(a, 0, 1, account_cast(a, 1, S(2 + i)));
	account_hear(a, 2, 1, 5);

	assert_int_equal(account_merged(a), 4);
	assert_flaws(FLAW_LOST, 0);
}

static void what_is_longer_ago_than_remembered_is_judged_by_its_pace(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++)
		account_cast(a, 1, S(2) + MS(200) * i);
	all_hear(1, 300);

	assert_int_equal(account_flaw(a, FLAW_LOST), 2 * 299);
}

static void nobody_is_gone_who_is_there(void **state)
{
	(void)state;
	account_went(a, 0, 1, S(5));

	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 1);
	account_came(a, 0, 1, S(60)); /* he is, so that his coming is no news that is false */
	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 1);
	account_came(a, 0, 1, S(61));
	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 2);
}

static void a_lost_connection_is_shown_as_gone_only_after_the_grace(void **state)
{
	(void)state;
	account_lose(a, 1, S(20));
	account_went(a, 0, 1, S(29));
	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 1);
	account_went(a, 2, 1, S(31));

	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 1);
}

static void ghosts_and_strangers_are_found_at_the_end(void **state)
{
	(void)state;
	account_leave(a, 1, S(20)); /* 0 and 2 are not told */
	account_close(a, S(100));

	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 2);
}

static void who_comes_must_be_shown_to_the_others(void **state)
{
	(void)state;
	account_leave(a, 1, S(20));
	for (size_t i = 0; i < 3; i += 2)
		account_went(a, i, 1, S(20));
	enter(1, S(30));
	account_came(a, 0, 1, S(30));
	account_close(a, S(100));

	assert_int_equal(account_flaw(a, FLAW_FALSE_PRESENCE), 1); /* 2 was not told */
}

static void what_nobody_said_is_garbled(void **state)
{
	(void)state;
	account_hear(a, 0, 1, 1);
	account_hear(a, 0, 4, 1);
	account_event(a, 0, 11, 1, 1);
	account_event(a, 0, 11, PEOPLE + 5, 1);
	account_garbled(a, 0, SPAN("{"));

	assert_int_equal(account_flaw(a, FLAW_GARBLED), 5);
}

static void publishes_without_an_answer_are_counted(void **state)
{
	(void)state;
	account_publish(a, 0);
	account_unanswered(a, 0, 1);

	assert_flaws(FLAW_UNANSWERED, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(all_is_well),
		CASE(an_event_that_one_misses_is_lost),
		CASE(an_acknowledged_event_that_nobody_sees_is_lost_to_each),
		CASE(an_event_shown_twice_is_duplicated),
		CASE(events_that_change_places_are_reordered_not_lost),
		CASE(a_publish_stored_twice_is_duplicated),
		CASE(publishes_of_one_person_stored_in_another_order_are_reordered),
		CASE(two_events_under_one_number_are_forked),
		CASE(an_ack_that_is_not_true_is_forked),
		CASE(events_missed_while_away_are_owed),
		CASE(who_never_comes_back_has_missed_them),
		CASE(who_left_on_purpose_begins_anew),
		CASE(a_gap_that_is_told_is_lost_all_the_same),
		CASE(a_v0_client_is_owed_each_publish_of_each_person),
		CASE(a_v0_client_may_be_shown_again_only_what_came_before_it_was_lost),
		CASE(numbers_of_v0_grow),
		CASE(a_cast_that_nothing_replaced_is_lost),
		CASE(the_last_cast_must_come),
		CASE(a_cast_that_a_later_one_replaced_at_once_is_merged),
		CASE(casts_that_come_twice_or_late_are_counted),
		CASE(casts_may_be_lost_while_something_is_killed_and_no_longer),
		CASE(last_cast_is_not_waited_for_if_it_was_said_while_something_was_killed),
		CASE(casts_said_while_a_reader_is_away_are_not_owed_to_him),
		CASE(of_a_sender_who_lost_his_connection_the_last_may_be_missing),
		CASE(a_slow_reader_is_owed_the_last_of_each_only),
		CASE(what_is_longer_ago_than_remembered_is_judged_by_its_pace),
		CASE(nobody_is_gone_who_is_there),
		CASE(a_lost_connection_is_shown_as_gone_only_after_the_grace),
		CASE(ghosts_and_strangers_are_found_at_the_end),
		CASE(who_comes_must_be_shown_to_the_others),
		CASE(what_nobody_said_is_garbled),
		CASE(publishes_without_an_answer_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
