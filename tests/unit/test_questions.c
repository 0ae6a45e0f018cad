/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP API asks of owners: said again at the right place under the same number, given up
 * in time, and never answered twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/world.h"

static void publish(struct world *w)
{
	questions_publish(w->questions, ROOM,
			  &(struct question_event){.type = SPAN("broadcast"),
						   .actor = SPAN("u1"),
						   .body = SPAN("{}")},
			  world_on_answered, w);
}

/* As a client that numbers its own does. */
static void publish_as(struct world *w, const char *producer, uint64_t pseq)
{
	questions_publish(w->questions, ROOM,
			  &(struct question_event){.producer = span_str(producer),
						   .pseq = pseq,
						   .type = SPAN("note"),
						   .body = SPAN("1"),
						   .shape = 1},
			  world_on_answered, w);
}

static void ack(struct world *w, struct fake_shard *s, const struct msg_publish *m, int64_t now_ns)
{
	message_put_ack(fake_out(s), &(struct msg_ack){m->room, m->producer, m->pseq, 1});
	fake_say(s, now_ns);
	router_flush(w->router, now_ns);
}

static void refuse(struct fake_shard *s, const struct msg_publish *m, enum err why, int64_t now_ns)
{
	message_put_refused(fake_out(s), &(struct msg_refused){.room = m->room,
							       .producer = m->producer,
							       .pseq = m->pseq,
							       .code = why,
							       .retry_after_ms = 300});
	fake_say(s, now_ns);
}

static void tick(struct world *w, int64_t now_ns)
{
	questions_tick(w->questions, now_ns);
	router_flush(w->router, now_ns);
}

static void expect_publish(struct fake_shard *s, uint64_t pseq)
{
	struct message m = fake_next(s);

	assert_int_equal(m.type, MESSAGE_PUBLISH);
	assert_int_equal(m.publish.pseq, pseq);
}

static struct msg_publish next_publish(struct fake_shard *s)
{
	struct message m = fake_next(s);

	while (m.type && m.type != MESSAGE_PUBLISH)
		m = fake_next(s);
	assert_int_equal(m.type, MESSAGE_PUBLISH);
	return m.publish;
}

static void publish_is_said_again_under_its_number_at_the_new_owner(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);

	world_say_moved(w->a, 101, 2, MS(1));
	router_flush(w->router, MS(1));
	struct msg_publish first = next_publish(w->a), second = next_publish(w->b);
	ack(w, w->b, &second, MS(2));

	assert_int_equal(first.pseq, second.pseq);
	assert_true(span_eq(first.producer, second.producer));
	assert_true(span_is(first.producer, "0000000000000007"));
	assert_true(span_is(second.actor, "u1"));
	assert_true(span_is(second.body, "{}"));
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, OK);
}

static void publish_refused_for_now_is_said_again_after_the_pause_it_was_told(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_refused(fake_out(w->a), &(struct msg_refused){first.room, first.producer,
								  first.pseq, ERR_OVERLOADED, 300});
	fake_say(w->a, MS(1));
	questions_tick(w->questions, MS(290));
	router_flush(w->router, MS(290));
	assert_int_equal(fake_next(w->a).type, 0);
	questions_tick(w->questions, MS(310));
	router_flush(w->router, MS(310));

	assert_int_equal(next_publish(w->a).pseq, first.pseq);
	assert_int_equal(w->answers, 0);
}

static void publish_refused_for_good_fails(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_refused(fake_out(w->a), &(struct msg_refused){first.room, first.producer,
								  first.pseq, ERR_DB_REFUSED, 0});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 1);
	assert_int_not_equal(w->answer, OK);
}

static void publish_without_an_answer_is_said_again_after_a_second(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	questions_tick(w->questions, MS(900));
	router_flush(w->router, MS(900));
	assert_int_equal(fake_next(w->a).type, 0);
	questions_tick(w->questions, MS(1100));
	router_flush(w->router, MS(1100));

	assert_int_equal(next_publish(w->a).pseq, first.pseq);
}

static void publish_refused_for_good_says_why_and_what_is_newer(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_refused(fake_out(w->a), &(struct msg_refused){.room = first.room,
								  .producer = first.producer,
								  .pseq = first.pseq,
								  .code = ERR_CONFLICT,
								  .seq = 9,
								  .body = SPAN("{\"newer\":1}")});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, ERR_CONFLICT);
	assert_int_equal(w->answer_seq, 9);
	assert_string_equal(w->answer_body, "{\"newer\":1}");
}

static void publish_of_a_named_producer_keeps_its_name_and_number(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "session-5", 41);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_ack(fake_out(w->a), &(struct msg_ack){ROOM, SPAN("session-5"), 41, 17});
	fake_say(w->a, MS(1));

	assert_true(span_is(first.producer, "session-5"));
	assert_int_equal(first.pseq, 41);
	assert_int_equal(first.shape, 1);
	assert_int_equal(w->answer, OK);
	assert_int_equal(w->answer_seq, 17);
}

static void same_publish_asked_twice_at_once_is_said_once_and_answered_twice(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	publish_as(w, "p", 1);
	router_flush(w->router, 0);
	struct msg_publish only = next_publish(w->a);
	assert_int_equal(fake_next(w->a).type, 0);

	ack(w, w->a, &only, MS(1));

	assert_int_equal(w->answers, 2);
	assert_int_equal(w->answer, OK);
}

static void publishes_of_two_rooms_may_have_the_same_number(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	router_flush(w->router, 0);

	message_put_ack(fake_out(w->a), &(struct msg_ack){SPAN("submission:s2"), SPAN("p"), 1, 3});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 0);
}

static void publishes_go_over_a_new_way_in_the_order_in_which_they_were_asked(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	for (unsigned i = 1; i <= 3; i++)
		publish_as(w, "p", i);
	router_flush(w->router, 0);
	fake_skip(w->a);

	world_say_moved(w->a, 101, 2, MS(1));
	router_flush(w->router, MS(1));

	struct msg_publish first = next_publish(w->b);
	assert_int_equal(first.pseq, 1);
	expect_publish(w->b, 2);
	expect_publish(w->b, 3);
}

static void publish_that_waits_for_its_retry_holds_back_later_ones(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);
	refuse(w->a, &first, ERR_OVERLOADED, MS(1));

	publish_as(w, "p", 2);
	tick(w, MS(200));
	unsigned early = fake_next(w->a).type;
	publish_as(w, "other", 1);
	router_flush(w->router, MS(200));
	bool is_other = span_is(next_publish(w->a).producer, "other");
	tick(w, MS(400));

	assert_int_equal(early, 0);
	assert_true(is_other);
	expect_publish(w->a, 1);
	expect_publish(w->a, 2);
	assert_int_equal(fake_next(w->a).type, 0);
}

static void later_publish_that_was_refused_waits_for_those_before_it(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	publish_as(w, "p", 2);
	router_flush(w->router, 0);
	fake_skip(w->a);
	refuse(w->a, &(struct msg_publish){.room = ROOM, .producer = SPAN("p"), .pseq = 2},
	       ERR_OVERLOADED, MS(1));
	tick(w, MS(400));
	unsigned early = fake_next(w->a).type;

	ack(w, w->a, &(struct msg_publish){.room = ROOM, .producer = SPAN("p"), .pseq = 1},
	    MS(410));

	assert_int_equal(early, 0);
	expect_publish(w->a, 2);
}

static void those_after_a_publish_that_nobody_answered_end_with_it(void **state)
{
	struct world *w = *state;
	publish_as(w, "p", 1);
	questions_tick(w->questions, MS(4000));
	publish_as(w, "p", 2);
	publish(w);

	questions_tick(w->questions, MS(5000));

	assert_int_equal(w->answers, 2);
	assert_int_equal(w->answer, ERR_OUT_OF_ORDER);
}

static void publish_that_was_refused_to_the_end_says_why(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	publish_as(w, "p", 1);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);
	refuse(w->a, &first, ERR_DB_AWAY, MS(1));

	questions_tick(w->questions, MS(5000));

	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, ERR_DB_AWAY);
}

static void read_is_answered_by_history(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	questions_read(w->questions, &(struct msg_read){.room = ROOM, .after = 3, .limit = 10},
		       world_on_answered, w);
	router_flush(w->router, 0);
	struct message m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_READ)
		m = fake_next(w->a);

	message_put_history(fake_out(w->a), &(struct msg_history){.ask = m.read.ask, .head = 12});
	fake_say(w->a, MS(1));

	assert_int_equal(m.read.after, 3);
	assert_int_equal(m.read.limit, 10);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, OK);
	assert_int_equal(w->answer_head, 12);
}

static void kick_that_a_shard_does_not_own_is_asked_again(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	questions_kick(w->questions, &(struct msg_kick){.room = ROOM, .user = SPAN("u1")},
		       world_on_answered, w);
	router_flush(w->router, 0);
	struct message m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_KICK)
		m = fake_next(w->a);
	message_put_answer(fake_out(w->a),
			   &(struct msg_answer){.ask = m.kick.ask, .code = ERR_NOT_OWNER});
	fake_say(w->a, MS(1));
	tick(w, MS(150));

	struct message again = fake_next(w->a);
	message_put_answer(fake_out(w->a), &(struct msg_answer){.ask = m.kick.ask});
	fake_say(w->a, MS(151));

	assert_int_equal(again.type, MESSAGE_KICK);
	assert_int_equal(again.kick.ask, m.kick.ask);
	assert_true(span_is(again.kick.user, "u1"));
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, OK);
}

static void inspect_answers_with_a_roster(void **state)
{
	struct world *w = *state;
	struct buf items;
	world_view_says(w, 100, 1, 0);
	questions_inspect(w->questions, ROOM, world_on_answered, w);
	buf_init(&items, 1024);
	item_put_member(&items, &(struct item_member){.session = 1, .user = SPAN("u1")});
	item_put_member(&items, &(struct item_member){.session = 2, .user = SPAN("u1")});
	item_put_member(&items, &(struct item_member){.session = 3, .user = SPAN("u2")});

	message_put_answer(fake_out(w->a),
			   &(struct msg_answer){.ask = 1, .members = buf_span(&items)});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer_users, 2);
	buf_fini(&items);
}

static void question_nobody_answers_ends_after_5_s(void **state)
{
	struct world *w = *state;
	questions_inspect(w->questions, ROOM, world_on_answered, w);

	questions_tick(w->questions, MS(4900));
	unsigned early = w->answers;
	questions_tick(w->questions, MS(5000));

	assert_int_equal(early, 0);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, ERR_SHARD_AWAY);
}

static void forgotten_question_calls_nobody(void **state)
{
	struct world *w = *state;
	questions_inspect(w->questions, ROOM, world_on_answered, w);

	questions_forget(w->questions, w);
	questions_tick(w->questions, MS(6000));

	assert_int_equal(w->answers, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(publish_is_said_again_under_its_number_at_the_new_owner),
		T(publish_refused_for_now_is_said_again_after_the_pause_it_was_told),
		T(publish_refused_for_good_fails),
		T(publish_without_an_answer_is_said_again_after_a_second),
		T(publish_refused_for_good_says_why_and_what_is_newer),
		T(publish_of_a_named_producer_keeps_its_name_and_number),
		T(same_publish_asked_twice_at_once_is_said_once_and_answered_twice),
		T(publishes_of_two_rooms_may_have_the_same_number),
		T(publishes_go_over_a_new_way_in_the_order_in_which_they_were_asked),
		T(publish_that_waits_for_its_retry_holds_back_later_ones),
		T(later_publish_that_was_refused_waits_for_those_before_it),
		T(those_after_a_publish_that_nobody_answered_end_with_it),
		T(publish_that_was_refused_to_the_end_says_why),
		T(read_is_answered_by_history),
		T(kick_that_a_shard_does_not_own_is_asked_again),
		T(inspect_answers_with_a_roster),
		T(question_nobody_answers_ends_after_5_s),
		T(forgotten_question_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
