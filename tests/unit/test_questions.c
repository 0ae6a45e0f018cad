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
			  &(struct question_event){SPAN("broadcast"), SPAN("u1"), SPAN("{}")},
			  world_on_answered, w);
}

static void ack(struct world *w, struct fake_shard *s, const struct msg_publish *m, int64_t now_ns)
{
	message_put_ack(fake_out(s), &(struct msg_ack){m->room, m->producer, m->pseq, 1});
	fake_say(s, now_ns);
	router_flush(w->router, now_ns);
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
		T(inspect_answers_with_a_roster),
		T(question_nobody_answers_ends_after_5_s),
		T(forgotten_question_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
