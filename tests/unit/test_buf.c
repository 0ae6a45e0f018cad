/* SPDX-License-Identifier: Apache-2.0 */
/* Owned bytes with a hard maximum. */
#include "common/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void buf_allocates_nothing_until_written(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_null(b.p);
	assert_int_equal(buf_span(&b).len, 0);
	buf_fini(&b);
}

static void buf_grows_and_keeps_what_was_put(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (unsigned i = 0; i < 100000; i++)
		buf_put_u8(&b, (uint8_t)i);
	assert_false(b.over);
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], (uint8_t)i);
	buf_fini(&b);
}

static void buf_may_be_filled_to_the_last_byte(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_printf(&b, "%s", "12345678");
	assert_false(b.over);
	assert_true(span_is(buf_span(&b), "12345678"));
	buf_put(&b, "", 0);
	assert_false(b.over);
	buf_fini(&b);
}

static void buf_past_the_maximum_drops_and_remembers_until_cleared(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_put_str(&b, "12345");
	buf_put_str(&b, "6789");
	assert_true(b.over);
	buf_put_str(&b, "6");
	assert_true(span_is(buf_span(&b), "12345")); /* no hole in the middle of a message */

	buf_clear(&b);
	buf_put_str(&b, "new");
	assert_false(b.over);
	assert_true(span_is(buf_span(&b), "new"));
	buf_fini(&b);
}

static void buf_room_is_null_past_the_maximum_without_harm(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_null(buf_room(&b, 101));
	assert_null(buf_room(&b, SIZE_MAX));
	assert_false(b.over);
	uint8_t *p = buf_room(&b, 100);
	assert_non_null(p);
	memset(p, 'x', 100);
	b.len += 100;
	assert_null(buf_room(&b, 1));
	buf_fini(&b);
}

static void buf_cut_drops_the_head(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	buf_put_str(&b, "headbody");
	buf_cut(&b, 4);
	assert_true(span_is(buf_span(&b), "body"));
	buf_cut(&b, 4);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void buf_writes_numbers_in_decimal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	buf_put_u64_text(&b, 0);
	buf_put_u8(&b, ' ');
	buf_put_u64_text(&b, UINT64_MAX);
	assert_true(span_is(buf_span(&b), "0 18446744073709551615"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_allocates_nothing_until_written),
		cmocka_unit_test(buf_grows_and_keeps_what_was_put),
		cmocka_unit_test(buf_may_be_filled_to_the_last_byte),
		cmocka_unit_test(buf_past_the_maximum_drops_and_remembers_until_cleared),
		cmocka_unit_test(buf_room_is_null_past_the_maximum_without_harm),
		cmocka_unit_test(buf_cut_drops_the_head),
		cmocka_unit_test(buf_writes_numbers_in_decimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
