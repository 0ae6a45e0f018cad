/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of who may enter, for how long, and what makes it forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/access_cache.h"

#define KEY(token, room) SPAN(token "\0" room)

static int cache_open(void **state)
{
	struct access_cache *c = test_calloc(1, sizeof *c);

	access_cache_init(c, 3);
	*state = c;
	return 0;
}

static int cache_close(void **state)
{
	access_cache_fini(*state);
	test_free(*state);
	return 0;
}

static void put(struct access_cache *c, struct span key, enum access_refusal refusal,
		int64_t expires)
{
	struct access_answer a = {
		.refusal = refusal,
		.user = user_new(SPAN("u1"), SPAN("Ann"), SPAN("a@example.org")),
		.role = SPAN("editor"),
		.user_type = SPAN("Admin"),
		.expires_unix_ms = expires,
	};

	access_cache_put(c, key, SPAN("mark-of-t1"), &a);
	user_free(&a.user);
}

static bool knows(struct access_cache *c, struct span key, int64_t at)
{
	struct access_answer a;

	return access_cache_find(c, key, at, &a);
}

static void grant_is_found_again_whole(void **state)
{
	struct access_answer a;

	put(*state, KEY("t1", "submission:s1"), ACCESS_GRANTED, 1000);

	assert_true(access_cache_find(*state, KEY("t1", "submission:s1"), 999, &a));
	assert_int_equal(a.refusal, ACCESS_GRANTED);
	assert_true(span_is(user_id(a.user), "u1"));
	assert_true(span_is(user_name(a.user), "Ann"));
	assert_true(span_is(a.role, "editor"));
	assert_true(span_is(a.user_type, "Admin"));
	assert_int_equal(a.expires_unix_ms, 1000);
	assert_false(knows(*state, KEY("t1", "submission:s2"), 999));
	assert_false(knows(*state, KEY("t1", ""), 999));
}

static void user_who_is_as_he_was_is_not_kept_twice(void **state)
{
	struct access_answer before, after;

	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);
	(void)access_cache_find(*state, KEY("t1", ""), 1, &before);
	struct user *kept = user_ref(before.user);

	put(*state, KEY("t1", ""), ACCESS_GRANTED, 2000);

	assert_true(access_cache_find(*state, KEY("t1", ""), 1, &after));
	assert_ptr_equal(after.user, kept);
	user_free(&kept);
}

static void grant_ends_with_its_session(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	assert_false(knows(*state, KEY("t1", ""), 1000));
	assert_false(access_cache_has(*state, KEY("t1", "")));
}

static void refusal_forgets_the_grant(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	put(*state, KEY("t1", ""), ACCESS_NO_SESSION, 1000);

	assert_false(knows(*state, KEY("t1", ""), 1));
}

static void least_recently_used_goes_first(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);
	put(*state, KEY("t2", ""), ACCESS_GRANTED, 1000);
	put(*state, KEY("t3", ""), ACCESS_GRANTED, 1000);
	assert_true(knows(*state, KEY("t1", ""), 1));

	put(*state, KEY("t4", ""), ACCESS_GRANTED, 1000);

	assert_true(knows(*state, KEY("t1", ""), 1));
	assert_false(knows(*state, KEY("t2", ""), 1));
	assert_true(knows(*state, KEY("t4", ""), 1));
}

static void hundreds_of_grants_are_found_each(void **state)
{
	struct access_cache *c = *state;
	char key[32];
	c->cap = 1000;

	for (int i = 0; i < 500; i++)
		put(c, span_of(key, (size_t)snprintf(key, sizeof key, "t%d", i) + 1),
		    ACCESS_GRANTED, 1000 + i);
	for (int i = 0; i < 500; i += 2)
		put(c, span_of(key, (size_t)snprintf(key, sizeof key, "t%d", i) + 1), ACCESS_DENIED,
		    0);

	for (int i = 0; i < 500; i++) {
		struct span one = span_of(key, (size_t)snprintf(key, sizeof key, "t%d", i) + 1);

		assert_int_equal(knows(c, one, 999), i % 2);
		assert_false(knows(c, one, 1000 + i));
	}
}

static void session_is_revoked_by_its_mark(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	access_cache_revoke(*state, SPAN("session:another"));
	bool before = access_cache_has(*state, KEY("t1", ""));
	access_cache_revoke(*state, SPAN("session:mark-of-t1"));

	assert_true(before);
	assert_false(access_cache_has(*state, KEY("t1", "")));
}

static void key_of_a_service_is_revoked_by_its_mark(void **state)
{
	put(*state, KEY("moot_key_1", "submission:s1"), ACCESS_GRANTED, 1000);

	access_cache_revoke(*state, SPAN("key:another"));
	bool before = access_cache_has(*state, KEY("moot_key_1", "submission:s1"));
	access_cache_revoke(*state, SPAN("key:mark-of-t1"));

	assert_true(before);
	assert_false(access_cache_has(*state, KEY("moot_key_1", "submission:s1")));
}

static void room_is_revoked_for_everybody_but_not_who_they_are(void **state)
{
	put(*state, KEY("t1", "submission:s1"), ACCESS_GRANTED, 1000);
	put(*state, KEY("t2", "submission:s1"), ACCESS_GRANTED, 1000);
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	access_cache_revoke(*state, SPAN("room:submission:s1"));

	assert_false(access_cache_has(*state, KEY("t1", "submission:s1")));
	assert_false(access_cache_has(*state, KEY("t2", "submission:s1")));
	assert_true(access_cache_has(*state, KEY("t1", "")));
}

static void user_is_revoked_by_id_or_address(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	access_cache_revoke(*state, SPAN("user:u2"));
	bool before = access_cache_has(*state, KEY("t1", ""));
	access_cache_revoke(*state, SPAN("user:u1"));

	assert_true(before);
	assert_false(access_cache_has(*state, KEY("t1", "")));
}

static void notice_of_an_unknown_kind_forgets_everything(void **state)
{
	put(*state, KEY("t1", ""), ACCESS_GRANTED, 1000);

	access_cache_revoke(*state, SPAN(""));

	assert_false(access_cache_has(*state, KEY("t1", "")));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cache_open, cache_close)
	const struct CMUnitTest tests[] = {
		T(grant_is_found_again_whole),
		T(user_who_is_as_he_was_is_not_kept_twice),
		T(grant_ends_with_its_session),
		T(refusal_forgets_the_grant),
		T(least_recently_used_goes_first),
		T(hundreds_of_grants_are_found_each),
		T(session_is_revoked_by_its_mark),
		T(key_of_a_service_is_revoked_by_its_mark),
		T(room_is_revoked_for_everybody_but_not_who_they_are),
		T(user_is_revoked_by_id_or_address),
		T(notice_of_an_unknown_kind_forgets_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
