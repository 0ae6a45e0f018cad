/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines, kept and found again. */
#include "common/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct flight f;

static int open_flight(void **state)
{
	(void)state;
	flight_init(&f, 3);
	return 0;
}

static int close_flight(void **state)
{
	(void)state;
	flight_fini(&f);
	return 0;
}

static void check(const char *text, size_t limit, const char *want)
{
	struct buf out;

	buf_init(&out, 65536);
	flight_find(&f, span_str(text), limit, &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, want);
	buf_fini(&out);
}

static void put(const char *line)
{
	flight_put(&f, span_str(line));
}

static void flight_that_holds_nothing_finds_nothing(void **state)
{
	(void)state;
	check("", 10, "");
}

static void flight_keeps_the_last_ones_in_order(void **state)
{
	(void)state;
	put("{1}");
	put("{2}");
	check("", 10, "{1},{2}");
	put("{3}");
	put("{4}");
	check("", 10, "{2},{3},{4}");
}

static void flight_finds_by_what_is_in_the_line(void **state)
{
	(void)state;
	put("{a 1}");
	put("{b}");
	put("{a 2}");
	check("a ", 10, "{a 1},{a 2}");
	check("a ", 1, "{a 2}");
	check("c", 10, "");
}

static void flight_does_not_keep_what_is_too_long(void **state)
{
	static char line[FLIGHT_LINE_MAX + 2];

	(void)state;
	memset(line, 'x', FLIGHT_LINE_MAX + 1);
	put("{1}");
	put(line);
	check("", 10, "{1}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_flight, close_flight)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(flight_that_holds_nothing_finds_nothing),
		TEST(flight_keeps_the_last_ones_in_order),
		TEST(flight_finds_by_what_is_in_the_line),
		TEST(flight_does_not_keep_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
