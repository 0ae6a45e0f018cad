/* SPDX-License-Identifier: Apache-2.0 */
/* A user that many speak of. */
#include "proto/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct user *ann(const char *name)
{
	return user_new(SPAN("u1"), span_str(name), SPAN("a@example.org"));
}

static void user_lives_as_long_as_anybody_holds_it(void **state)
{
	(void)state;
	struct user *mine = ann("Ann"), *theirs = user_ref(mine);

	user_free(&mine);

	assert_null(mine);
	assert_true(span_is(user_id(theirs), "u1"));
	assert_true(span_is(user_name(theirs), "Ann"));
	assert_true(span_is(user_email(theirs), "a@example.org"));
	user_free(&theirs);
}

static void users_that_say_the_same_become_one(void **state)
{
	(void)state;
	struct user *mine = ann("Ann"), *theirs = ann("Ann"), *renamed = ann("Anna");

	user_share(&mine, renamed);
	assert_ptr_not_equal(mine, renamed);
	user_share(&mine, theirs);
	assert_ptr_equal(mine, theirs);

	user_free(&mine);
	user_free(&theirs);
	user_free(&renamed);
}

static void user_of_empty_texts_is_one_all_the_same(void **state)
{
	(void)state;
	struct user *u = user_new(SPAN_NONE, SPAN("a key"), SPAN_NONE);

	assert_int_equal(user_id(u).len, 0);
	assert_true(span_is(user_name(u), "a key"));
	assert_int_equal(user_email(u).len, 0);
	user_free(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_lives_as_long_as_anybody_holds_it),
		cmocka_unit_test(users_that_say_the_same_become_one),
		cmocka_unit_test(user_of_empty_texts_is_one_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
