/* SPDX-License-Identifier: Apache-2.0 */
/* When what a gateway says to its shards leaves: at once after a pause, else on the beat. The cork
 * is 1.5 ms, and there are two shards and one gateway: so it beats every 3 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/slot.h"
#include "tests/lib/world.h"

#define US(n) ((n)*INT64_C(1000))

/* The room is attached, and nothing was said for a while. */
static int open_quiet(void **state)
{
	int rc = world_open_corked(state);
	struct world *w = *state;

	world_room_is_attached(w);
	router_flush(w->router, MS(10));
	while (world_next_type(w->a))
		;
	return rc;
}

static int64_t cast(struct world *w, const char *body, int64_t now_ns)
{
	struct msg_cast m = {.body = span_str(body)};

	assert_int_equal(router_cast(w->who, &m, now_ns), OK);
	return router_flush(w->router, now_ns);
}

static void one_after_a_pause_leaves_at_once(void **state)
{
	struct world *w = *state;

	for (int64_t ms = 20; ms < 60; ms += 4) {
		assert_int_equal(cast(w, "x", MS(ms)), INT64_MAX);
		world_expect_cast(w->a, "x");
	}
}

static void those_that_follow_closely_leave_together_on_the_beat(void **state)
{
	struct world *w = *state;

	for (int us = 0; us < 3; us++) {
		(void)cast(w, "x", MS(21) + us);
		world_expect_cast(w->a, "x");
	}
	assert_int_equal(cast(w, "3", MS(21) + US(300)), MS(24));
	assert_int_equal(cast(w, "4", MS(21) + US(1600)), MS(24));
	assert_int_equal(world_next_type(w->a), 0);
	assert_true(router_is_corked(w->router));

	assert_int_equal(router_flush(w->router, MS(24)), MS(27));
	world_expect_cast(w->a, "3");
	world_expect_cast(w->a, "4");
	assert_int_equal(router_flush(w->router, MS(27)), INT64_MAX);
	assert_false(router_is_corked(w->router));
}

/* So that those of all gateways are at the same moments. */
static void the_beat_is_that_of_the_wall_clock(void **state)
{
	struct world *w = *state;

	router_set_wall(w->router, MS(1));
	for (int us = 0; us < 3; us++)
		(void)cast(w, "x", MS(21) + us);
	assert_int_equal(cast(w, "3", MS(21) + US(300)), MS(23));
}

static void with_one_shard_it_beats_faster(void **state)
{
	struct world *w = *state;

	router_view_begin(w->router);
	world_put_shard(w, 0, MEMBER_ACTIVE);
	world_put_shard(w, 1, MEMBER_DEAD);
	router_put_slot(w->router, slot_of(ROOM), (incarnation_id){100}, 1);
	router_view_end(w->router, ++w->version, MS(10));
	(void)cast(w, "1", MS(20));
	assert_int_equal(cast(w, "2", MS(20) + US(300)), MS(21));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_quiet, world_close)
	const struct CMUnitTest tests[] = {
		CASE(one_after_a_pause_leaves_at_once),
		CASE(those_that_follow_closely_leave_together_on_the_beat),
		CASE(the_beat_is_that_of_the_wall_clock),
		CASE(with_one_shard_it_beats_faster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
