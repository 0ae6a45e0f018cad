/* SPDX-License-Identifier: Apache-2.0 */
/* A room that its owner has forgotten, as its gateway sees it: when it may sleep, what wakes it,
 * and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/world.h"

#define GATEWAY 9

static void say_hibernate(struct world *w, int64_t now_ns)
{
	message_put_hibernate(fake_out(w->a), &(struct msg_hibernate){.room = ROOM, .relay = 40});
	fake_say(w->a, now_ns);
	router_flush(w->router, now_ns);
}

static void say_roster(struct world *w, uint64_t other, int64_t now_ns)
{
	const struct item_member here = {.session = 1, .conn_gen = 1, .user = SPAN("u1")};
	const struct item_member there = {.session = other, .conn_gen = 1, .user = SPAN("u2")};
	struct buf items;

	buf_init(&items, 1024);
	item_put_member(&items, &here);
	if (other)
		item_put_member(&items, &there);
	message_put_roster(
		fake_out(w->a),
		&(struct msg_roster){.room = ROOM, .covered = 1, .members = buf_span(&items)});
	fake_say(w->a, now_ns);
	buf_fini(&items);
}

static int open_asleep(void **state)
{
	world_open(state);
	struct world *w = *state;

	world_room_is_attached(w);
	world_say_welcomed(w->a, 0);
	say_roster(w, 7, 0);
	say_hibernate(w, 0);
	assert_int_equal(world_next_type(w->a), MESSAGE_HIBERNATED);
	assert_int_equal(router_rooms_asleep(w->router), 1);
	return 0;
}

/* A turn and a tick; what the room's gateway says in them. */
static unsigned says(struct world *w, int64_t now_ns)
{
	router_tick(w->router, now_ns);
	router_flush(w->router, now_ns);
	return world_next_type(w->a);
}

static void room_in_which_somebody_waits_to_be_welcomed_does_not_sleep(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_say_welcomed(w->a, 0);
	struct attendee *second = world_let_in(w, 2, "u2", 0);
	router_flush(w->router, 0);
	fake_skip(w->a);

	say_hibernate(w, 0);

	assert_int_equal(world_next_type(w->a), 0);
	assert_int_equal(router_rooms_asleep(w->router), 0);
	router_leave(w->router, &second, 0);
}

static void room_that_sleeps_says_nothing_and_agrees_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(says(w, MS(90)), 0);
	say_hibernate(w, MS(95));

	assert_int_equal(world_next_type(w->a), MESSAGE_HIBERNATED);
}

static void cast_wakes_it_and_goes_after_it_is_attached(void **state)
{
	struct world *w = *state;

	world_cast(w, "{1}", MS(10)); /* flushes */
	struct message m = fake_next(w->a);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.relay, 40); /* others were told numbers that nobody here was */
	assert_int_equal(world_next_type(w->a), 0);
	assert_int_equal(router_rooms_asleep(w->router), 0);
	world_say_attached(w->a, 1, MS(11));
	router_flush(w->router, MS(11));

	world_expect_cast(w->a, "{1}");
}

/* The others went on without it: what they cast while it wakes is not lost. */
static void casts_of_others_are_shown_while_it_sleeps_and_wakes(void **state)
{
	struct world *w = *state;
	unsigned before = w->shown;

	world_say_cast_out(w->a, MS(10));
	assert_int_equal(w->shown, before + 1);
	struct msg_cast m = {.body = SPAN("{1}")};
	assert_int_equal(router_cast(w->who, &m, MS(11)), OK);
	world_say_cast_out(w->a, MS(11));
	router_flush(w->router, MS(11));
	world_say_cast_out(w->a, MS(12));
	router_flush(w->router, MS(40)); /* the tick of the room is over */

	assert_int_equal(w->shown, before + 3);
}

static void hibernate_that_crosses_a_cast_is_not_answered(void **state)
{
	struct world *w = *state;
	struct msg_cast m = {.body = SPAN("{1}")};

	assert_int_equal(router_cast(w->who, &m, MS(10)), OK);
	say_hibernate(w, MS(10));

	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
	assert_int_equal(world_next_type(w->a), 0);
}

static void who_comes_is_named_in_the_attach(void **state)
{
	struct world *w = *state;

	struct attendee *second = world_let_in(w, 2, "u2", MS(10));
	router_flush(w->router, MS(10));

	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
	assert_int_equal(world_next_type(w->a), 0);
	router_leave(w->router, &second, MS(10));
}

static void solicit_wakes_it(void **state)
{
	struct world *w = *state;

	message_put_solicit(fake_out(w->a), &(struct msg_solicit){ROOM});
	fake_say(w->a, MS(10));
	router_flush(w->router, MS(10));

	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
}

static void it_sleeps_through_a_planned_move_and_wakes_at_the_new_owner(void **state)
{
	struct world *w = *state;
	fake_skip(w->b);

	world_say_moved(w->a, 101, 2, MS(10));
	assert_int_equal(says(w, MS(60)), 0);
	assert_int_equal(world_next_type(w->b), 0);
	assert_int_equal(router_rooms_asleep(w->router), 1);
	world_cast(w, "{1}", MS(70));

	struct message m = fake_next(w->b);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.epoch, 2);
}

/* The old one may have died with something that it was about to tell. */
static void it_wakes_by_and_by_when_its_owner_is_replaced(void **state)
{
	struct world *w = *state;
	fake_skip(w->b);

	world_view_says(w, 101, 2, MS(10));
	router_flush(w->router, MS(10));
	assert_int_equal(world_next_type(w->b), 0);
	(void)says(w, MS(60));

	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
}

/* Nobody owns it when it wakes. */
static void it_wakes_without_an_owner_and_waits(void **state)
{
	struct world *w = *state;

	world_view_says(w, 0, 2, MS(10));
	world_cast(w, "{1}", MS(20));
	fake_skip(w->b);
	world_view_says(w, 101, 3, MS(30));

	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
}

static void say_gateway_lost(struct fake_shard *shard, int64_t now_ns)
{
	message_put_gateway_lost(fake_out(shard), &(struct msg_gateway_lost){GATEWAY});
	fake_say(shard, now_ns);
}

static void room_with_others_wakes_when_its_owner_has_lost_a_gateway(void **state)
{
	struct world *w = *state;

	say_gateway_lost(w->b, MS(10)); /* which has no room of ours */
	assert_int_equal(says(w, MS(60)), 0);
	say_gateway_lost(w->a, MS(70));

	assert_int_equal(says(w, MS(90)), MESSAGE_ATTACH);
}

static void room_without_others_sleeps_on_when_a_gateway_is_lost(void **state)
{
	struct world *w = *state;

	say_roster(w, 0, MS(5));
	say_gateway_lost(w->a, MS(10));

	assert_int_equal(says(w, MS(60)), 0);
}

/* The new owner had lost it before the old one did. */
static void room_with_others_wakes_when_it_moves_soon_after_a_gateway_was_lost(void **state)
{
	struct world *w = *state;

	fake_skip(w->b);
	say_gateway_lost(w->b, MS(10));
	world_say_moved(w->a, 101, 2, MS(20));
	(void)says(w, MS(60));

	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
}

int main(void)
{
#define AWAKE(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
#define ASLEEP(test) cmocka_unit_test_setup_teardown(test, open_asleep, world_close)
	const struct CMUnitTest tests[] = {
		AWAKE(room_in_which_somebody_waits_to_be_welcomed_does_not_sleep),
		ASLEEP(room_that_sleeps_says_nothing_and_agrees_again),
		ASLEEP(cast_wakes_it_and_goes_after_it_is_attached),
		ASLEEP(casts_of_others_are_shown_while_it_sleeps_and_wakes),
		ASLEEP(hibernate_that_crosses_a_cast_is_not_answered),
		ASLEEP(who_comes_is_named_in_the_attach),
		ASLEEP(solicit_wakes_it),
		ASLEEP(it_sleeps_through_a_planned_move_and_wakes_at_the_new_owner),
		ASLEEP(it_wakes_by_and_by_when_its_owner_is_replaced),
		ASLEEP(it_wakes_without_an_owner_and_waits),
		ASLEEP(room_with_others_wakes_when_its_owner_has_lost_a_gateway),
		ASLEEP(room_without_others_sleeps_on_when_a_gateway_is_lost),
		ASLEEP(room_with_others_wakes_when_it_moves_soon_after_a_gateway_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
