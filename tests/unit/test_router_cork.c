/* SPDX-License-Identifier: Apache-2.0 */
/* When what a gateway says to its shards leaves: at once after a pause, else together. The cork is
 * 1 ms, and there are two shards: so 2 ms. */
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

	for (int64_t ms = 20; ms < 40; ms += 2) {
		assert_int_equal(cast(w, "x", MS(ms)), INT64_MAX);
		world_expect_cast(w->a, "x");
	}
}

static void those_that_follow_closely_leave_together_when_it_is_due(void **state)
{
	struct world *w = *state;

	(void)cast(w, "1", MS(20));
	world_expect_cast(w->a, "1");
	assert_int_equal(cast(w, "2", MS(20) + US(300)), MS(22));
	assert_int_equal(cast(w, "3", MS(20) + US(1600)), MS(22));
	assert_int_equal(world_next_type(w->a), 0);

	router_flush(w->router, MS(22));
	world_expect_cast(w->a, "2");
	world_expect_cast(w->a, "3");
}

static void what_follows_them_closely_waits_as_long_again(void **state)
{
	struct world *w = *state;

	(void)cast(w, "1", MS(20));
	(void)cast(w, "2", MS(20) + US(900));
	router_flush(w->router, MS(22));
	assert_int_equal(cast(w, "3", MS(22) + US(100)), MS(24));
}

/* So that the gateway need not wake up for each. */
static void more_is_expected_until_a_cork_ends_without_any(void **state)
{
	struct world *w = *state;

	(void)cast(w, "1", MS(20));
	assert_false(router_is_corked(w->router));
	(void)cast(w, "2", MS(20) + US(900));
	assert_true(router_is_corked(w->router));

	assert_int_equal(router_flush(w->router, MS(22)), MS(24));
	assert_true(router_is_corked(w->router));
	assert_int_equal(router_flush(w->router, MS(24)), INT64_MAX);
	assert_false(router_is_corked(w->router));
}

static void with_one_shard_it_is_half_as_long(void **state)
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
		CASE(those_that_follow_closely_leave_together_when_it_is_due),
		CASE(what_follows_them_closely_waits_as_long_again),
		CASE(more_is_expected_until_a_cork_ends_without_any),
		CASE(with_one_shard_it_is_half_as_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
