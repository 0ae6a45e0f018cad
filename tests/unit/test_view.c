/* SPDX-License-Identifier: Apache-2.0 */
/* The view only moves forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/view.h"

#define A ((incarnation_id){11})
#define B ((incarnation_id){22})

static int open_view(void **state)
{
	struct view *v = mem_new(sizeof(*v));
	view_init(v);
	*state = v;
	return 0;
}

static int close_view(void **state)
{
	view_fini(*state);
	mem_free(*state);
	return 0;
}

static void list_members(struct view *v, const struct view_member *members, size_t count)
{
	view_members_begin(v);
	for (size_t i = 0; i < count; i++)
		view_put_member(v, &members[i]);
	view_members_end(v);
}

static void older_epoch_never_overwrites_a_newer_one(void **state)
{
	struct view *v = *state;

	assert_true(view_set_slot(v, 5, A, 3));
	assert_false(view_set_slot(v, 5, B, 2));
	assert_int_equal(v->slots[5].owner.v, A.v);
	assert_true(view_set_slot(v, 5, B, 4));
	assert_int_equal(v->slots[5].owner.v, B.v);
	assert_int_equal(v->slots[5].epoch, 4);
}

static void same_epoch_with_another_owner_is_ignored(void **state)
{
	struct view *v = *state;

	assert_true(view_set_slot(v, SLOTS - 1, A, 3));
	assert_false(view_set_slot(v, SLOTS - 1, B, 3));
	assert_false(view_set_slot(v, SLOTS - 1, A, 3));
	assert_int_equal(v->slots[SLOTS - 1].owner.v, A.v);
}

static void version_keeps_the_greater(void **state)
{
	struct view *v = *state;

	view_set_version(v, 7);
	view_set_version(v, 6);
	assert_int_equal(v->version, 7);
}

static void listing_drops_who_is_missing(void **state)
{
	struct view *v = *state;
	struct view_member both[] = {{.id = A, .state = MEMBER_ACTIVE},
				     {.id = B, .state = MEMBER_JOINING}};

	list_members(v, both, 2);
	assert_non_null(view_member(v, A));
	list_members(v, &both[1], 1);
	assert_null(view_member(v, A));
	assert_int_equal(view_member(v, B)->state, MEMBER_JOINING);
	list_members(v, NULL, 0);
	assert_int_equal(v->members.len, 0);
}

static void dead_shard_stays_dead(void **state)
{
	struct view *v = *state;
	struct view_member m = {.id = A, .state = MEMBER_DEAD};

	list_members(v, &m, 1);
	m.state = MEMBER_ACTIVE;
	list_members(v, &m, 1);
	assert_int_equal(view_member(v, A)->state, MEMBER_DEAD);
}

static void dead_gateway_may_come_back(void **state)
{
	struct view *v = *state;
	struct view_member m = {.id = A, .kind = MEMBER_GATEWAY, .state = MEMBER_DEAD};

	list_members(v, &m, 1);
	m.state = MEMBER_ACTIVE;
	list_members(v, &m, 1);
	assert_int_equal(view_member(v, A)->state, MEMBER_ACTIVE);
}

static void state_names_read_back(void **state)
{
	(void)state;
	for (enum member_state s = MEMBER_JOINING; s <= MEMBER_DEAD; s++)
		assert_int_equal(member_state_of(span_str(member_state_name(s))), s);
	assert_int_equal(member_state_of(SPAN("resting")), MEMBER_DEAD);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_view, close_view)
	const struct CMUnitTest tests[] = {
		TEST(older_epoch_never_overwrites_a_newer_one),
		TEST(same_epoch_with_another_owner_is_ignored),
		TEST(version_keeps_the_greater),
		TEST(listing_drops_who_is_missing),
		TEST(dead_shard_stays_dead),
		TEST(dead_gateway_may_come_back),
		TEST(state_names_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
