/* SPDX-License-Identifier: Apache-2.0 */
/* Slots that an operator wants elsewhere. What shards do by themselves: test_membership.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/slot.h"
#include "tests/lib/stage.h"

static int open_stage(void **state)
{
	*state = stage_new();
	return 0;
}

static int close_stage(void **state)
{
	stage_free((struct stage **)state);
	return 0;
}

static unsigned owner_of(struct stage *s, unsigned slot)
{
	unsigned at = 0;

	while (at < STAGE_SHARDS && s->shards[at].id.v != s->db.slots[slot].owner.v)
		at++;
	return at;
}

/* Two shards that have shared the slots. */
static void start_two(struct stage *s)
{
	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
}

static void ownership_gives_a_slot_where_an_operator_wants_it(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));
	start_two(s);
	unsigned owner = owner_of(s, slot), other = !owner;
	struct membership *m = shard_membership(s->shards[owner].shard);

	assert_int_equal(membership_move(shard_membership(s->shards[other].shard), slot,
					 span_str(s->shards[owner].name)),
			 ERR_NOT_OWNER);
	assert_int_equal(membership_move(m, slot, SPAN("nobody")), ERR_NO_PEER);
	assert_int_equal(membership_move(m, slot, span_str(s->shards[other].name)), OK);
	stage_run(s, 500);

	assert_int_equal(owner_of(s, slot), other);
	assert_int_equal(stage_slots(s, 0) + stage_slots(s, 1), SLOTS);
}

/* Placement would take it back at once: that is no answer to an operator. */
static void ownership_gives_no_slot_to_a_shard_that_has_its_share(void **state)
{
	struct stage *s = *state;
	unsigned slot = 0;
	stage_start(s, 0);
	stage_run(s, 100);
	stage_start(s, 1); /* gets the least that it may have */
	stage_run(s, 500);
	while (owner_of(s, slot) != 1)
		slot++;
	struct membership *m = shard_membership(s->shards[1].shard);

	assert_int_equal(membership_move(m, slot, span_str(s->shards[0].name)), ERR_OVERLOADED);
	stage_run(s, 100);

	assert_int_equal(owner_of(s, slot), 1);
	assert_int_equal(stage_slots(s, 0), 2252);
}

/* Whose it will be is not known then: a wish would be lost. */
static void ownership_does_not_promise_a_slot_that_is_on_the_move(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));
	start_two(s);
	stage_call(s, 0, 0);
	stage_call(s, 1, 1);
	stage_run(s, 100);
	unsigned owner = owner_of(s, slot), other = !owner;
	s->gateways[owner].keeps_held = true; /* the hand-over waits for it */
	struct membership *m = shard_membership(s->shards[owner].shard);

	assert_int_equal(membership_move(m, slot, span_str(s->shards[other].name)), OK);
	stage_run(s, 50);

	assert_int_equal(membership_move(m, slot, span_str(s->shards[owner].name)), ERR_NO_CREDIT);
	stage_run(s, 1500);
	assert_int_equal(owner_of(s, slot), other);
}

/* It was granted: the slot may come back before a new plan is made. */
static void ownership_forgets_a_wish_once_the_slot_is_given(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));
	start_two(s);
	unsigned owner = owner_of(s, slot), other = !owner;
	struct membership *m = shard_membership(s->shards[owner].shard);
	struct membership *to = shard_membership(s->shards[other].shard);

	assert_int_equal(membership_move(m, slot, span_str(s->shards[other].name)), OK);
	for (int i = 0; i < 50 && !membership_owns(to, slot); i++)
		stage_turn(s);
	assert_int_equal(membership_move(to, slot, span_str(s->shards[owner].name)), OK);
	for (int i = 0; i < 50 && !membership_owns(m, slot); i++)
		stage_turn(s);
	assert_int_equal(owner_of(s, slot), owner);

	stage_run(s, 500);
	assert_int_equal(owner_of(s, slot), owner);
}

/* The wish is gone with who was to have it. */
static void ownership_forgets_a_wish_for_a_shard_that_left(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));
	start_two(s);
	unsigned owner = owner_of(s, slot), other = !owner;

	assert_int_equal(membership_move(shard_membership(s->shards[owner].shard), slot,
					 span_str(s->shards[other].name)),
			 OK);
	shard_drain(s->shards[other].shard, s->now_ns);
	stage_run(s, 1000);

	assert_int_equal(owner_of(s, slot), owner);
	assert_int_equal(stage_slots(s, owner), SLOTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ownership_gives_a_slot_where_an_operator_wants_it),
		TEST(ownership_gives_no_slot_to_a_shard_that_has_its_share),
		TEST(ownership_does_not_promise_a_slot_that_is_on_the_move),
		TEST(ownership_forgets_a_wish_once_the_slot_is_given),
		TEST(ownership_forgets_a_wish_for_a_shard_that_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
