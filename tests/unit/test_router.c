/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms, slots and owners at a gateway: what is attached where, what waits meanwhile, and whose
 * records are believed. Two shards at the other end, without a bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/world.h"

static void first_client_attaches_the_room_at_its_owner(void **state)
{
	struct world *w = *state;
	struct item_member who;
	world_view_says(w, 101, 4, 0);

	world_enter(w, 0);

	assert_int_equal(world_next_type(w->b), MESSAGE_HELLO);
	struct message m = fake_next(w->b);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.epoch, 4);
	assert_true(item_next_member(&m.attach.members, &who));
	assert_int_equal(who.fresh, 1);
	assert_int_equal(world_next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(world_next_type(w->a), 0);
}

static void room_without_an_owner_is_attached_once_there_is_one(void **state)
{
	struct world *w = *state;
	world_enter(w, 0);

	world_view_says(w, 100, 1, MS(10));

	assert_int_equal(world_next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
}

static void second_client_joins_over_the_same_link(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	struct attendee *second = world_let_in(w, 2, "u2", 0);
	router_flush(w->router, 0);
	unsigned join = world_next_type(w->a);
	router_leave(w->router, &second, 0);
	router_flush(w->router, 0);

	assert_int_equal(join, MESSAGE_JOIN);
	assert_int_equal(world_next_type(w->a), MESSAGE_LEAVE);
	assert_int_equal(router_rooms(w->router), 1);
}

static void last_client_leaves_and_the_room_is_detached(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	router_leave(w->router, &w->who, 0);
	router_flush(w->router, 0);

	assert_int_equal(world_next_type(w->a), MESSAGE_LEAVE);
	struct message m = fake_next(w->a);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.members.len, 0);
	assert_int_equal(router_rooms(w->router), 0);
}

static void casts_wait_for_attached_and_keep_their_order(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	fake_skip(w->a);

	world_cast(w, "{1}", MS(1));
	world_cast(w, "{2}", MS(2));
	unsigned before = world_next_type(w->a);
	world_say_attached(w->a, 1, MS(3));
	router_flush(w->router, MS(3));
	world_cast(w, "{3}", MS(4));

	assert_int_equal(before, 0);
	world_expect_cast(w->a, "{1}");
	world_expect_cast(w->a, "{2}");
	world_expect_cast(w->a, "{3}");
}

static void casts_that_wait_longer_than_3_s_are_dropped(void **state)
{
	struct world *w = *state;
	world_enter(w, 0);
	world_cast(w, "{old}", 0);
	world_cast(w, "{new}", MS(2000));

	router_tick(w->router, MS(3100));
	world_view_says(w, 100, 1, MS(3100));
	world_say_attached(w->a, 1, MS(3100));
	router_flush(w->router, MS(3100));

	assert_int_equal(world_next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
	world_expect_cast(w->a, "{new}");
	assert_int_equal(world_next_type(w->a), 0);
}

static void one_client_may_not_make_more_than_64_KiB_wait(void **state)
{
	struct world *w = *state;
	static char body[40 << 10];
	memset(body, 'x', sizeof body - 1);
	struct msg_cast m = {.body = span_str(body)};
	world_enter(w, 0);

	enum err first = router_cast(w->who, &m, 0);
	enum err second = router_cast(w->who, &m, 0);

	assert_int_equal(first, OK);
	assert_int_equal(second, ERR_OVERLOADED);
}

static void leave_while_unattached_is_said_after_attached(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_view_says(w, 101, 2, MS(1)); /* moved: attaching at b */
	fake_skip(w->b);

	router_leave(w->router, &w->who, MS(2));
	router_flush(w->router, MS(2));
	unsigned before = world_next_type(w->b);
	world_say_attached(w->b, 2, MS(3));
	router_flush(w->router, MS(3));

	assert_int_equal(before, 0);
	assert_int_equal(world_next_type(w->b), MESSAGE_LEAVE);
	assert_int_equal(router_rooms(w->router), 0);
}

static void leave_that_an_attach_under_way_contradicts_is_said_however_late(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_view_says(w, 101, 2, MS(1)); /* moved: attaching at b */
	router_leave(w->router, &w->who, MS(2));
	router_tick(w->router, MS(2600)); /* no answer: once more, still naming who leaves */
	router_flush(w->router, MS(2600));
	fake_skip(w->b);

	router_tick(w->router, MS(3100));
	world_say_attached(w->b, 2, MS(3200));
	router_flush(w->router, MS(3200));

	assert_int_equal(world_next_type(w->b), MESSAGE_LEAVE);
	assert_int_equal(router_rooms(w->router), 0);
}

static void moved_attaches_at_the_new_owner_at_once(void **state)
{
	struct world *w = *state;
	struct item_member who;
	world_room_is_attached(w);

	world_say_moved(w->a, 101, 2, MS(1));
	router_flush(w->router, MS(1));

	struct message m = fake_next(w->b);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.epoch, 2);
	assert_true(item_next_member(&m.attach.members, &who));
	assert_int_equal(who.fresh, 0);
	assert_int_equal(w->pulls, 1);
}

static void moved_to_a_shard_not_in_the_view_opens_a_link_to_it(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	world_say_moved(w->a, 102, 2, MS(1));
	router_flush(w->router, MS(1));

	struct fake_shard *c = &w->shards.of[2];
	assert_int_equal(world_next_type(c), MESSAGE_HELLO);
	assert_int_equal(world_next_type(c), MESSAGE_ATTACH);
}

static void listing_older_than_a_move_does_not_cut_the_new_owner(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_say_moved(w->a, 102, 2, MS(1));

	world_view_says(w, 100, 1, MS(2));

	assert_non_null(w->shards.of[2].link);
	assert_int_equal(w->shards.of[2].opened, 1);
}

static void records_of_the_old_owner_are_dropped(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_say_moved(w->a, 101, 2, MS(1));

	world_say_cast_out(w->a, MS(2));
	unsigned before_attached = w->shown;
	world_say_cast_out(w->b, MS(3));
	unsigned unattached = w->shown;
	world_say_attached(w->b, 2, MS(4));
	world_say_cast_out(w->b, MS(5));

	assert_int_equal(before_attached, 0);
	assert_int_equal(unattached, 0);
	assert_int_equal(w->shown, 1);
}

/* The second is gathered for the end of the tick. */
static void casts_of_the_old_owner_are_shown_before_the_room_is_attached_elsewhere(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	world_say_cast_out(w->a, MS(1));
	world_say_cast_out(w->a, MS(2));
	unsigned before = w->shown;
	world_say_moved(w->a, 101, 2, MS(3));

	assert_int_equal(before, 1);
	assert_int_equal(w->shown, 2);
}

static void casts_of_an_owner_that_took_its_slot_again_are_shown_meanwhile(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	world_say_moved(w->a, 100, 2, MS(1)); /* attaching anew */
	world_say_cast_out(w->a, MS(2));
	unsigned meanwhile = w->shown;
	world_say_attached(w->a, 2, MS(3));
	world_say_cast_out(w->a, MS(40)); /* the room is quiet again */

	assert_int_equal(meanwhile, 1);
	assert_int_equal(w->shown, 2);
}

static void casts_of_an_owner_that_was_none_in_between_are_dropped(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	world_view_says(w, 100, 3, MS(1)); /* given away and back: epoch 2 was another one's */
	world_say_cast_out(w->a, MS(2));
	unsigned unattached = w->shown;
	world_say_attached(w->a, 3, MS(3));
	world_say_cast_out(w->a, MS(4));

	assert_int_equal(unattached, 0);
	assert_int_equal(w->shown, 1);
}

/* The owner took its slot again: nobody waits until it says its WELCOMED once more. */
static void welcome_is_not_missed_while_the_room_is_attached_anew(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	world_say_attached(w->a, 1, MS(1));
	world_say_moved(w->a, 100, 2, MS(2));

	world_say_welcomed(w->a, MS(3));

	assert_true(w->who->welcomed);
}

static void attached_under_an_old_epoch_is_not_believed(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 3, 0);
	world_enter(w, 0);

	world_say_attached(w->a, 2, MS(1));
	world_say_welcomed(w->a, MS(1));

	assert_int_equal(w->shown, 0);
}

static void hold_is_answered_and_nothing_follows_until_the_move(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	world_say_hold(w->a, 1, MS(1));
	world_cast(w, "{held}", MS(2));
	struct message held = fake_next(w->a);
	unsigned after = world_next_type(w->a);
	world_say_cast_out(w->a, MS(3)); /* the old owner still speaks */
	world_say_moved(w->a, 101, 2, MS(4));
	world_say_attached(w->b, 2, MS(5));
	router_flush(w->router, MS(5));

	assert_int_equal(held.type, MESSAGE_HELD);
	assert_int_equal(held.held.move, 9);
	assert_int_equal(after, 0);
	assert_int_equal(w->shown, 1);
	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
	world_expect_cast(w->b, "{held}");
}

static void hold_without_a_move_ends_after_3_s(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_say_hold(w->a, 1, MS(1));
	world_cast(w, "{held}", MS(1000));
	fake_skip(w->a);

	router_tick(w->router, MS(3010));
	router_flush(w->router, MS(3010));
	struct message m;
	do
		m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_CAST && m.type != MESSAGE_ATTACH);

	assert_int_not_equal(m.type, 0);
}

static void greet(struct fake_shard *s)
{
	message_put_greeting(fake_out(s), &(struct msg_greeting){.revision = MESSAGE_REVISION_MAX});
	fake_say(s, 0);
}

static void it_is_calm_while_all_links_are_up_and_no_room_waits(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	greet(w->a);
	bool one_is_down = router_is_calm(w->router);
	greet(w->b);
	bool all_are_up = router_is_calm(w->router);
	world_enter(w, 0);
	bool room_waits = router_is_calm(w->router);
	world_say_attached(w->a, 1, 0);
	world_say_welcomed(w->a, 0);
	router_tick(w->router, MS(1));
	bool it_is_there = router_is_calm(w->router);
	world_say_hold(w->a, 1, MS(2));
	bool it_is_held = router_is_calm(w->router);

	assert_false(one_is_down);
	assert_true(all_are_up);
	assert_false(room_waits);
	assert_true(it_is_there);
	assert_false(it_is_held);
}

static void it_is_not_calm_when_a_shard_refuses(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	greet(w->a);
	greet(w->b);

	link_on_refused(w->b->link);

	assert_false(router_is_calm(w->router));
}

static void who_comes_during_a_hold_is_named_when_it_ends_without_a_move(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	world_say_hold(w->a, 1, MS(1));
	router_flush(w->router, MS(1));
	fake_skip(w->a);

	struct attendee *second = world_let_in(w, 2, "u2", MS(1000));
	router_flush(w->router, MS(1000));
	unsigned meanwhile = world_next_type(w->a);
	router_tick(w->router, MS(3010));
	router_flush(w->router, MS(3010));
	unsigned after = world_next_type(w->a);
	router_leave(w->router, &second, MS(3020));

	assert_int_equal(meanwhile, 0);
	assert_int_equal(after, MESSAGE_ATTACH);
}

static void not_owner_is_asked_again_after_a_while_and_the_view_is_pulled(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	fake_skip(w->a);

	world_say_not_owner(w->a, MS(1));
	router_tick(w->router, MS(40));
	unsigned early = world_next_type(w->a);
	router_tick(w->router, MS(60));
	router_flush(w->router, MS(60));

	assert_int_equal(w->pulls, 1);
	assert_int_equal(early, 0);
	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
}

static void owner_that_keeps_refusing_is_asked_once_a_second_at_last(void **state)
{
	struct world *w = *state;
	unsigned attaches = 0;
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	fake_skip(w->a);

	for (int64_t t = 50; t <= 10000; t += 50) {
		router_tick(w->router, MS(t));
		if (world_next_type(w->a) != MESSAGE_ATTACH)
			continue;
		attaches++;
		world_say_not_owner(w->a, MS(t));
	}

	assert_in_range(attaches, 10, 16);
}

static void new_link_generation_attaches_the_rooms_again(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	for (int64_t t = 50; t <= 650; t += 50)
		router_tick(w->router, MS(t));
	router_flush(w->router, MS(650));

	assert_int_equal(w->a->opened, 2);
	fake_skip(w->b);
	struct message m;
	do
		m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_ATTACH);
	assert_int_equal(m.type, MESSAGE_ATTACH);
}

static void dead_shard_loses_its_link_and_the_new_owner_gets_the_rooms(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	router_view_begin(w->router);
	world_put_shard(w, 0, MEMBER_DEAD);
	world_put_shard(w, 1, MEMBER_ACTIVE);
	router_put_slot(w->router, slot_of(ROOM), (incarnation_id){101}, 2);
	router_view_end(w->router, 9, MS(1));
	router_flush(w->router, MS(1));

	assert_null(w->a->link);
	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
	assert_int_equal(w->shown, 0);
}

static void view_that_says_what_is_attached_already_changes_nothing(void **state)
{
	struct world *w = *state;
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	world_say_attached(w->a, 2, 0); /* the shard knew of epoch 2 first */
	fake_skip(w->a);

	world_view_says(w, 100, 2, MS(1));

	assert_int_equal(world_next_type(w->a), 0);
}

static void solicit_is_answered_by_attach_or_done(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	message_put_solicit(fake_out(w->a), &(struct msg_solicit){.room = ROOM});
	message_put_solicit(fake_out(w->a),
			    &(struct msg_solicit){.room = SPAN("submission:other")});
	fake_say(w->a, MS(1));
	router_flush(w->router, MS(1));

	assert_int_equal(world_next_type(w->a), MESSAGE_ATTACH);
	struct message m = fake_next(w->a);
	assert_int_equal(m.type, MESSAGE_SOLICIT_DONE);
	assert_true(span_is(m.solicit_done.room, "submission:other"));
}

static void solicit_of_a_shard_that_is_not_the_owner_here_waits_for_the_view(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);

	message_put_solicit(fake_out(w->b), &(struct msg_solicit){.room = ROOM});
	fake_say(w->b, MS(1));
	router_flush(w->router, MS(1));
	unsigned before = world_next_type(w->b);
	world_view_says(w, 101, 2, MS(2));

	assert_int_equal(before, 0);
	assert_int_equal(w->pulls, 1);
	assert_int_equal(world_next_type(w->b), MESSAGE_ATTACH);
}

/* The owner says HEAD, then the events of the text: "3 4". */
static void say_events(struct world *w, uint64_t head, uint64_t asked, const char *seqs)
{
	if (head != UINT64_MAX)
		message_put_head(fake_out(w->a), &(struct msg_head){ROOM, head, asked});
	for (; *seqs; seqs++)
		if (*seqs != ' ')
			message_put_event(fake_out(w->a),
					  &(struct msg_event){.room = ROOM,
							      .seq = (uint64_t)(*seqs - '0'),
							      .relay = (uint64_t)(*seqs - '0'),
							      .body = SPAN("{}")});
	fake_say(w->a, MS(1));
	router_flush(w->router, MS(1));
}

static void welcome(struct world *w)
{
	message_put_welcomed(fake_out(w->a),
			     &(struct msg_welcomed){.room = ROOM, .relay = 1, .session = 1});
	fake_say(w->a, MS(1));
	w->shown = 0;
}

static void events_are_shown_from_the_head_on_and_each_once(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4 3 4 5");

	assert_int_equal(w->shown, 3);
}

static void events_before_any_head_are_not_shown(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	welcome(w);

	say_events(w, UINT64_MAX, 0, "1");

	assert_int_equal(w->shown, 0);
}

static void event_after_a_gap_attaches_again_and_names_the_next_one(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 5");

	struct message m = fake_next(w->a);
	assert_int_equal(w->shown, 1);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.next, 4);
}

static void answer_to_an_older_attach_does_not_turn_events_back(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4");
	say_events(w, 2, 3, "3 4 5");

	assert_int_equal(w->shown, 3);
}

static void head_below_what_was_shown_tells_that_the_database_lost_events(void **state)
{
	struct world *w = *state;
	world_room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4");
	say_events(w, 2, 5, "3");

	assert_int_equal(w->shown, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(first_client_attaches_the_room_at_its_owner),
		T(room_without_an_owner_is_attached_once_there_is_one),
		T(second_client_joins_over_the_same_link),
		T(last_client_leaves_and_the_room_is_detached),
		T(casts_wait_for_attached_and_keep_their_order),
		T(casts_that_wait_longer_than_3_s_are_dropped),
		T(one_client_may_not_make_more_than_64_KiB_wait),
		T(leave_while_unattached_is_said_after_attached),
		T(leave_that_an_attach_under_way_contradicts_is_said_however_late),
		T(moved_attaches_at_the_new_owner_at_once),
		T(moved_to_a_shard_not_in_the_view_opens_a_link_to_it),
		T(listing_older_than_a_move_does_not_cut_the_new_owner),
		T(records_of_the_old_owner_are_dropped),
		T(casts_of_the_old_owner_are_shown_before_the_room_is_attached_elsewhere),
		T(casts_of_an_owner_that_took_its_slot_again_are_shown_meanwhile),
		T(casts_of_an_owner_that_was_none_in_between_are_dropped),
		T(welcome_is_not_missed_while_the_room_is_attached_anew),
		T(attached_under_an_old_epoch_is_not_believed),
		T(hold_is_answered_and_nothing_follows_until_the_move),
		T(hold_without_a_move_ends_after_3_s),
		T(it_is_calm_while_all_links_are_up_and_no_room_waits),
		T(it_is_not_calm_when_a_shard_refuses),
		T(who_comes_during_a_hold_is_named_when_it_ends_without_a_move),
		T(not_owner_is_asked_again_after_a_while_and_the_view_is_pulled),
		T(owner_that_keeps_refusing_is_asked_once_a_second_at_last),
		T(new_link_generation_attaches_the_rooms_again),
		T(dead_shard_loses_its_link_and_the_new_owner_gets_the_rooms),
		T(view_that_says_what_is_attached_already_changes_nothing),
		T(solicit_is_answered_by_attach_or_done),
		T(solicit_of_a_shard_that_is_not_the_owner_here_waits_for_the_view),
		T(events_are_shown_from_the_head_on_and_each_once),
		T(events_before_any_head_are_not_shown),
		T(event_after_a_gap_attaches_again_and_names_the_next_one),
		T(answer_to_an_older_attach_does_not_turn_events_back),
		T(head_below_what_was_shown_tells_that_the_database_lost_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
