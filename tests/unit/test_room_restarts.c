/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of the entries of a room when shards and gateways come and go. See tests/lib/stage.h
 * for the notation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/stage.h"

#define heard(s, g, text) assert_string_equal(stage_heard((s), (g)), (text))

static int open_stage(void **state)
{
	struct stage *s = stage_new();

	stage_start(s, 0);
	stage_run(s, 50);
	assert_int_equal(stage_slots(s, 0), SLOTS);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	stage_free((struct stage **)state);
	return 0;
}

/* Two gateways with links, one tab at each: A:ann at 0, B:bob at 1, and all is quiet. */
static int open_pair(void **state)
{
	open_stage(state);
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann!", 0);
	stage_run(s, 10);
	message_put_solicit_done(stage_out(s, 1), &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_attach(s, 1, "2:bob!", 0);
	stage_run(s, 200);
	stage_heard(s, 0);
	stage_heard(s, 1);
	return 0;
}

static void solicit_done(struct stage *s, unsigned gateway)
{
	message_put_solicit_done(stage_out(s, gateway),
				 &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_say(s, gateway);
}

static void room_attached_again_after_a_restart_shows_nobody_as_new(void **state)
{
	struct stage *s = *state;

	stage_kill(s, 0);
	stage_start(s, 0);
	stage_run(s, 50);
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann", 6);
	stage_attach(s, 1, "2:bob", 6);

	heard(s, 0, "ATTACHED 6; PARTIAL 0 [1:ann]; ROSTER 7 [1:ann 2:bob]");
	heard(s, 1, "SOLICIT; ATTACHED 6; ROSTER 7 [1:ann 2:bob]");
	stage_run(s, 300);
	heard(s, 0, "");
}

static void room_a_user_known_elsewhere_is_not_new_after_a_restart(void **state)
{
	struct stage *s = *state;

	stage_kill(s, 0);
	stage_start(s, 0);
	stage_run(s, 50);
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann 3:bob!", 6); /* bob's second tab came during the restart */
	stage_attach(s, 1, "2:bob", 6);

	heard(s, 0,
	      "ATTACHED 6; PARTIAL 0 [1:ann]; ROSTER 7 [1:ann 2:bob]; "
	      "JOINED 0 [3:bob]; WELCOMED 8+2 3");
}

static void room_entries_of_a_lost_gateway_leave_after_the_grace(void **state)
{
	struct stage *s = *state;

	stage_hang_up(s, 1);
	stage_run(s, 12000);
	heard(s, 0, "GATEWAY_LOST");
	stage_run(s, 1200);
	heard(s, 0, "LEFT 7 2; STATE 8");
}

static void room_entries_of_a_gateway_that_said_goodbye_have_the_grace_too(void **state)
{
	struct stage *s = *state;

	message_put_goodbye(stage_out(s, 1), &(struct msg_goodbye){0});
	stage_say(s, 1);
	stage_hang_up(s, 1);
	stage_run(s, 9900);
	heard(s, 0, "GATEWAY_LOST");
	stage_run(s, 200);
	heard(s, 0, "LEFT 7 2; STATE 8");
}

/* It may have been declared dead, and its rooms may be another's. */
static void room_of_a_shard_that_slept_waits_for_the_view(void **state)
{
	struct stage *s = *state;

	fake_store_set_up(s->shards[0].store, false);
	s->now_ns += 600 * NS_PER_MS;
	stage_cast(s, 0, 1, "key", 0);
	stage_run(s, 1000);
	heard(s, 1, "");

	fake_store_set_up(s->shards[0].store, true);
	stage_run(s, 20);
	heard(s, 1, "CAST 7 1");
}

static void room_of_a_shard_that_slept_does_not_wait_long_for_the_database(void **state)
{
	struct stage *s = *state;

	fake_store_set_up(s->shards[0].store, false);
	s->now_ns += 600 * NS_PER_MS;
	stage_cast(s, 0, 1, "key", 0);
	stage_run(s, 2050);

	heard(s, 1, "CAST 7 1");
}

/* The database is away. */
static void expect_eve_to_wait_for_the_view(struct stage *s)
{
	stage_call(s, 2, 0);
	stage_attach(s, 2, "3:eve!", 0);
	stage_run(s, 5000);
	heard(s, 2, "");

	fake_store_set_up(s->shards[0].store, true);
	stage_run(s, 400);
	assert_non_null(strstr(stage_heard(s, 2), "WELCOMED"));
}

/* That gateway may know of another owner, and is not to be spoken for. */
static void room_of_a_shard_that_slept_waits_while_a_gateway_is_silent(void **state)
{
	struct stage *s = *state;

	fake_store_set_up(s->shards[0].store, false);
	s->now_ns += 4000 * NS_PER_MS;
	stage_hang_up(s, 1);
	expect_eve_to_wait_for_the_view(s);
}

/* What is read first was said while it slept, by one that has left since. */
static void room_of_a_shard_that_slept_waits_for_who_speaks_now(void **state)
{
	struct stage *s = *state;

	fake_store_set_up(s->shards[0].store, false);
	s->now_ns += 4000 * NS_PER_MS;
	message_put_heartbeat(stage_out(s, 1), &(struct msg_heartbeat){0});
	stage_say(s, 1);
	struct stage_shard *to = s->gateways[1].to;
	s->gateways[1].to = NULL; /* silent, and not hung up */
	expect_eve_to_wait_for_the_view(s);
	s->gateways[1].to = to;
}

static void room_a_new_generation_replaces_the_old_one_silently(void **state)
{
	struct stage *s = *state;

	stage_call(s, 1, 0);
	stage_turn(s);
	stage_cast(s, 0, 1, "", 0); /* meanwhile it is not attached */
	stage_attach(s, 1, "2:bob", 6);

	heard(s, 0, "");
	heard(s, 1, "ATTACHED 6; ROSTER 7 [1:ann 2:bob]");
}

static void room_a_generation_comes_back_within_the_grace_and_nobody_leaves(void **state)
{
	struct stage *s = *state;

	stage_hang_up(s, 1);
	stage_run(s, 8000);
	stage_call(s, 1, 0);
	stage_attach(s, 1, "2:bob", 6);
	stage_run(s, 15000);

	heard(s, 0, "GATEWAY_LOST");
}

static void room_what_a_new_generation_does_not_attach_is_asked_for(void **state)
{
	struct stage *s = *state;

	stage_call(s, 1, 0);
	stage_run(s, 600);
	heard(s, 0, "");
	heard(s, 1, "SOLICIT");
	solicit_done(s, 1);

	heard(s, 0, "LEFT 7 2; STATE 8");
}

static void room_what_a_new_generation_never_confirms_leaves_after_the_grace(void **state)
{
	struct stage *s = *state;

	stage_call(s, 1, 0);
	stage_run(s, 9900);
	heard(s, 0, "");
	stage_run(s, 200);

	heard(s, 0, "LEFT 7 2; STATE 8");
}

#define PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(room_attached_again_after_a_restart_shows_nobody_as_new),
		PAIR(room_a_user_known_elsewhere_is_not_new_after_a_restart),
		PAIR(room_entries_of_a_lost_gateway_leave_after_the_grace),
		PAIR(room_entries_of_a_gateway_that_said_goodbye_have_the_grace_too),
		PAIR(room_of_a_shard_that_slept_waits_for_the_view),
		PAIR(room_of_a_shard_that_slept_does_not_wait_long_for_the_database),
		PAIR(room_of_a_shard_that_slept_waits_while_a_gateway_is_silent),
		PAIR(room_of_a_shard_that_slept_waits_for_who_speaks_now),
		PAIR(room_a_new_generation_replaces_the_old_one_silently),
		PAIR(room_a_generation_comes_back_within_the_grace_and_nobody_leaves),
		PAIR(room_what_a_new_generation_does_not_attach_is_asked_for),
		PAIR(room_what_a_new_generation_never_confirms_leaves_after_the_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
