/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a room as one native client is told them: every one, in order and once, whether it
 * comes by itself or has to be read from the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/guest.h"

#define JOINED_7 "joined seq=7 role=editor members=u1"

/* The next question for a page: after which event. */
static struct msg_read next_read(struct gateway *g, uint64_t after)
{
	struct msg_read m = owner_next(g, MESSAGE_READ).read;

	assert_int_equal(m.after, after);
	assert_int_equal(m.before, 0);
	assert_int_equal(m.types.len, 0);
	return m;
}

static void answer(struct gateway *g, struct msg_read m, uint64_t from, uint64_t to, uint64_t head)
{
	owner_say_page(g, m.ask,
		       &(struct owner_page){.first = 1, .head = head, .from = from, .to = to});
}

/* In the room, with the events after 3 of 7 to be read. */
static struct msg_read fall_behind(struct guest *c, struct gateway *g)
{
	guest_greet(c, g, "u1");
	guest_join(c, ",\"since\":3", 7);
	guest_expect(c, JOINED_7);
	return next_read(g, 3);
}

/* ---- as it comes ---- */

static void event_is_told_as_it_comes_with_its_n_to_its_author_alone(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&ann, g, "u1", 7);
	guest_enter(&bob, g, "u2", 7);
	(void)guest_told(&ann);

	owner_say_event(g, 8, guest_session(&ann));
	owner_say_event(g, 9, 0);

	guest_expect(&ann, "event seq=8 data=8 n=80; event seq=9 data=9");
	guest_expect(&bob, "event seq=8 data=8; event seq=9 data=9");
	assert_non_null(strstr(bob.socket.said,
			       "\"event\":\"saved\",\"from\":{\"id\":\"u9\",\"name\":\"Nina\","
			       "\"session\":\"0000000500000001\"},\"data\":8,"
			       "\"at\":\"2025-11-24T17:05:31.123Z\""));
}

static void who_has_seen_all_has_nothing_to_read(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	guest_join(&ann, ",\"since\":7", 7);
	owner_say_event(g, 8, 0);

	guest_expect(&ann, JOINED_7 "; event seq=8 data=8");
	assert_false(owner_has_heard(g, MESSAGE_READ));
}

static void event_before_the_list_counts_into_it(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&bob, g, "u2", 7);
	guest_greet(&ann, g, "u1");
	struct item_member m = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, "");
	owner_say_joined(g, &m);
	owner_say_event(g, 8, 0);
	owner_say_welcomed(g, m.session);
	owner_say_event(g, 9, 0);
	lobby_pass(g, MS(50));

	owner_say_event(g, 10, 0);

	guest_expect(&ann, "joined seq=9 role=editor members=u2+u1; event seq=10 data=10");
}

/* Another gateway may have shown it more than this one knows of yet. */
static void event_that_was_seen_elsewhere_is_not_told_again(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");
	guest_join(&ann, ",\"since\":9", 7);

	for (uint64_t seq = 8; seq <= 10; seq++)
		owner_say_event(g, seq, 0);

	guest_expect(&ann, JOINED_7 "; event seq=10 data=10");
	assert_false(owner_has_heard(g, MESSAGE_READ));
}

/* ---- what was missed ---- */

static void missed_events_are_read_and_then_each_is_told_as_it_comes(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	answer(g, m, 4, 7, 7);
	guest_expect(&ann, "event seq=4 data=4 replay=true; event seq=5 data=5 replay=true; "
			   "event seq=6 data=6 replay=true; event seq=7 data=7 replay=true");
	owner_say_event(g, 8, 0);

	guest_expect(&ann, "event seq=8 data=8");
	assert_false(owner_has_heard(g, MESSAGE_READ));
}

static void events_that_come_meanwhile_are_read_in_their_turn(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	owner_say_event(g, 8, 0);
	guest_expect(&ann, "");
	answer(g, m, 4, 7, 7);
	(void)guest_told(&ann);
	m = next_read(g, 7);
	owner_say_event(g, 9, 0);
	owner_say_event(g, 10, 0);
	guest_expect(&ann, "");
	answer(g, m, 8, 10, 10); /* the log knew of them before they came */
	owner_say_event(g, 11, 0);

	guest_expect(&ann, "event seq=8 data=8 replay=true; event seq=9 data=9 replay=true; "
			   "event seq=10 data=10 replay=true; event seq=11 data=11");
	assert_false(owner_has_heard(g, MESSAGE_READ));
}

/* The page knows of an event that this gateway has yet to hear of. */
static void event_that_was_read_is_not_told_again_when_it_comes(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	answer(g, m, 4, 9, 9);
	(void)guest_told(&ann);
	for (uint64_t seq = 8; seq <= 10; seq++)
		owner_say_event(g, seq, 0);

	guest_expect(&ann, "event seq=10 data=10");
}

static void missed_events_are_read_page_by_page(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	answer(g, m, 4, 5, 7);
	guest_expect(&ann, "event seq=4 data=4 replay=true; event seq=5 data=5 replay=true");
	answer(g, next_read(g, 5), 6, 7, 7);

	guest_expect(&ann, "event seq=6 data=6 replay=true; event seq=7 data=7 replay=true");
}

static void missed_event_of_ones_own_has_its_n(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	owner_say_page(
		g, m.ask,
		&(struct owner_page){
			.first = 1, .head = 7, .from = 4, .to = 4, .author = guest_session(&ann)});

	guest_expect(&ann, "event seq=4 data=4 replay=true n=40");
}

static void page_that_cannot_be_had_is_asked_for_again_after_500_ms(void **state)
{
	static const struct owner_page pages[] = {
		{.code = ERR_DB_REFUSED},
		{.first = 1, .head = 3},                     /* not as far as this gateway */
		{.first = 1, .head = 7, .from = 5, .to = 7}, /* not the next one */
	};
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		owner_say_page(g, m.ask, &pages[i]);
		lobby_pass(g, MS(450));
		assert_false(owner_has_heard(g, MESSAGE_READ));
		lobby_pass(g, MS(50));
		m = next_read(g, 3);
	}
	guest_expect(&ann, "");
	answer(g, m, 4, 4, 7);

	guest_expect(&ann, "event seq=4 data=4 replay=true");
}

static void without_a_log_missed_events_wait_until_it_can_be_read(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct item_member m;
	guest_greet(&ann, g, "u1");
	m = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, ",\"since\":3");
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	owner_say_welcomed(g, m.session);
	lobby_pass(g, SECONDS(2));
	guest_expect(&ann, "joined role=editor members=u1");
	assert_false(owner_has_heard(g, MESSAGE_READ));

	owner_say_head(g, 7, 1);
	lobby_pass(g, MS(50));
	answer(g, next_read(g, 3), 4, 4, 7);

	guest_expect(&ann, "event seq=4 data=4 replay=true");
}

static void without_a_log_and_a_wish_the_first_event_that_comes_is_the_first(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct item_member m;
	guest_greet(&ann, g, "u1");
	m = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, "");
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	owner_say_welcomed(g, m.session);
	lobby_pass(g, SECONDS(2));
	(void)guest_told(&ann);

	owner_say_head(g, 7, 1);
	owner_say_event(g, 8, 0);
	owner_say_event(g, 9, 0);

	guest_expect(&ann, "event seq=8 data=8; event seq=9 data=9");
}

/* ---- what is not kept ---- */

static void gap_is_told_and_reading_begins_behind_it(void **state)
{
	static const struct {
		const char *since, *told;
		uint64_t after; /* 0: nothing is read */
	} rows[] = {
		{"", "joined seq=7 role=editor members=u1", 0},
		{",\"since\":1", "joined seq=7 role=editor members=u1 gap={\"from\":2,\"to\":4}",
		 4},
		{",\"since\":3", "joined seq=7 role=editor members=u1 gap={\"from\":4,\"to\":4}",
		 4},
		{",\"since\":4", "joined seq=7 role=editor members=u1", 4},
	};
	struct gateway *g = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest ann;
		guest_greet(&ann, g, "u1");

		guest_join_cut(&ann, rows[i].since, 7, 5);

		guest_expect(&ann, rows[i].told);
		if (rows[i].after)
			(void)next_read(g, rows[i].after);
		assert_false(owner_has_heard(g, MESSAGE_READ));
		lobby_closed(g, ann.socket.session, 1000);
	}
}

static void empty_log_is_a_gap_up_to_its_head(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_greet(&ann, g, "u1");

	guest_join_cut(&ann, ",\"since\":3", 7, 8);
	owner_say_event(g, 8, 0);

	guest_expect(&ann, JOINED_7 " gap={\"from\":4,\"to\":7}; event seq=8 data=8");
	assert_false(owner_has_heard(g, MESSAGE_READ));
}

static void
log_that_was_cut_since_the_join_ends_the_visit_and_the_next_join_tells_the_gap(void **state)
{
	struct gateway *g = *state;
	struct guest ann, bob;
	guest_enter(&bob, g, "u2", 7);
	struct msg_read m;
	guest_greet(&ann, g, "u1");
	guest_join(&ann, ",\"since\":3", 7);
	(void)guest_told(&ann);
	m = next_read(g, 3);

	owner_say_page(g, m.ask, &(struct owner_page){.first = 6, .head = 7, .from = 6, .to = 7});
	guest_expect(&ann, "left code=gone");
	assert_true(owner_has_heard(g, MESSAGE_LEAVE));
	struct item_member again = owner_member(guest_session(&ann), "u1");
	guest_ask(&ann, ",\"since\":3");
	owner_say_joined(g, &again);
	owner_say_welcomed(g, again.session);
	lobby_pass(g, MS(50));

	guest_expect(&ann, "joined seq=7 role=editor members=u2+u1 gap={\"from\":4,\"to\":5}");
	(void)next_read(g, 5);
}

/* ---- who reads slowly ---- */

static void slow_reader_falls_back_to_the_log_and_catches_up(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	ann.socket.queued_bytes = (256u << 10) + 1;
	owner_say_event(g, 8, 0);
	ann.socket.queued_bytes = 0; /* later ones come after what it fell behind with */
	owner_say_event(g, 9, 0);
	guest_expect(&ann, "");
	ann.socket.queued_bytes = (256u << 10) + 1;
	lobby_pass(g, MS(50));
	assert_false(owner_has_heard(g, MESSAGE_READ));

	ann.socket.queued_bytes = 256u << 10;
	lobby_pass(g, MS(50));
	answer(g, next_read(g, 7), 8, 9, 9);
	owner_say_event(g, 10, 0);

	guest_expect(&ann, "event seq=8 data=8 replay=true; event seq=9 data=9 replay=true; "
			   "event seq=10 data=10");
}

static void slow_reader_is_not_read_the_next_page(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	struct msg_read m = fall_behind(&ann, g);

	ann.socket.queued_bytes = 1 << 20;
	answer(g, m, 4, 5, 7);
	lobby_pass(g, MS(50));
	assert_false(owner_has_heard(g, MESSAGE_READ));
	ann.socket.queued_bytes = 0;
	lobby_pass(g, MS(50));

	(void)next_read(g, 5);
}

/* ---- another connection ---- */

static void what_was_missed_between_two_connections_is_read(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7);
	guest_lose(&ann);
	owner_say_event(g, 8, 0);
	guest_open(&again, g, "u1");
	guest_hello(&again, ann.resume);
	(void)guest_told(&again);
	owner_say_event(g, 9, 0);

	guest_join(&again, ",\"since\":7", 9);
	lobby_pass(g, MS(50));
	guest_expect(&again, "joined seq=9 role=editor members=u1");
	answer(g, next_read(g, 7), 8, 9, 9);
	owner_say_event(g, 10, 0);

	guest_expect(&again, "event seq=8 data=8 replay=true; event seq=9 data=9 replay=true; "
			     "event seq=10 data=10");
}

/* Its answer may come before or after the new list. */
static void page_for_the_old_connection_gives_the_new_one_nothing_twice(void **state)
{
	struct gateway *g = *state;

	for (unsigned late = 0; late < 2; late++) {
		struct guest ann, again;
		struct msg_read m = fall_behind(&ann, g);
		guest_come_back(&again, &ann);
		if (!late)
			answer(g, m, 4, 7, 7);
		guest_join(&again, ",\"since\":5", 7);
		lobby_pass(g, MS(50));
		if (late)
			answer(g, m, 4, 7, 7);
		guest_expect(&again, JOINED_7);

		lobby_pass(g, MS(500));
		answer(g, next_read(g, 5), 6, 7, 7);

		guest_expect(&again,
			     "event seq=6 data=6 replay=true; event seq=7 data=7 replay=true");
		lobby_closed(g, again.socket.session, 1000);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(event_is_told_as_it_comes_with_its_n_to_its_author_alone),
		T(who_has_seen_all_has_nothing_to_read),
		T(event_before_the_list_counts_into_it),
		T(event_that_was_seen_elsewhere_is_not_told_again),
		T(missed_events_are_read_and_then_each_is_told_as_it_comes),
		T(events_that_come_meanwhile_are_read_in_their_turn),
		T(event_that_was_read_is_not_told_again_when_it_comes),
		T(missed_events_are_read_page_by_page),
		T(missed_event_of_ones_own_has_its_n),
		T(page_that_cannot_be_had_is_asked_for_again_after_500_ms),
		T(without_a_log_missed_events_wait_until_it_can_be_read),
		T(without_a_log_and_a_wish_the_first_event_that_comes_is_the_first),
		T(gap_is_told_and_reading_begins_behind_it),
		T(empty_log_is_a_gap_up_to_its_head),
		T(log_that_was_cut_since_the_join_ends_the_visit_and_the_next_join_tells_the_gap),
		T(slow_reader_falls_back_to_the_log_and_catches_up),
		T(slow_reader_is_not_read_the_next_page),
		T(what_was_missed_between_two_connections_is_read),
		T(page_for_the_old_connection_gives_the_new_one_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
