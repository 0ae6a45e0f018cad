/* SPDX-License-Identifier: Apache-2.0 */
/* How a room in which nothing happens leaves the memory of its shard, and comes back. See
 * tests/lib/stage.h for the notation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "roomd/survey.h"
#include "tests/lib/stage.h"

#define heard(s, g, text) assert_string_equal(stage_heard((s), (g)), (text))

/* ann at gateway 0, bob at gateway 1, and rooms sleep after 2 s. */
static int open_pair(void **state)
{
	struct stage *s = stage_new();

	s->hibernate_ns = 2 * NS_PER_S;
	stage_start(s, 0);
	stage_run(s, 50);
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann!", 0);
	stage_attach(s, 1, "2:bob!", 0);
	stage_run(s, 200);
	stage_heard(s, 0);
	stage_heard(s, 1);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	stage_free((struct stage **)state);
	return 0;
}

static size_t rooms(struct stage *s)
{
	struct shard_figures f;

	shard_figures(s->shards[0].shard, &f);
	return f.rooms;
}

static void say_hibernated(struct stage *s, unsigned gateway)
{
	message_put_hibernated(stage_out(s, gateway), &(struct msg_hibernated){SPAN(STAGE_ROOM)});
	stage_say(s, gateway);
}

static void solicit_done(struct stage *s, unsigned gateway)
{
	message_put_solicit_done(stage_out(s, gateway),
				 &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_say(s, gateway);
}

static void fall_asleep(struct stage *s)
{
	stage_run(s, 2100);
	say_hibernated(s, 0);
	say_hibernated(s, 1);
	assert_int_equal(rooms(s), 0);
	stage_heard(s, 0);
	stage_heard(s, 1);
}

static void inspect(struct stage *s, unsigned gateway)
{
	message_put_inspect(stage_out(s, gateway), &(struct msg_inspect){77, SPAN(STAGE_ROOM)});
	stage_say(s, gateway);
}

static void room_goes_once_all_who_show_it_have_agreed(void **state)
{
	struct stage *s = *state;

	stage_run(s, 1700);
	heard(s, 0, "");
	stage_run(s, 400);
	heard(s, 0, "HIBERNATE");
	heard(s, 1, "HIBERNATE");

	say_hibernated(s, 0);
	assert_int_equal(rooms(s), 1);
	say_hibernated(s, 1);
	assert_int_equal(rooms(s), 0);
}

static void room_goes_at_once_when_an_operator_wants_it(void **state)
{
	struct stage *s = *state;

	room_rest_now(room_set_find(shard_rooms(s->shards[0].shard), SPAN(STAGE_ROOM)), s->now_ns);
	stage_run(s, 50);
	heard(s, 0, "HIBERNATE");
	heard(s, 1, "HIBERNATE");
	say_hibernated(s, 0);
	say_hibernated(s, 1);

	assert_int_equal(rooms(s), 0);
}

static void room_survey_shows_the_hottest_first(void **state)
{
	struct stage *s = *state;
	struct buf out;

	stage_cast(s, 1, 2, "cursor", 1);
	stage_cast(s, 1, 2, "cursor", 1);
	buf_init(&out, 1 << 16);
	survey_put(shard_rooms(s->shards[0].shard), SURVEY_BY_RATE, 8, s->now_ns, &out);
	buf_put_u8(&out, 0);

	assert_non_null(strstr((const char *)out.p, "[{\"room\":\"submission:r\",\"slot\":"));
	assert_non_null(strstr((const char *)out.p, "\"users\":2,\"connections\":2,"));
	assert_null(strstr((const char *)out.p, "\"acts_10s\":0,"));
	buf_fini(&out);
}

static void room_stays_when_something_happens_meanwhile(void **state)
{
	struct stage *s = *state;

	stage_run(s, 2100);
	stage_heard(s, 0);
	say_hibernated(s, 0);
	stage_cast(s, 1, 2, "cursor", 1);
	say_hibernated(s, 1);

	assert_int_equal(rooms(s), 1);
	heard(s, 0, "CAST 9 2");
	stage_run(s, 1500);
	heard(s, 0, "");
	stage_run(s, 600);
	heard(s, 0, "HIBERNATE");
}

static void room_asks_again_when_somebody_does_not_answer(void **state)
{
	struct stage *s = *state;

	stage_run(s, 2100);
	say_hibernated(s, 0);
	stage_heard(s, 1);
	stage_run(s, 1100);

	assert_int_equal(rooms(s), 1);
	heard(s, 1, "HIBERNATE");
}

/* What gateway 0 said the first time was said of the first question. */
static void room_forgets_what_was_agreed_before_it_asked_again(void **state)
{
	struct stage *s = *state;

	stage_run(s, 2100);
	say_hibernated(s, 0);
	stage_run(s, 1100);
	say_hibernated(s, 1);

	assert_int_equal(rooms(s), 1);
	say_hibernated(s, 0);
	assert_int_equal(rooms(s), 0);
}

static void room_is_woken_by_who_attaches_and_shows_nothing(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	stage_attach(s, 0, "1:ann", 5);
	heard(s, 1, "SOLICIT");
	stage_attach(s, 1, "2:bob", 5);

	heard(s, 0, "ATTACHED 5; PARTIAL 0 [1:ann]; ROSTER 6 [1:ann 2:bob]");
	heard(s, 1, "ATTACHED 5; ROSTER 6 [1:ann 2:bob]");
}

static void room_is_woken_by_who_comes(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	stage_attach(s, 0, "1:ann 3:eve!", 5);
	stage_attach(s, 1, "2:bob", 5);

	heard(s, 1, "SOLICIT; ATTACHED 5; ROSTER 6 [1:ann 2:bob]; JOINED 7 [3:eve]; STATE 10");
}

/* It was the last one at its gateway, which detaches in the same breath. */
static void room_is_woken_by_who_leaves(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	stage_attach(s, 1, "2:bob", 5);
	message_put_leave(stage_out(s, 1), &(struct msg_leave){SPAN(STAGE_ROOM), 2, 1});
	stage_attach(s, 1, "", 5);
	stage_attach(s, 0, "1:ann", 5);

	heard(s, 0, "SOLICIT; ATTACHED 5; ROSTER 6 [1:ann 2:bob]; LEFT 7 2; STATE 8");
}

/* At a gateway that hibernates while the room is still here, it comes by ATTACH: no JOIN goes
 * before it. */
static void room_welcomes_a_session_that_moves_to_who_hibernates(void **state)
{
	struct stage *s = *state;

	stage_run(s, 2100);
	say_hibernated(s, 1);
	stage_heard(s, 1);
	stage_attach(s, 1, "1.2:ann! 2:bob", 5);

	assert_non_null(strstr(stage_heard(s, 1), "WELCOMED"));
}

static void room_is_woken_by_an_event(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	stage_publish(s, 0, STAGE_ROOM, 1);
	stage_run(s, 50);
	assert_string_equal(stage_heard_of(s, 1, "SOLICIT EVENT"), "SOLICIT");
	stage_attach_from(s, 0, "1:ann", 1);
	stage_attach_from(s, 1, "2:bob", 1);
	stage_run(s, 50);

	assert_string_equal(stage_heard_of(s, 1, "EVENT"), "EVENT 1:1");
}

static void room_that_nobody_shows_is_gone_after_an_event(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	stage_publish(s, 0, STAGE_ROOM, 1);
	stage_run(s, 50);
	assert_int_equal(rooms(s), 1);
	solicit_done(s, 0);
	solicit_done(s, 1);

	assert_int_equal(rooms(s), 0);
}

static void room_that_was_asked_about_goes_soon(void **state)
{
	struct stage *s = *state;

	fall_asleep(s);
	inspect(s, 0);
	stage_attach(s, 0, "1:ann", 5);
	stage_attach(s, 1, "2:bob", 5);
	assert_non_null(strstr(stage_heard(s, 0), "ANSWER 77 0 [1:ann 2:bob]"));
	stage_heard(s, 1);
	stage_run(s, 1100);

	heard(s, 1, "HIBERNATE");
}

static void room_waits_for_a_gateway_that_is_lost(void **state)
{
	struct stage *s = *state;

	stage_hang_up(s, 1);
	stage_run(s, 3500);
	stage_heard(s, 0);
	stage_run(s, 5000);

	heard(s, 0, "");
	assert_int_equal(rooms(s), 1);
}

static void room_waits_for_what_is_being_stored(void **state)
{
	struct stage *s = *state;

	fake_store_set_up(s->shards[0].store, false);
	stage_publish(s, 0, STAGE_ROOM, 1);
	stage_run(s, 4500);

	assert_string_equal(stage_heard_of(s, 1, "HIBERNATE"), "");
}

int main(void)
{
#define PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_stage)
	const struct CMUnitTest tests[] = {
		PAIR(room_goes_once_all_who_show_it_have_agreed),
		PAIR(room_goes_at_once_when_an_operator_wants_it),
		PAIR(room_survey_shows_the_hottest_first),
		PAIR(room_stays_when_something_happens_meanwhile),
		PAIR(room_asks_again_when_somebody_does_not_answer),
		PAIR(room_forgets_what_was_agreed_before_it_asked_again),
		PAIR(room_is_woken_by_who_attaches_and_shows_nothing),
		PAIR(room_is_woken_by_who_comes),
		PAIR(room_is_woken_by_who_leaves),
		PAIR(room_welcomes_a_session_that_moves_to_who_hibernates),
		PAIR(room_is_woken_by_an_event),
		PAIR(room_that_nobody_shows_is_gone_after_an_event),
		PAIR(room_that_was_asked_about_goes_soon),
		PAIR(room_waits_for_a_gateway_that_is_lost),
		PAIR(room_waits_for_what_is_being_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
