/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of an object by name and kind, and which of its members is blamed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/fields.h"

enum { NAME, TEXT, VALUE };
static const char *const names[] = {"name", "text", "value"};

struct world {
	struct buf scratch;
	struct fields f;
	struct span name, text, value;
};

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	buf_init(&w->scratch, 4096);
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	buf_fini(&w->scratch);
	test_free(w);
	return 0;
}

/* Returns who is to blame, or "". */
static const char *read(struct world *w, const char *object)
{
	enum json_kind kind;

	assert_int_equal(json_check(span_str(object), &kind), OK);
	fields_begin(&w->f, &w->scratch, 1024);
	fields_find(&w->f, span_str(object), names, ARRAY_LEN(names));
	fields_name(&w->f, NAME, 8, &w->name);
	fields_maybe_text(&w->f, TEXT, 8, &w->text);
	fields_json(&w->f, VALUE, 16, &w->value);
	return w->f.wrong ? w->f.wrong : "";
}

static void members_are_read_by_name_whatever_else_is_there(void **state)
{
	struct world *w = *state;

	assert_string_equal(read(w, "{\"x\":[1],\"value\":{\"a\":1},\"n\\u0061me\":\"a.b:c\","
				    "\"text\":\"\\u00e9\\n\"}"),
			    "text");
	assert_string_equal(read(w, "{\"value\":{\"a\":1},\"n\\u0061me\":\"a.b:c\","
				    "\"text\":\"\\u00e9\"}"),
			    "");
	assert_true(span_is(w->name, "a.b:c"));
	assert_true(span_is(w->text, "\xc3\xa9"));
	assert_true(span_is(w->value, "{\"a\":1}"));
}

static void first_member_that_is_wrong_is_blamed(void **state)
{
	static const struct {
		const char *object, *blamed;
	} rows[] = {
		{"{}", "name"},
		{"{\"name\":\"a\"}", "value"},
		{"{\"name\":null,\"value\":1}", "name"},
		{"{\"name\":\"a b\",\"value\":1}", "name"},
		{"{\"name\":\"\",\"value\":1}", "name"},
		{"{\"name\":\"123456789\",\"value\":1}", "name"},
		{"{\"name\":\"a\",\"value\":\"123456789012345\"}", "value"},
		{"{\"name\":\"a\",\"text\":1,\"value\":1}", "text"},
		{"{\"name\":\"a\",\"text\":\"\\u0000\",\"value\":1}", "text"},
		{"{\"name\":\"a\",\"text\":\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\",\"value\":1}", "text"},
		{"{\"name\":\"a\",\"value\":1,\"value\":2}", "value"},
		{"{\"name\":\"a\",\"text\":null,\"value\":null}", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(read(*state, rows[i].object), rows[i].blamed);
}

static void number_is_digits_within_its_bounds(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(field_number(SPAN("0"), 0, 9, &n));
	assert_true(field_number(SPAN("9007199254740991"), 0, (UINT64_C(1) << 53) - 1, &n));
	assert_int_equal(n, (UINT64_C(1) << 53) - 1);
	assert_false(field_number(SPAN("9007199254740992"), 0, (UINT64_C(1) << 53) - 1, &n));
	assert_false(field_number(SPAN("0"), 1, 9, &n));
	assert_false(field_number(SPAN(""), 0, 9, &n));
	assert_false(field_number(SPAN("-1"), 0, 9, &n));
	assert_false(field_number(SPAN("1.0"), 0, 9, &n));
	assert_false(field_number(SPAN("1e1"), 0, 99, &n));
	assert_false(field_number(SPAN("\"1\""), 0, 9, &n));
	assert_false(field_number(SPAN("00000000000000001"), 0, 9, &n));
}

static void field_of_data_is_its_member_of_that_name(void **state)
{
	struct world *w = *state;
	struct span field = SPAN_NONE;

	fields_begin(&w->f, &w->scratch, 1024);
	assert_true(field_of_data(&w->f, SPAN("[1]"), 8, &field));
	assert_true(field_of_data(&w->f, SPAN("{\"field\":7}"), 8, &field));
	assert_int_equal(field.len, 0);
	assert_true(field_of_data(&w->f, SPAN("{\"a\":1,\"field\":\"title\"}"), 8, &field));
	assert_true(span_is(field, "title"));
	assert_false(field_of_data(&w->f, SPAN("{\"field\":\"123456789\"}"), 8, &field));
	assert_false(field_of_data(&w->f, SPAN("{\"field\":\"a\",\"field\":\"b\"}"), 8, &field));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(members_are_read_by_name_whatever_else_is_there),
		T(first_member_that_is_wrong_is_blamed),
		T(number_is_digits_within_its_bounds),
		T(field_of_data_is_its_member_of_that_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
