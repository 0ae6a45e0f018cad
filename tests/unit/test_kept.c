/* SPDX-License-Identifier: Apache-2.0 */
/* The states that a connection leaves for late joiners; their bounds: test_roster.c. */
#include "proto/kept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void kept_states_are_found_by_key_the_last_one_set_at_the_end(void **state)
{
	(void)state;
	struct kept *k = NULL;

	kept_put(&k, SPAN("typing"), SPAN("{1}"));
	kept_put(&k, SPAN("cursor"), SPAN("{2}"));
	kept_put(&k, SPAN("typing"), SPAN("{3}"));

	assert_int_equal(kept_count(k), 2);
	assert_true(span_is(kept_at(k, 1).key, "typing"));
	assert_true(span_is(kept_find(k, SPAN("typing")), "{3}"));
	assert_int_equal(kept_find(k, SPAN("typ")).len, 0);
	kept_free(&k);
	assert_null(k);
}

static void last_kept_state_that_goes_takes_the_list_with_it(void **state)
{
	(void)state;
	struct kept *k = NULL;

	kept_put(&k, SPAN("typing"), SPAN("{1}"));
	kept_put(&k, SPAN("typing"), SPAN_NONE);

	assert_null(k);
	kept_put(&k, SPAN("typing"), SPAN_NONE);
	assert_null(k);
}

static void kept_states_survive_their_own_items(void **state)
{
	(void)state;
	struct kept *k = NULL, *copy = NULL;
	struct buf items;

	buf_init(&items, 1024);
	kept_put(&k, SPAN("typing"), SPAN("{1}"));
	kept_put(&k, SPAN("cursor"), SPAN("{2}"));
	kept_put(&copy, SPAN("stale"), SPAN("{}"));

	kept_put_items(k, &items);
	kept_replace(&copy, buf_span(&items));

	assert_int_equal(kept_count(copy), 2);
	assert_true(span_is(kept_find(copy, SPAN("cursor")), "{2}"));
	kept_replace(&copy, SPAN_NONE);
	assert_int_equal(kept_count(copy), 2);
	kept_free(&k);
	kept_free(&copy);
	buf_fini(&items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_states_are_found_by_key_the_last_one_set_at_the_end),
		cmocka_unit_test(last_kept_state_that_goes_takes_the_list_with_it),
		cmocka_unit_test(kept_states_survive_their_own_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
