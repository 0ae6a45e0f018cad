/* SPDX-License-Identifier: Apache-2.0 */
/* Of whom clients are to be told, each once, by what they knew before. */
#include "gateway/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct changes c;

static int open_changes(void **state)
{
	(void)state;
	changes_init(&c);
	return 0;
}

static int close_changes(void **state)
{
	(void)state;
	changes_fini(&c);
	return 0;
}

/* "u1+ u2- ": + was here when clients were told last. */
static void assert_changes(const char *expected)
{
	char all[256] = "";

	LIST_EACH (&c.all, it, ahead) {
		const struct change *one = change_of(it);
		size_t len = strlen(all);

		snprintf(all + len, sizeof all - len, "%.*s%c ", SPAN_ARGS(change_user(one)),
			 one->was_here ? '+' : '-');
	}
	assert_string_equal(all, expected);
}

static void changes_begin_empty(void **state)
{
	(void)state;
	assert_true(changes_is_empty(&c));
	assert_changes("");
}

static void changes_keep_the_order_in_which_they_began(void **state)
{
	(void)state;
	changes_note(&c, SPAN("u2"), true);
	changes_note(&c, SPAN("u1"), false);
	changes_note(&c, SPAN("u3"), true);
	changes_note(&c, SPAN("u2"), true);

	assert_false(changes_is_empty(&c));
	assert_changes("u2+ u1- u3+ ");
}

/* Who came and went again since was not there when clients were told last, whatever the roster says
 * in between. */
static void only_the_first_word_of_a_user_counts(void **state)
{
	(void)state;
	changes_note(&c, SPAN("came"), false);
	changes_note(&c, SPAN("came"), true);
	changes_note(&c, SPAN("went"), true);
	changes_note(&c, SPAN("went"), false);

	assert_changes("came- went+ ");
}

static void users_are_told_apart_by_their_whole_id(void **state)
{
	(void)state;
	changes_note(&c, SPAN("u1"), true);
	changes_note(&c, SPAN("u10"), false);
	changes_note(&c, SPAN("u\0001"), true);
	changes_note(&c, SPAN_NONE, false);
	changes_note(&c, SPAN_NONE, true);

	assert_int_equal(c.by_user.len, 4);
}

static void a_user_is_kept_although_the_caller_forgets_it(void **state)
{
	char id[] = "u1";

	(void)state;
	changes_note(&c, span_str(id), true);
	id[1] = '2';
	changes_note(&c, SPAN("u1"), false);

	assert_changes("u1+ ");
}

static void cleared_changes_begin_anew(void **state)
{
	(void)state;
	changes_note(&c, SPAN("u1"), true);
	changes_note(&c, SPAN("u2"), true);
	changes_clear(&c);
	bool is_empty = changes_is_empty(&c);
	changes_note(&c, SPAN("u1"), false);

	assert_true(is_empty);
	assert_changes("u1- ");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_changes, close_changes)
	const struct CMUnitTest tests[] = {
		T(changes_begin_empty),
		T(changes_keep_the_order_in_which_they_began),
		T(only_the_first_word_of_a_user_counts),
		T(users_are_told_apart_by_their_whole_id),
		T(a_user_is_kept_although_the_caller_forgets_it),
		T(cleared_changes_begin_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
