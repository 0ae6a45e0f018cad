/* SPDX-License-Identifier: Apache-2.0 */
/* Room keys and slots: what the database and every process agree on for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/slot.h"

static void slots_of_known_keys_never_change(void **state)
{
	(void)state;
	assert_int_equal(slot_of(SPAN("submission:1")), 1386);
	assert_int_equal(slot_of(SPAN("document:1")), 2134);
	assert_int_equal(slot_of(SPAN("submission:e2e-4f1c")), 1763);
}

static void slots_are_spread_evenly(void **state)
{
	(void)state;
	static unsigned count[SLOTS];
	char key[32];

	for (int i = 0; i < 16 * SLOTS; i++) {
		snprintf(key, sizeof(key), "submission:%d", i);
		count[slot_of(span_str(key))]++;
	}
	for (int i = 0; i < SLOTS; i++)
		assert_in_range(count[i], 1, 48);
}

static void key_survives_writing_and_reading(void **state)
{
	(void)state;
	char key[ROOM_KEY_MAX];
	size_t len;
	enum room_kind kind;
	struct span id;

	assert_int_equal(room_key_write(ROOM_DOCUMENT, SPAN("a:b/\xc3\xa9 c"), key, &len), OK);
	assert_int_equal(room_key_read(span_of(key, len), &kind, &id), OK);
	assert_int_equal(kind, ROOM_DOCUMENT);
	assert_true(span_is(id, "a:b/\xc3\xa9 c"));
}

static void longest_id_fits_and_one_byte_more_does_not(void **state)
{
	(void)state;
	char key[ROOM_KEY_MAX], id[ROOM_ID_MAX + 1];
	size_t len;

	memset(id, 'x', sizeof(id));
	assert_int_equal(room_key_write(ROOM_SUBMISSION, span_of(id, ROOM_ID_MAX), key, &len), OK);
	assert_int_equal(room_key_write(ROOM_SUBMISSION, span_of(id, sizeof(id)), key, &len),
			 ERR_NO_ROOM);
}

static void ids_that_are_no_names_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a\nb", "\x7f", "\xc2\x85", "\xff", "\xed\xa0\x80"};
	char key[ROOM_KEY_MAX];
	size_t len;
	enum room_kind kind;
	struct span id;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(room_key_write(ROOM_SUBMISSION, span_str(bad[i]), key, &len),
				 ERR_NO_ROOM);
	assert_int_equal(room_key_write(ROOM_SUBMISSION, SPAN("a\0b"), key, &len), ERR_NO_ROOM);
	assert_int_equal(room_key_read(SPAN("submission:"), &kind, &id), ERR_NO_ROOM);
	assert_int_equal(room_key_read(SPAN("thing:1"), &kind, &id), ERR_NO_ROOM);
	assert_int_equal(room_key_read(SPAN("submission"), &kind, &id), ERR_NO_ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_of_known_keys_never_change),
		cmocka_unit_test(slots_are_spread_evenly),
		cmocka_unit_test(key_survives_writing_and_reading),
		cmocka_unit_test(longest_id_fits_and_one_byte_more_does_not),
		cmocka_unit_test(ids_that_are_no_names_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
