/* SPDX-License-Identifier: Apache-2.0 */
/* Shards among each other: who owns what after joins, leaves, crashes and with the database away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

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

static enum membership_state state_of(struct stage *s, unsigned shard)
{
	return shard_state(s->shards[shard].shard);
}

static size_t slots_of_all(struct stage *s)
{
	size_t slots = 0;

	for (unsigned i = 0; i < STAGE_SHARDS; i++)
		if (s->shards[i].shard && state_of(s, i) == MEMBERSHIP_ACTIVE)
			slots += stage_slots(s, i);
	return slots;
}

static void membership_of_one_takes_everything_at_once(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 30);

	assert_int_equal(stage_slots(s, 0), SLOTS);
	assert_true(shard_is_settled(s->shards[0].shard));
}

static void membership_of_two_that_boot_together_shares(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);

	assert_int_equal(slots_of_all(s), SLOTS);
	assert_in_range(stage_slots(s, 1), 1843, 2253);
	assert_true(shard_is_settled(s->shards[0].shard));
	assert_true(shard_is_settled(s->shards[1].shard));
}

static void membership_looks_at_once_when_the_database_comes(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	fake_store_set_up(s->shards[0].store, false); /* still connecting */
	stage_run(s, 100);
	size_t before = stage_slots(s, 0);
	fake_store_set_up(s->shards[0].store, true);
	stage_run(s, 100); /* a tenth of the poll */

	assert_int_equal(before, 0);
	assert_int_equal(stage_slots(s, 0), SLOTS);
}

static void membership_a_joiner_gets_its_share_by_hand(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	stage_start(s, 1);
	assert_false(shard_is_settled(s->shards[1].shard));
	stage_run(s, 300);

	assert_in_range(stage_slots(s, 1), 1843, 2253);
	assert_int_equal(slots_of_all(s), SLOTS);
	assert_true(shard_is_settled(s->shards[1].shard));
}

static void membership_a_leaver_gives_everything_away(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
	shard_drain(s->shards[0].shard, s->now_ns);
	stage_run(s, 2000);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_LEFT);
	assert_int_equal(stage_slots(s, 1), SLOTS);
}

static void membership_the_last_shard_just_leaves(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	shard_drain(s->shards[0].shard, s->now_ns);
	stage_run(s, 50);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_LEFT);
}

static void membership_two_that_drain_together_both_leave(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
	shard_drain(s->shards[0].shard, s->now_ns);
	shard_drain(s->shards[1].shard, s->now_ns);
	stage_run(s, 3000);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_LEFT);
	assert_int_equal(state_of(s, 1), MEMBERSHIP_LEFT);
}

static void membership_one_that_joins_while_another_drains_converges(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < 3; i++)
		stage_start(s, i);
	stage_run(s, 500);
	shard_drain(s->shards[0].shard, s->now_ns);
	stage_run(s, 30);
	stage_start(s, 3);
	stage_run(s, 4000);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_LEFT);
	assert_int_equal(slots_of_all(s), SLOTS);
	for (unsigned i = 1; i <= 3; i++)
		assert_in_range(stage_slots(s, i), SLOTS / 3 * 9 / 10, SLOTS / 3 * 11 / 10 + 2);
}

static void membership_a_restarted_shard_has_its_slots_back_at_once(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
	size_t had = stage_slots(s, 1), other = stage_slots(s, 0);
	uint64_t epochs = s->db.version;
	stage_kill(s, 1);
	stage_run(s, 100);
	stage_start(s, 1);
	stage_run(s, 30);

	assert_int_equal(stage_slots(s, 1), had);
	assert_int_equal(stage_slots(s, 0), other);
	assert_true(s->db.version > epochs);
}

static void membership_of_one_declared_dead_ends(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	fake_database_member(&s->db, s->shards[0].id)->state = MEMBER_DEAD;
	s->db.version++;
	stage_run(s, 20);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_DEAD);
}

static void membership_waits_for_the_database_for_ever(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	fake_store_set_up(s->shards[0].store, false);
	stage_run(s, 10000);
	assert_int_equal(state_of(s, 0), MEMBERSHIP_NEW);
	fake_store_set_up(s->shards[0].store, true);
	stage_run(s, 500);

	assert_int_equal(stage_slots(s, 0), SLOTS);
}

static void membership_goes_on_serving_without_the_database(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	fake_store_set_up(s->shards[0].store, false);
	stage_run(s, 5000);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann!", 0);

	assert_non_null(strstr(stage_heard(s, 0), "WELCOMED 1+2 1"));
}

static void membership_does_not_drain_for_ever_without_the_database(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
	fake_store_set_up(s->shards[0].store, false);
	shard_drain(s->shards[0].shard, s->now_ns);
	stage_run(s, 2100);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_LEFT);
}

static void say_suspect(struct stage *s, unsigned gateway, unsigned shard)
{
	message_put_suspect(stage_out(s, gateway),
			    &(struct msg_suspect){.shard = s->shards[shard].id.v, .reason = 1});
	stage_say(s, gateway);
}

static void membership_a_shard_that_two_gateways_miss_is_dead_and_replaced(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < 3; i++)
		stage_start(s, i);
	stage_run(s, 500);
	for (unsigned i = 0; i < 2; i++) {
		stage_list_gateway(s, i);
		stage_call(s, i, 1);
	}
	stage_run(s, 100);
	say_suspect(s, 0, 0);
	stage_run(s, 100);
	assert_int_equal(state_of(s, 0), MEMBERSHIP_ACTIVE);
	say_suspect(s, 1, 0);
	stage_run(s, 100);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_DEAD);
	assert_int_equal(stage_slots(s, 0), 0);
	assert_int_equal(slots_of_all(s), SLOTS);
}

static void membership_the_vote_of_a_gateway_that_has_gone_does_not_count(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < 2; i++)
		stage_start(s, i);
	stage_run(s, 500);
	for (unsigned i = 0; i < 2; i++) {
		stage_list_gateway(s, i);
		stage_call(s, i, 1);
	}
	stage_run(s, 100);

	say_suspect(s, 0, 0);
	stage_hang_up(s, 0);
	stage_run(s, 5000);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_ACTIVE);
}

static void membership_a_verdict_waits_for_the_database(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_start(s, 1);
	stage_run(s, 500);
	stage_list_gateway(s, 0);
	stage_call(s, 0, 1);
	stage_run(s, 100);
	fake_store_set_up(s->shards[1].store, false);
	say_suspect(s, 0, 0);
	stage_run(s, 1000);
	assert_int_equal(state_of(s, 0), MEMBERSHIP_ACTIVE);
	fake_store_set_up(s->shards[1].store, true);
	stage_run(s, 500);

	assert_int_equal(state_of(s, 0), MEMBERSHIP_DEAD);
	assert_int_equal(stage_slots(s, 1), SLOTS);
}

static void membership_a_joiner_that_no_gateway_reaches_takes_nothing(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	stage_list_gateway(s, 0);
	stage_call(s, 0, 0);
	stage_run(s, 100);
	stage_start(s, 1);
	stage_run(s, 5000);
	assert_int_equal(state_of(s, 1), MEMBERSHIP_JOINING);
	assert_int_equal(stage_slots(s, 0), SLOTS);
	stage_call(s, 0, 1);
	stage_run(s, 9000); /* the old feed is waited for until it is lost */

	assert_int_equal(state_of(s, 1), MEMBERSHIP_ACTIVE);
	assert_in_range(stage_slots(s, 1), 1843, 2253);
}

static void membership_the_only_shard_needs_no_gateway_to_begin(void **state)
{
	struct stage *s = *state;

	stage_list_gateway(s, 0);
	stage_start(s, 0);
	stage_run(s, 100);

	assert_int_equal(stage_slots(s, 0), SLOTS);
}

static void membership_a_gateway_that_is_away_for_long_is_declared_dead_once(void **state)
{
	struct stage *s = *state;
	struct view_member *gateway;

	stage_start(s, 0);
	stage_list_gateway(s, 0);
	stage_call(s, 0, 0);
	stage_run(s, 100);
	gateway = fake_database_member(&s->db, s->gateways[0].id);
	stage_hang_up(s, 0);
	stage_run(s, 17000); /* silence 3 s, grace 10 s: its entries left */
	assert_int_equal(gateway->state, MEMBER_ACTIVE);
	stage_run(s, 2000);
	assert_int_equal(gateway->state, MEMBER_DEAD);
	gateway->state = MEMBER_ACTIVE; /* it registers again: only the way to us is cut */
	s->db.version++;
	stage_run(s, 60000);

	assert_int_equal(gateway->state, MEMBER_ACTIVE);
}

static void handover_holds_then_moves_and_casts_are_not_lost(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann", 0);
	stage_heard(s, 0);
	stage_start(s, 1);
	stage_run(s, 2000);
	shard_drain(s->shards[0].shard, s->now_ns);
	stage_run(s, 3000);

	const char *text = stage_heard(s, 0);
	const char *hold = strstr(text, "HOLD"), *moved = strstr(text, "MOVED fake:1");
	assert_non_null(hold);
	assert_true(moved && hold < moved);
}

static void handover_does_not_wait_for_a_gateway_that_is_silent(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	stage_call(s, 0, 0);
	stage_turn(s);
	s->gateways[0].keeps_held = true;
	stage_start(s, 1);
	stage_run(s, 5000);

	assert_in_range(stage_slots(s, 1), 1843, 2253);
}

static void handover_that_the_store_refuses_ends_the_hold(void **state)
{
	struct stage *s = *state;

	stage_start(s, 0);
	stage_run(s, 100);
	stage_call(s, 0, 0);
	stage_turn(s);
	s->gateways[0].keeps_held = true; /* 1 s in which the database goes away */
	stage_start(s, 1);
	stage_run(s, 50);
	fake_store_set_up(s->shards[0].store, false);
	stage_heard(s, 0);
	stage_run(s, 1100);

	assert_string_equal(stage_heard(s, 0), "MOVED fake:0");
	fake_store_set_up(s->shards[0].store, true);
	s->gateways[0].keeps_held = false;
	stage_run(s, 2000);
	assert_in_range(stage_slots(s, 1), 1843, 2253);
}

static void requests_attach_at_a_new_owner_waits_for_the_view(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));

	stage_start(s, 0);
	stage_run(s, 100);
	stage_call(s, 0, 0);
	stage_turn(s);
	s->db.slots[slot].epoch++; /* the store knows, the shard does not yet */
	s->db.slot_versions[slot] = ++s->db.version;
	stage_attach(s, 0, "1:ann!", 0);
	assert_string_equal(stage_heard(s, 0), "");
	stage_turn(s);

	assert_non_null(strstr(stage_heard(s, 0), "ATTACHED 0"));
}

static void requests_attach_of_a_slot_that_is_not_ours_is_refused(void **state)
{
	struct stage *s = *state;
	unsigned slot = slot_of(SPAN(STAGE_ROOM));

	stage_start(s, 0);
	stage_run(s, 100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann", 0);
	stage_heard(s, 0);
	s->db.slots[slot] = (struct view_slot){{77}, 9};
	fake_database_put(&s->db, &(struct view_member){.id = {77}, .state = MEMBER_JOINING});
	s->db.slot_versions[slot] = s->db.version;
	stage_turn(s);
	assert_string_equal(stage_heard(s, 0), "NOT_OWNER"); /* said at once, unasked */

	stage_attach(s, 0, "1:ann", 0);
	stage_turn(s);
	assert_string_equal(stage_heard(s, 0), "NOT_OWNER");
}

/* Random starts, kills and drains: whenever it is quiet, every slot has an owner that lives. */
static void membership_converges_after_anything(void **state)
{
	struct stage *s = *state;
	uint64_t random = 7;

	for (unsigned step = 0; step < 60; step++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		unsigned i = (unsigned)(random >> 33) % STAGE_SHARDS;

		if (!s->shards[i].shard)
			stage_start(s, i);
		else if (state_of(s, i) == MEMBERSHIP_LEFT || (random >> 20) % 3 == 0)
			stage_kill(s, i);
		else
			shard_drain(s->shards[i].shard, s->now_ns);
		stage_run(s, (int64_t)((random >> 40) % 50) * 10);
		if (s->db.member_count > FAKE_MEMBERS_MAX - 2)
			break;
	}
	for (unsigned i = 0; i < STAGE_SHARDS; i++) {
		if (s->shards[i].shard && state_of(s, i) != MEMBERSHIP_ACTIVE)
			stage_kill(s, i);
		if (!s->shards[i].shard)
			stage_start(s, i); /* supervisors restart what ended */
	}
	stage_run(s, 8000);

	assert_int_equal(slots_of_all(s), SLOTS);
	for (unsigned i = 0; i < STAGE_SHARDS; i++)
		assert_in_range(stage_slots(s, i), SLOTS / 6 * 9 / 10, SLOTS / 6 * 11 / 10 + 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(membership_of_one_takes_everything_at_once),
		TEST(membership_of_two_that_boot_together_shares),
		TEST(membership_looks_at_once_when_the_database_comes),
		TEST(membership_a_joiner_gets_its_share_by_hand),
		TEST(membership_a_leaver_gives_everything_away),
		TEST(membership_the_last_shard_just_leaves),
		TEST(membership_two_that_drain_together_both_leave),
		TEST(membership_one_that_joins_while_another_drains_converges),
		TEST(membership_a_restarted_shard_has_its_slots_back_at_once),
		TEST(membership_of_one_declared_dead_ends),
		TEST(membership_waits_for_the_database_for_ever),
		TEST(membership_goes_on_serving_without_the_database),
		TEST(membership_does_not_drain_for_ever_without_the_database),
		TEST(membership_a_shard_that_two_gateways_miss_is_dead_and_replaced),
		TEST(membership_the_vote_of_a_gateway_that_has_gone_does_not_count),
		TEST(membership_a_verdict_waits_for_the_database),
		TEST(membership_a_joiner_that_no_gateway_reaches_takes_nothing),
		TEST(membership_the_only_shard_needs_no_gateway_to_begin),
		TEST(membership_a_gateway_that_is_away_for_long_is_declared_dead_once),
		TEST(handover_holds_then_moves_and_casts_are_not_lost),
		TEST(handover_does_not_wait_for_a_gateway_that_is_silent),
		TEST(handover_that_the_store_refuses_ends_the_hold),
		TEST(requests_attach_at_a_new_owner_waits_for_the_view),
		TEST(requests_attach_of_a_slot_that_is_not_ours_is_refused),
		TEST(membership_converges_after_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
