/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told which events of a room, with real shards on a stage: from the head on, from the one
 * that is wanted next, after a move, after a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/slot.h"
#include "tests/lib/stage.h"

/* Shard 0 owns all; gateways 0 and 1 show the room. */
static int open_stage(void **state)
{
	struct stage *s = stage_new();

	stage_start(s, 0);
	stage_run(s, 200);
	for (unsigned g = 0; g < 2; g++) {
		s->gateways[g].hears_heads = true;
		stage_call(s, g, 0);
	}
	stage_turn(s);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	struct stage *s = *state;

	stage_free(&s);
	return 0;
}

/* The other one is asked whether somebody is there too, and says so if it did not yet. */
static void attach(struct stage *s, unsigned gateway, const char *members, uint64_t next)
{
	stage_attach_from(s, gateway, members, next);
	message_put_solicit_done(stage_out(s, 1 - gateway),
				 &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_say(s, 1 - gateway);
	stage_turn(s);
}

static void publish(struct stage *s, unsigned gateway, uint64_t pseq)
{
	stage_publish(s, gateway, STAGE_ROOM, pseq);
	stage_turn(s);
}

/* What it heard of events, and nothing else. */
static void heard(struct stage *s, unsigned gateway, const char *expected)
{
	assert_string_equal(stage_heard_of(s, gateway, "HEAD EVENT ACK REFUSED"), expected);
}

static void first_attach_is_told_events_from_now_on(void **state)
{
	struct stage *s = *state;

	publish(s, 0, 1);
	publish(s, 0, 2);
	heard(s, 0, "ACK 1 1; ACK 2 2");
	attach(s, 1, "1:ann!", 0);
	heard(s, 1, "HEAD 2");
	publish(s, 0, 3);

	heard(s, 1, "EVENT 3:3");
	heard(s, 0, "ACK 3 3");
}

static void attach_that_names_the_next_one_gets_what_it_missed(void **state)
{
	struct stage *s = *state;

	for (uint64_t n = 1; n <= 5; n++)
		publish(s, 0, n);
	attach(s, 1, "1:ann!", 3);

	heard(s, 1, "HEAD 2; EVENT 3:3; EVENT 4:4; EVENT 5:5");
	publish(s, 0, 6);
	heard(s, 1, "EVENT 6:6");
}

static void attach_that_missed_more_than_a_page_gets_all_of_it(void **state)
{
	struct stage *s = *state;
	unsigned events = 0;

	for (uint64_t n = 1; n <= 150; n++)
		publish(s, 0, n);
	attach(s, 1, "1:ann!", 1);

	for (const char *at = stage_heard(s, 1); (at = strstr(at, "EVENT ")); at++)
		events++;
	assert_int_equal(events, 150);
}

static void attach_beyond_the_end_is_told_where_the_end_is(void **state)
{
	struct stage *s = *state;

	publish(s, 0, 1);
	attach(s, 1, "1:ann!", 9);

	heard(s, 1, "HEAD 1");
	publish(s, 0, 2);
	heard(s, 1, "EVENT 2:2");
}

static void every_gateway_gets_each_event_once_and_before_the_ack(void **state)
{
	struct stage *s = *state;

	attach(s, 0, "1:ann!", 0);
	attach(s, 1, "2:bob!", 0);
	heard(s, 0, "HEAD 0");
	heard(s, 1, "HEAD 0");
	publish(s, 0, 1);
	publish(s, 0, 1);

	heard(s, 0, "EVENT 1:1; ACK 1 1; ACK 1 1");
	heard(s, 1, "EVENT 1:1");
}

/* One gateway keeps the room alive, so its last events are in memory. */
static void attach_that_missed_a_little_needs_no_database(void **state)
{
	struct stage *s = *state;

	attach(s, 0, "2:bob!", 0);
	for (uint64_t n = 1; n <= 3; n++)
		publish(s, 0, n);
	fake_store_set_up(s->shards[0].store, false);
	attach(s, 1, "1:ann!", 2);

	heard(s, 1, "HEAD 1; EVENT 2:2; EVENT 3:3");
}

/* Then nothing of the room is in memory. */
static void nobody_shows_it(struct stage *s)
{
	for (unsigned gateway = 0; gateway < 2; gateway++) {
		message_put_solicit_done(stage_out(s, gateway),
					 &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
		stage_say(s, gateway);
	}
}

static void attach_that_missed_more_than_is_in_memory_asks_the_database_too(void **state)
{
	struct stage *s = *state;

	publish(s, 0, 1);
	nobody_shows_it(s);
	attach(s, 0, "2:bob!", 0);
	publish(s, 0, 2);
	fake_store_set_up(s->shards[0].store, false);
	attach(s, 1, "1:ann!", 1);
	heard(s, 1, "HEAD 0");
	fake_store_set_up(s->shards[0].store, true);
	stage_run(s, 300);

	heard(s, 1, "EVENT 1:1; EVENT 2:2");
}

static void event_waits_until_the_greatest_number_that_was_shown_is_known(void **state)
{
	struct stage *s = *state;

	stage_attach(s, 1, "1:ann", 7);
	publish(s, 0, 1);
	stage_run(s, 300); /* longer than people wait */
	bool is_early = strstr(stage_heard(s, 1), "EVENT") != NULL;
	stage_attach(s, 0, "2:bob", 9);
	stage_turn(s);

	assert_false(is_early);
	assert_string_equal(
		stage_heard(s, 1),
		"JOINED 0 [2:bob]; STATE 1000451; ROSTER 1000452 [1:ann 2:bob]; EVENT 1000453 1:1");
	assert_non_null(strstr(stage_heard(s, 0), "ACK 1 1"));
}

static void event_does_not_wait_for_a_gateway_that_says_nothing(void **state)
{
	struct stage *s = *state;

	stage_attach(s, 1, "1:ann", 7);
	publish(s, 0, 1);
	stage_run(s, 1100);

	assert_string_equal(
		stage_heard(s, 1),
		"ATTACHED 7; PARTIAL 0 [1:ann]; HEAD 0; PARTIAL 0 [1:ann]; EVENT 1000451 1:1");
}

static void killed_owner_leaves_nothing_out(void **state)
{
	struct stage *s = *state;

	attach(s, 1, "1:ann!", 0);
	publish(s, 0, 1);
	heard(s, 1, "HEAD 0; EVENT 1:1");
	stage_kill(s, 0);
	stage_start(s, 0);
	stage_run(s, 300);
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_heard(s, 0);
	publish(s, 0, 2);
	publish(s, 0, 1); /* said again */
	heard(s, 0, "ACK 2 2; ACK 1 1");
	attach(s, 1, "1:ann", 2);

	heard(s, 1, "HEAD 1; EVENT 2:2");
}

static void new_database_connection_renews_the_epoch_and_nothing_is_seen_of_it(void **state)
{
	struct stage *s = *state;
	uint64_t epoch = s->db.slots[slot_of(SPAN(STAGE_ROOM))].epoch;

	attach(s, 1, "1:ann!", 0);
	heard(s, 1, "HEAD 0");
	shard_on_connection(s->shards[0].shard);
	stage_run(s, 20);
	assert_int_equal(s->db.slots[slot_of(SPAN(STAGE_ROOM))].epoch, epoch + 1);
	assert_string_equal(stage_heard_of(s, 1, "MOVED NOT_OWNER"), "MOVED fake:0");
	publish(s, 0, 1);

	heard(s, 1, "EVENT 1:1");
}

static void publish_to_a_shard_that_does_not_own_the_room_is_refused(void **state)
{
	struct stage *s = *state;

	s->db.slots[slot_of(SPAN(STAGE_ROOM))].owner.v = 77;
	s->db.slots[slot_of(SPAN(STAGE_ROOM))].epoch++;
	publish(s, 0, 1);

	heard(s, 0, "REFUSED 1 NOT_OWNER");
	assert_int_equal(s->db.event_count, 0);
}

static void slot_given_away_refuses_what_is_not_written_and_the_next_owner_goes_on(void **state)
{
	struct stage *s = *state;

	publish(s, 0, 1);
	stage_start(s, 1);
	stage_call(s, 2, 1);
	for (unsigned i = 0; i < 100; i++) {
		stage_run(s, 20);
		stage_publish(s, 0, STAGE_ROOM, 2 + i);
	}
	stage_run(s, 500);
	stage_publish(s, 2, STAGE_ROOM, 1000);
	stage_turn(s);

	uint64_t most = 0;
	for (size_t i = 0; i < s->db.event_count; i++) {
		assert_int_equal(s->db.events[i].seq, i + 1);
		most = s->db.events[i].pseq > most ? s->db.events[i].pseq : most;
	}
	assert_true(most > 1);
}

/* Whoever wants what is not kept any more is told where the log begins, and goes on from there. */
static void attach_that_missed_what_is_forgotten_goes_on_with_what_is_kept(void **state)
{
	struct stage *s = *state;

	attach(s, 0, "1:ann", 0);
	for (uint64_t n = 1; n <= 5; n++)
		publish(s, 0, n);
	fake_database_forget(&s->db, STAGE_ROOM, 4);
	stage_kill(s, 0);
	stage_start(s, 0);
	stage_run(s, 200);
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	attach(s, 0, "1:ann", 6);
	attach(s, 1, "2:bob", 2);
	stage_run(s, 300);

	heard(s, 1, "HEAD 3; EVENT 4:4; EVENT 5:5");
}

static void log_that_is_forgotten_meanwhile_goes_on_with_what_is_kept(void **state)
{
	struct stage *s = *state;

	for (uint64_t n = 1; n <= 5; n++)
		publish(s, 0, n);
	nobody_shows_it(s);
	attach(s, 0, "1:ann!", 0);
	fake_database_forget(&s->db, STAGE_ROOM, 4);
	attach(s, 1, "2:bob!", 2);
	stage_run(s, 300);

	heard(s, 1, "HEAD 1; HEAD 3; EVENT 4:4; EVENT 5:5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_attach_is_told_events_from_now_on),
		TEST(attach_that_names_the_next_one_gets_what_it_missed),
		TEST(attach_that_missed_more_than_a_page_gets_all_of_it),
		TEST(attach_beyond_the_end_is_told_where_the_end_is),
		TEST(every_gateway_gets_each_event_once_and_before_the_ack),
		TEST(attach_that_missed_a_little_needs_no_database),
		TEST(attach_that_missed_more_than_is_in_memory_asks_the_database_too),
		TEST(attach_that_missed_what_is_forgotten_goes_on_with_what_is_kept),
		TEST(log_that_is_forgotten_meanwhile_goes_on_with_what_is_kept),
		TEST(event_waits_until_the_greatest_number_that_was_shown_is_known),
		TEST(event_does_not_wait_for_a_gateway_that_says_nothing),
		TEST(killed_owner_leaves_nothing_out),
		TEST(new_database_connection_renews_the_epoch_and_nothing_is_seen_of_it),
		TEST(publish_to_a_shard_that_does_not_own_the_room_is_refused),
		TEST(slot_given_away_refuses_what_is_not_written_and_the_next_owner_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
