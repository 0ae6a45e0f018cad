/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as a terminal shows them. */
#include "deploy/ctl/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const struct column columns[] = {
	{"NAME", "name", COLUMN_TEXT},
	{"SLOTS", "n", COLUMN_NUMBER},
	{"UP", "up", COLUMN_SECONDS},
	{"OK", "ok", COLUMN_YES_NO},
};

static void check(const struct table *t, const char *want)
{
	struct buf out;

	buf_init(&out, 4096);
	table_put(t, &out);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, want);
	buf_fini(&out);
}

static void table_without_rows_is_its_heading(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, columns, 2);
	check(&t, "NAME  SLOTS\n");
	assert_int_equal(table_rows(&t), 0);
	table_fini(&t);
}

static void table_columns_are_as_wide_as_they_need(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, columns, ARRAY_LEN(columns));
	table_add_row(&t, SPAN("{\"name\":\"Zo\xc3\xab\",\"n\":123456,\"up\":61,\"ok\":true}"));
	table_add_row(&t, SPAN("{\"name\":\"a-long-one\",\"up\":90000,\"ok\":false}"));
	check(&t, "NAME         SLOTS  UP         OK\n"
		  "Zo\xc3\xab         123456  1 min 1 s  yes\n"
		  "a-long-one       -  1 d 1 h    no\n");
	assert_int_equal(table_rows(&t), 2);
	table_fini(&t);
}

static void table_grows(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	table_init(&t, columns, 2);
	for (int i = 0; i < 1000; i++)
		table_add_row(&t, SPAN("{\"name\":\"a\",\"n\":1}"));
	assert_int_equal(table_rows(&t), 1000);
	buf_init(&out, 1 << 20);
	table_put(&t, &out);
	assert_int_equal(out.len, 12 * 1001);
	buf_fini(&out);
	table_fini(&t);
}

static void check_bytes(uint64_t bytes, const char *want)
{
	struct buf out;

	buf_init(&out, 64);
	table_put_bytes(&out, bytes);
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, want);
	buf_fini(&out);
}

static void table_bytes_are_rounded(void **state)
{
	(void)state;
	check_bytes(0, "0 B");
	check_bytes(999, "999 B");
	check_bytes(12345678, "12.3 MB");
	check_bytes(123456789, "123 MB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_without_rows_is_its_heading),
		cmocka_unit_test(table_columns_are_as_wide_as_they_need),
		cmocka_unit_test(table_grows),
		cmocka_unit_test(table_bytes_are_rounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
