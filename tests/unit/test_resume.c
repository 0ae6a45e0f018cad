/* SPDX-License-Identifier: Apache-2.0 */
/* Resume tokens: only who was given one can show it. How long one is good for is not their
 * business: as long as the key. */
#include "gateway/resume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"

#define SESSION UINT64_C(0xfedcba9876543210)
#define CONN_GEN 7

static const struct resume_key key = {"the cluster's key", 17};

static char token[RESUME_TEXT_LEN + 1];

static int write_token(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, RESUME_MAX);
	resume_put(&out, &key, &(struct resume){SESSION, CONN_GEN, SPAN("u1")});
	assert_false(out.over);
	assert_int_equal(out.len, RESUME_TEXT_LEN);
	memcpy(token, out.p, out.len);
	buf_fini(&out);
	return 0;
}

static bool is_good(struct span text, const struct resume_key *k, struct span user)
{
	struct resume r = {.user = user};

	return resume_read(text, k, &r);
}

static bool is_good_here(struct span text)
{
	return is_good(text, &key, SPAN("u1"));
}

static void token_names_session_and_connection(void **state)
{
	struct resume r = {.user = SPAN("u1")};

	(void)state;
	assert_true(resume_read(span_str(token), &key, &r));
	assert_int_equal(r.session, SESSION);
	assert_int_equal(r.conn_gen, CONN_GEN);
	assert_true(span_is(r.user, "u1"));
}

static void token_that_differs_anywhere_is_none(void **state)
{
	static const char others[] = "0123456789abcdefFgG/:@`- \0\xff"; /* the last NUL too */

	(void)state;
	for (size_t at = 0; at < RESUME_TEXT_LEN; at++) {
		char was = token[at];

		for (size_t i = 0; i < sizeof others; i++) {
			token[at] = others[i];
			assert_int_equal(is_good_here(span_of(token, RESUME_TEXT_LEN)),
					 others[i] == was);
		}
		token[at] = was;
	}
}

static void token_of_another_length_is_none(void **state)
{
	char longer[2 * RESUME_TEXT_LEN];

	(void)state;
	memcpy(longer, token, RESUME_TEXT_LEN);
	memcpy(longer + RESUME_TEXT_LEN, token, RESUME_TEXT_LEN);
	for (size_t len = 0; len <= sizeof longer; len++)
		assert_int_equal(is_good_here(span_of(longer, len)), len == RESUME_TEXT_LEN);
	assert_false(is_good_here(SPAN_NONE));
}

static void token_is_its_users_alone(void **state)
{
	static const char *const others[] = {"", "u", "u2", "u10", "U1", "7u1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(is_good(span_str(token), &key, span_str(others[i])));
}

static void token_of_another_key_is_none(void **state)
{
	struct resume_key other = key;

	(void)state;
	for (size_t at = 0; at < key.len; at++) {
		other.bytes[at] ^= 1;
		assert_false(is_good(span_str(token), &other, SPAN("u1")));
		other.bytes[at] ^= 1;
	}
	other.len--;
	assert_false(is_good(span_str(token), &other, SPAN("u1")));
}

/* Nothing can have been signed before there is a key. */
static void without_a_key_there_is_no_good_token(void **state)
{
	const struct resume_key none = {.len = 0};

	(void)state;
	assert_false(is_good(span_str(token), &none, SPAN("u1")));
}

static void longest_user_id_has_a_token(void **state)
{
	char id[USER_ID_MAX];
	struct buf out;

	(void)state;
	memset(id, 'x', sizeof id);
	buf_init(&out, RESUME_MAX);
	resume_put(&out, &key, &(struct resume){1, 1, span_of(id, sizeof id)});

	assert_true(is_good(buf_span(&out), &key, span_of(id, sizeof id)));
	assert_false(is_good(buf_span(&out), &key, span_of(id, sizeof id - 1)));
	buf_fini(&out);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, write_token)
	const struct CMUnitTest tests[] = {
		T(token_names_session_and_connection), T(token_that_differs_anywhere_is_none),
		T(token_of_another_length_is_none),    T(token_is_its_users_alone),
		T(token_of_another_key_is_none),       T(without_a_key_there_is_no_good_token),
		T(longest_user_id_has_a_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
