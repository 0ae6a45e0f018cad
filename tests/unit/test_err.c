/* SPDX-License-Identifier: Apache-2.0 */
/* The error table: complete and without contradictions. */
#include "common/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const enum err all[] = {
#define ERR(NAME, number, retryable, http, close, text, hint) ERR_##NAME,
#include "common/err.def"
#undef ERR
};

static void every_error_has_a_name_a_sentence_and_its_own_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_string_not_equal(err_name(all[i]), "UNKNOWN");
		assert_true(strlen(err_text(all[i])) > 0);
		assert_true(err_text(all[i])[strlen(err_text(all[i])) - 1] != '.');
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(all[i], all[j]);
	}
}

static void every_error_says_what_to_do_and_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		size_t len = strlen(err_hint(all[i]));
		if (all[i] == OK)
			continue;
		assert_in_range(len, 10, 200);
		assert_int_equal(err_hint(all[i])[len - 1], '.');
		assert_int_equal(err_of_name(err_name(all[i])), all[i]);
	}
	assert_int_equal(err_of_name("too_fast"), ERR_TOO_FAST);
	assert_int_equal(err_of_name("no such error"), OK);
}

/* 44xx is final for a client, 45xx and 10xx are "come again" */
static void close_codes_say_whether_to_come_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		unsigned code = err_close(all[i]);
		if (code >= 4400 && code < 4500)
			assert_false(err_retryable(all[i]));
		if (code >= 4500)
			assert_true(err_retryable(all[i]));
		assert_true(code == 0 || (code >= 1000 && code < 1015) ||
			    (code >= 4400 && code < 4600));
		assert_in_range(err_http(all[i]), 200, 599);
	}
}

static void error_of_a_newer_peer_has_safe_answers(void **state)
{
	enum err e = (enum err)9999;

	(void)state;
	assert_string_equal(err_name(e), "UNKNOWN");
	assert_int_equal(err_http(e), 500);
	assert_int_equal(err_close(e), 0);
	assert_false(err_retryable(e));
}

static void known_error_has_the_row_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(OK, 0);
	assert_string_equal(err_name(ERR_NOT_ALLOWED), "NOT_ALLOWED");
	assert_int_equal(err_http(ERR_NOT_ALLOWED), 403);
	assert_int_equal(err_close(ERR_NOT_ALLOWED), 4403);
	assert_true(err_retryable(ERR_DB_AWAY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_a_name_a_sentence_and_its_own_number),
		cmocka_unit_test(every_error_says_what_to_do_and_is_found_by_its_name),
		cmocka_unit_test(close_codes_say_whether_to_come_again),
		cmocka_unit_test(error_of_a_newer_peer_has_safe_answers),
		cmocka_unit_test(known_error_has_the_row_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
