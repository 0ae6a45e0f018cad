/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments in, messages out. */
#include "gateway/inflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define MAX 100

enum { FIRST = 1, LAST = 2, BINARY = 4 };

static enum inflow_result add(struct inflow *in, const char *text, unsigned how, struct span *out)
{
	const struct piece piece = {
		.bytes = span_str(text),
		.first = how & FIRST,
		.last = how & LAST,
		.binary = how & BINARY,
	};

	return inflow_add(in, &piece, MAX, out);
}

static void inflow_hands_up_a_single_piece_without_copying_it(void **state)
{
	struct inflow in = {0};
	struct span message;
	const char *text = "whole";

	(void)state;
	assert_int_equal(add(&in, text, FIRST | LAST, &message), INFLOW_WHOLE);

	assert_ptr_equal(message.p, text);
	assert_int_equal(message.len, 5);
	assert_null(in.gathered);
}

static void inflow_joins_pieces_and_judges_utf8_only_at_the_end(void **state)
{
	struct inflow in = {0};
	struct span message;

	(void)state;
	assert_int_equal(add(&in, "Gr\xc3", FIRST, &message), INFLOW_MORE);
	assert_int_equal(add(&in, "", 0, &message), INFLOW_MORE);
	assert_int_equal(add(&in, "\xbc\xc3\x9f", 0, &message), INFLOW_MORE);

	assert_int_equal(add(&in, "e", LAST, &message), INFLOW_WHOLE);

	assert_true(span_is(message, "Grüße"));
	inflow_drop(&in);
}

static void inflow_refuses_text_that_is_not_utf8(void **state)
{
	static const char *const texts[] = {"\xc3(", "\xed\xa0\x80", "\xf0\x9f\x8e", "\xc0\xaf"};
	struct inflow in = {0};
	struct span message;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(add(&in, texts[i], FIRST | LAST, &message), INFLOW_BAD_UTF8);
		assert_int_equal(add(&in, "a", FIRST, &message), INFLOW_MORE);
		assert_int_equal(add(&in, texts[i], LAST, &message), INFLOW_BAD_UTF8);
		inflow_drop(&in);
	}
}

static void inflow_believes_what_a_frame_announces_only_to_refuse_it(void **state)
{
	struct inflow in = {0};
	struct span message;
	struct piece piece = {.bytes = SPAN("x"), .first = true};

	(void)state;
	piece.coming = MAX - 1;
	assert_int_equal(inflow_add(&in, &piece, MAX, &message), INFLOW_MORE);
	piece.coming = MAX;
	assert_int_equal(inflow_add(&in, &piece, MAX, &message), INFLOW_TOO_BIG);
	piece.coming = UINT64_MAX;
	assert_int_equal(inflow_add(&in, &piece, MAX, &message), INFLOW_TOO_BIG);
	inflow_drop(&in);
}

static void inflow_counts_fragments_together(void **state)
{
	struct inflow in = {0};
	struct span message;
	char forty[41];

	(void)state;
	memset(forty, 'x', 40);
	forty[40] = '\0';
	assert_int_equal(add(&in, forty, FIRST, &message), INFLOW_MORE);
	assert_int_equal(add(&in, forty, 0, &message), INFLOW_MORE);

	assert_int_equal(add(&in, forty, 0, &message), INFLOW_TOO_BIG);

	inflow_drop(&in);
	assert_int_equal(add(&in, forty, FIRST | LAST, &message), INFLOW_WHOLE);
}

static void inflow_lets_binary_go_by_but_not_without_limit(void **state)
{
	struct inflow in = {0};
	struct span message;
	char forty[41];

	(void)state;
	memset(forty, 'x', 40);
	forty[40] = '\0';
	assert_int_equal(add(&in, forty, FIRST | BINARY, &message), INFLOW_MORE);
	assert_int_equal(add(&in, "", LAST | BINARY, &message), INFLOW_BINARY);
	inflow_drop(&in);

	assert_int_equal(add(&in, forty, FIRST | BINARY, &message), INFLOW_MORE);
	assert_int_equal(add(&in, forty, BINARY, &message), INFLOW_MORE);
	assert_int_equal(add(&in, forty, LAST | BINARY, &message), INFLOW_TOO_BIG);
	inflow_drop(&in);
}

static void inflow_passes_an_empty_message(void **state)
{
	struct inflow in = {0};
	struct span message;

	(void)state;
	assert_int_equal(add(&in, "", FIRST | LAST, &message), INFLOW_WHOLE);
	assert_int_equal(message.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inflow_hands_up_a_single_piece_without_copying_it),
		cmocka_unit_test(inflow_joins_pieces_and_judges_utf8_only_at_the_end),
		cmocka_unit_test(inflow_refuses_text_that_is_not_utf8),
		cmocka_unit_test(inflow_believes_what_a_frame_announces_only_to_refuse_it),
		cmocka_unit_test(inflow_counts_fragments_together),
		cmocka_unit_test(inflow_lets_binary_go_by_but_not_without_limit),
		cmocka_unit_test(inflow_passes_an_empty_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
