/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, and randomness beside them. */
#include "common/mono.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "common/random.h"

static void monotonic_time_does_not_go_back(void **state)
{
	int64_t before = mono_now_ns();

	(void)state;
	assert_true(before > 0);
	for (int i = 0; i < 1000; i++) {
		int64_t now = mono_now_ns();
		assert_true(now >= before);
		before = now;
	}
}

static void wall_time_is_written_as_rfc_3339(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{1763916331123, "2025-11-23T16:45:31.123Z"},
		{951782399999, "2000-02-28T23:59:59.999Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{-1, "1970-01-01T00:00:00.000Z"},
		{INT64_MAX, "1970-01-01T00:00:00.000Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[ISO_TIME_LEN + 1];
		wall_iso(out, rows[i].ms);
		assert_string_equal(out, rows[i].text);
	}
	assert_true(wall_unix_ms() > INT64_C(1600000000000));
}

static void random_fills_all_bytes_and_differs(void **state)
{
	uint8_t a[300] = {0}, b[300] = {0};
	unsigned zeros = 0;

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		zeros += a[i] == 0;
	assert_true(zeros < 30); /* about one is expected */
	assert_true(random_u64() != random_u64());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monotonic_time_does_not_go_back),
		cmocka_unit_test(wall_time_is_written_as_rfc_3339),
		cmocka_unit_test(random_fills_all_bytes_and_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
