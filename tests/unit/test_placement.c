/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "roomd/placement.h"

struct table {
	struct view view;
	incarnation_id targets[SLOTS];
};

static int open_table(void **state)
{
	struct table *t = mem_new(sizeof *t);

	view_init(&t->view);
	*state = t;
	return 0;
}

static int close_table(void **state)
{
	struct table *t = *state;

	view_fini(&t->view);
	mem_free(t);
	return 0;
}

static void put(struct table *t, uint64_t id, enum member_kind kind, enum member_state state)
{
	view_put_member(&t->view, &(struct view_member){.id = {id}, .kind = kind, .state = state});
}

static void put_shard(struct table *t, uint64_t id, enum member_state state)
{
	put(t, id, MEMBER_SHARD, state);
}

/* Do what placement says, at once; returns how many slots moved from one owner to another. */
static unsigned apply(struct table *t)
{
	unsigned moved = 0;

	placement_targets(&t->view, t->targets);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct view_slot *s = &t->view.slots[i];

		moved += s->owner.v && s->owner.v != t->targets[i].v;
		s->owner = t->targets[i];
	}
	return moved;
}

static unsigned load_of(const struct table *t, uint64_t id)
{
	unsigned load = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		load += t->view.slots[i].owner.v == id;
	return load;
}

static void assert_fair(const struct table *t, uint64_t id, unsigned shards)
{
	unsigned fair = SLOTS / shards;

	assert_in_range(load_of(t, id), fair - fair / 10, fair + 1 + fair / 10);
}

static void placement_of_one_shard_is_everything(void **state)
{
	struct table *t = *state;

	put_shard(t, 7, MEMBER_ACTIVE);
	put(t, 8, MEMBER_GATEWAY, MEMBER_ACTIVE);
	apply(t);

	assert_int_equal(load_of(t, 7), SLOTS);
}

static void placement_without_an_active_shard_is_nothing(void **state)
{
	struct table *t = *state;

	put_shard(t, 7, MEMBER_DRAINING);
	put_shard(t, 8, MEMBER_JOINING);
	put_shard(t, 9, MEMBER_DEAD);
	apply(t);

	assert_int_equal(load_of(t, 0), SLOTS);
}

static void placement_shares_out_evenly_what_nobody_owns(void **state)
{
	struct table *t = *state;

	for (uint64_t id = 1; id <= 3; id++)
		put_shard(t, id, MEMBER_ACTIVE);
	apply(t);

	for (uint64_t id = 1; id <= 3; id++)
		assert_in_range(load_of(t, id), SLOTS / 3 - 2, SLOTS / 3 + 1);
}

static void placement_does_not_move_what_is_fair(void **state)
{
	struct table *t = *state;

	put_shard(t, 1, MEMBER_ACTIVE);
	put_shard(t, 2, MEMBER_ACTIVE);
	apply(t);

	assert_int_equal(apply(t), 0);
}

static void placement_gives_a_joiner_its_share_and_moves_no_more(void **state)
{
	struct table *t = *state;

	for (uint64_t id = 1; id <= 9; id++)
		put_shard(t, id, MEMBER_ACTIVE);
	apply(t);
	put_shard(t, 10, MEMBER_ACTIVE);
	unsigned moved = apply(t);

	assert_fair(t, 10, 10);
	assert_int_equal(moved, load_of(t, 10));
}

static void placement_moves_only_what_the_leaver_had(void **state)
{
	struct table *t = *state;

	for (uint64_t id = 1; id <= 4; id++)
		put_shard(t, id, MEMBER_ACTIVE);
	apply(t);
	unsigned had = load_of(t, 3);
	put_shard(t, 3, MEMBER_DRAINING);

	assert_int_equal(apply(t), had);
	assert_int_equal(load_of(t, 3), 0);
}

static void placement_does_not_depend_on_the_order_of_members(void **state)
{
	struct table *t = *state;
	incarnation_id first[SLOTS];

	for (uint64_t id = 1; id <= 5; id++)
		put_shard(t, id * 1000, MEMBER_ACTIVE);
	placement_targets(&t->view, first);
	view_fini(&t->view);
	view_init(&t->view);
	for (uint64_t id = 5; id >= 1; id--)
		put_shard(t, id * 1000, MEMBER_ACTIVE);
	placement_targets(&t->view, t->targets);

	assert_memory_equal(first, t->targets, sizeof first);
}

/* Some hundred random joins and leaves: after each, one step is enough, and loads are bounded. */
static void placement_stays_fair_through_joins_and_leaves(void **state)
{
	struct table *t = *state;
	uint64_t random = 12345, active = 1;

	put_shard(t, 1, MEMBER_ACTIVE);
	for (uint64_t id = 2; id < 300; id++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t victim = 1 + (random >> 33) % id;
		const struct view_member *m = view_member(&t->view, (incarnation_id){victim});

		if (active > 1 && (random >> 20) % 2 && m && m->state == MEMBER_ACTIVE) {
			put_shard(t, victim, MEMBER_DEAD);
			active--;
		} else if (active < 40) {
			put_shard(t, id, MEMBER_ACTIVE);
			active++;
		}
		apply(t);
		assert_int_equal(load_of(t, 0), 0);
		for (uint64_t one = 1; one <= id; one++) {
			m = view_member(&t->view, (incarnation_id){one});
			if (m && m->state == MEMBER_ACTIVE)
				assert_fair(t, one, (unsigned)active);
			else
				assert_int_equal(load_of(t, one), 0);
		}
		assert_int_equal(apply(t), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(placement_of_one_shard_is_everything),
		TEST(placement_without_an_active_shard_is_nothing),
		TEST(placement_shares_out_evenly_what_nobody_owns),
		TEST(placement_does_not_move_what_is_fair),
		TEST(placement_gives_a_joiner_its_share_and_moves_no_more),
		TEST(placement_moves_only_what_the_leaver_had),
		TEST(placement_does_not_depend_on_the_order_of_members),
		TEST(placement_stays_fair_through_joins_and_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
