/* SPDX-License-Identifier: Apache-2.0 */
/* The moments at which all gateways speak. */
#include "proto/beat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define CORK (1500 * NS_PER_US)

/* With so many of each. */
static struct beat beat_of(unsigned gateways, unsigned shards)
{
	struct beat b = {0};
	struct view view;

	view_init(&view);
	view_members_begin(&view);
	for (unsigned i = 0; i < gateways + shards; i++)
		view_put_member(&view, &(struct view_member){
					       .id = {1 + i},
					       .kind = i < gateways ? MEMBER_GATEWAY : MEMBER_SHARD,
					       .state = MEMBER_ACTIVE,
				       });
	view_put_member(&view, &(struct view_member){
				       .id = {100}, .kind = MEMBER_SHARD, .state = MEMBER_DEAD});
	view_put_member(&view, &(struct view_member){
				       .id = {101}, .kind = MEMBER_GATEWAY, .state = MEMBER_DEAD});
	view_members_end(&view);
	beat_follow(&b, &view, CORK);
	view_fini(&view);
	return b;
}

static void period_grows_with_the_links_up_to_a_limit(void **state)
{
	(void)state;
	assert_int_equal(beat_of(1, 1).period_ns, CORK);
	assert_int_equal(beat_of(2, 1).period_ns, CORK * 2);
	assert_int_equal(beat_of(2, 2).period_ns, CORK * 4);
	assert_int_equal(beat_of(2, 3).period_ns, CORK * 6);
	assert_int_equal(beat_of(3, 3).period_ns, CORK * 8);
	assert_int_equal(beat_of(9, 7).period_ns, CORK * 8);
	assert_int_equal(beat_of(3, 2).gateways, 3);
	assert_int_equal(beat_of(3, 2).shards, 2);
}

static void nobody_known_yet_is_one_of_each(void **state)
{
	(void)state;
	assert_int_equal(beat_of(0, 0).period_ns, CORK);
	assert_int_equal(beat_of(0, 0).shards, 1);
	assert_int_equal(beat_of(0, 2).period_ns, CORK * 2);
}

static void two_processes_beat_at_the_same_moment(void **state)
{
	const struct beat a = {.period_ns = CORK, .wall_ns = 1000 * CORK + 7};
	const struct beat b = {.period_ns = CORK, .wall_ns = 500 * CORK + 9};
	int64_t at_ns = beat_after(&a, 123456789) + a.wall_ns;

	(void)state;
	assert_int_equal(at_ns % CORK, 0);
	assert_int_equal(beat_after(&b, 123456789 + a.wall_ns - b.wall_ns) + b.wall_ns, at_ns);
}

static void next_one_is_never_now(void **state)
{
	const struct beat b = {.period_ns = CORK};

	(void)state;
	assert_int_equal(beat_after(&b, 4 * CORK), 5 * CORK);
	assert_int_equal(beat_after(&b, 5 * CORK - 1), 5 * CORK);
}

/* A wall clock that is set before 1970 leaves it a beat. */
static void a_wall_clock_behind_the_start_beats_too(void **state)
{
	const struct beat b = {.period_ns = CORK, .wall_ns = -10 * CORK - 1};

	(void)state;
	assert_in_range(beat_after(&b, CORK), CORK + 1, 3 * CORK);
}

static void without_a_cork_it_is_now(void **state)
{
	const struct beat b = {0};

	(void)state;
	assert_int_equal(beat_after(&b, 12345), 12345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(period_grows_with_the_links_up_to_a_limit),
		cmocka_unit_test(nobody_known_yet_is_one_of_each),
		cmocka_unit_test(two_processes_beat_at_the_same_moment),
		cmocka_unit_test(next_one_is_never_now),
		cmocka_unit_test(a_wall_clock_behind_the_start_beats_too),
		cmocka_unit_test(without_a_cork_it_is_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
