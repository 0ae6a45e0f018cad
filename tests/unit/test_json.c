/* SPDX-License-Identifier: Apache-2.0 */
/* What RFC 8259 allows and forbids, walking members, and strings there and back. */
#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

static enum err check(const char *text)
{
	enum json_kind kind;

	return json_check(span_str(text), &kind);
}

/* The bytes alone on the heap, so that the sanitizer sees a read past their end. */
static enum err check_exactly(const void *bytes, size_t len)
{
	void *copy = mem_copy(bytes, len);
	enum json_kind kind;
	enum err err = json_check(span_of(copy, len), &kind);

	mem_free(copy);
	return err;
}

static void valid_text_is_accepted(void **state)
{
	static const char *const good[] = {
		"0",
		"-0",
		"1",
		"-12",
		"1.5",
		"1e9",
		"1E+09",
		"1e-1",
		"0.0",
		"123456789012345678901234567890",
		"true",
		"false",
		"null",
		"\"\"",
		"\"a\"",
		"[]",
		"{}",
		" [ ] ",
		"\t{\n}\r ",
		"[1,2,[3],{}]",
		"{\"a\":1}",
		"{ \"a\" : [ { \"b\" : null } ] , \"c\" : \"\" }",
		"\"\\u0000\"",
		"\"\\ud800\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
		"{\"a\":1,\"a\":2}",
		"\"\x7f\"",
		"\"12345678\\\"12345678\"",
		"[\"exactly8\",\"exactly8exactly8\"]",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (check(good[i]) != OK)
			fail_msg("refused: %s", good[i]);
	}
}

static void invalid_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"-",
		"+1",
		"01",
		"-01",
		".5",
		"1.",
		"1.e1",
		"1e",
		"1e+",
		"0x1",
		"1 2",
		"tru",
		"True",
		"nul",
		"nullx",
		"\"",
		"\"a",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\n\"",
		"\"\t\"",
		"\"1234567\n\"",
		"'a'",
		"[",
		"]",
		"[1",
		"[1,",
		"[1,]",
		"[,1]",
		"[1 2]",
		"[1}",
		"{",
		"}",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{a:1}",
		"{1:1}",
		"{\"a\" 1}",
		"{\"a\":1]",
		"[]]",
		"{}{}",
		"[]x",
		"/**/1",
		"NaN",
		"Infinity",
		"\xef\xbb\xbf{}",
		"[1,\v2]",
		"\"\\",
		"\"\\u",
		"{\"a\":1 \"b\":2}",
		"{,}",
		"{\"a\"}",
		"{\"a\",1}",
		"--1",
		"1-",
		"\"a\"\"b\"",
		"[\"a]",
		"\f1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (check(bad[i]) != ERR_BAD_JSON)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void nul_bytes_are_refused_anywhere(void **state)
{
	(void)state;
	assert_int_equal(check_exactly("1\0", 2), ERR_BAD_JSON);
	assert_int_equal(check_exactly("\"\0\"", 3), ERR_BAD_JSON);
	assert_int_equal(check_exactly("\"\\\0\"", 4), ERR_BAD_JSON);
	assert_int_equal(check_exactly("[\0]", 3), ERR_BAD_JSON);
	assert_int_equal(check_exactly("\"\\u00\0000\"", 9), ERR_BAD_JSON);
}

static void every_prefix_of_a_document_is_refused_without_reading_past_it(void **state)
{
	static const char text[] =
		"{\"name\":\"caf\\u00e9 \\\\ long enough for words\",\"n\":[-1.5e+3,"
		"true,false,null,{\"deep\":[[[]]]}],\"z\":\"\"}";

	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++)
		assert_int_equal(check_exactly(text, len), ERR_BAD_JSON);
	assert_int_equal(check_exactly(text, sizeof text - 1), OK);
}

static void depth_is_accepted_up_to_its_bound(void **state)
{
	char text[2 * (JSON_DEPTH_MAX + 1) + 1] = {0};

	(void)state;
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		assert_int_equal(check(text), depth <= JSON_DEPTH_MAX ? OK : ERR_TOO_DEEP);
	}
}

static void brackets_are_matched_across_the_words_of_the_bit_stack(void **state)
{
	char text[2 * 70 * 6 + 16] = "";
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 70; i++)
		len += (size_t)sprintf(text + len, i % 3 ? "[" : "{\"k\":");
	text[len++] = '1';
	for (int i = 69; i >= 0; i--)
		text[len++] = i % 3 ? ']' : '}';
	assert_int_equal(check_exactly(text, len), OK);
	text[len - 5] = text[len - 5] == ']' ? '}' : ']';
	assert_int_equal(check_exactly(text, len), ERR_BAD_JSON);
}

static void kind_is_that_of_the_whole_text(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} all[] = {{" {}", JSON_OBJECT}, {"[]", JSON_ARRAY},  {"\"\"", JSON_STRING},
		   {"-1", JSON_NUMBER},  {"true", JSON_TRUE}, {"false", JSON_FALSE},
		   {"\nnull", JSON_NULL}};
	enum json_kind kind;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_int_equal(json_check(span_str(all[i].text), &kind), OK);
		assert_int_equal(kind, all[i].kind);
	}
}

static void members_are_walked_with_their_raw_text(void **state)
{
	static const char text[] =
		" { \"a\" : 1 ,\"b\\\"\":\"x,}\\\\\" , \"c\":{\"d\":[1,{\"e\":\"]}\"}]},"
		"\"\":[ ] , \"t\":true}";
	static const char *const want[][2] = {{"a", "1"},
					      {"b\\\"", "\"x,}\\\\\""},
					      {"c", "{\"d\":[1,{\"e\":\"]}\"}]}"},
					      {"", "[ ]"},
					      {"t", "true"}};
	struct span name, value;
	size_t at = 0;

	(void)state;
	assert_int_equal(check(text), OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(json_member(span_str(text), &at, &name, &value));
		assert_true(span_is(name, want[i][0]));
		assert_true(span_is(value, want[i][1]));
	}
	assert_false(json_member(span_str(text), &at, &name, &value));
	assert_false(json_member(span_str(text), &at, &name, &value));
}

static void elements_are_walked_with_their_raw_text(void **state)
{
	static const char text[] = " [ [1,[2]] ,\"x,]\\\\\", {\"d\":[1]} ,-1.5e3,null ] ";
	static const char *const want[] = {"[1,[2]]", "\"x,]\\\\\"", "{\"d\":[1]}", "-1.5e3",
					   "null"};
	struct span value;
	size_t at = 0;

	(void)state;
	assert_int_equal(check(text), OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(json_element(span_str(text), &at, &value));
		assert_true(span_is(value, want[i]));
	}
	assert_false(json_element(span_str(text), &at, &value));
	assert_false(json_element(span_str(text), &at, &value));
	at = 0;
	assert_false(json_element(SPAN("[ ]"), &at, &value));
}

static void empty_object_has_no_members(void **state)
{
	struct span name, value;
	size_t at = 0;

	(void)state;
	assert_false(json_member(SPAN("{}"), &at, &name, &value));
	at = 0;
	assert_false(json_member(SPAN(" { } "), &at, &name, &value));
}

static void name_is_recognised_through_escapes(void **state)
{
	(void)state;
	assert_true(json_name_is(SPAN("userId"), "userId"));
	assert_true(json_name_is(SPAN("user\\u0049d"), "userId"));
	assert_true(json_name_is(SPAN("\\u0075serId"), "userId"));
	assert_true(json_name_is(SPAN("a\\/b"), "a/b"));
	assert_true(json_name_is(SPAN("\\u00e9"), "\xc3\xa9"));
	assert_false(json_name_is(SPAN("userI"), "userId"));
	assert_false(json_name_is(SPAN("userId\\u0000"), "userId"));
	assert_false(json_name_is(SPAN("userIdx"), "userId"));
	assert_false(json_name_is(SPAN(""), "userId"));
	assert_true(json_name_is(SPAN(""), ""));
}

static void string_is_unescaped(void **state)
{
	static const struct {
		const char *json, *text;
		size_t len;
	} all[] = {
		{"\"\"", "", 0},
		{"\"plain text\"", "plain text", 10},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
		{"\"a\\u0000b\"", "a\0b", 3},
		{"\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac", 5},
		{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4},
		{"\"\\ud83dx\"", "\xef\xbf\xbdx", 4},
		{"\"\\ude00\"", "\xef\xbf\xbd", 3},
		{"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", 7},
		{"\"\\ud83d\\n\"", "\xef\xbf\xbd\n", 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct buf out;
		buf_init(&out, 100);
		assert_int_equal(json_string(span_str(all[i].json), &out), OK);
		assert_int_equal(out.len, all[i].len);
		if (out.len > 0)
			assert_memory_equal(out.p, all[i].text, out.len);
		buf_fini(&out);
	}
}

static void string_longer_than_the_buffer_may_be_is_an_error(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 3);
	assert_int_equal(json_string(SPAN("\"abcd\""), &out), ERR_TOO_BIG);
	buf_fini(&out);
}

static void put_string_spells_like_the_browser(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 200);
	json_put_string(&out, SPAN("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9"));
	buf_put_u8(&out, 0);
	assert_string_equal(out.p, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
	buf_clear(&out);
	json_put_string(&out, span_of("x\0y", 3));
	buf_put_u8(&out, 0);
	assert_string_equal(out.p, "\"x\\u0000y\"");
	buf_clear(&out);
	json_put_string(&out, SPAN_NONE);
	assert_true(span_is(buf_span(&out), "\"\""));
	buf_fini(&out);
}

static void every_byte_below_128_survives_put_and_read(void **state)
{
	uint8_t all[128];
	struct buf json, back;
	enum json_kind kind;

	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)i;
	buf_init(&json, 1000);
	buf_init(&back, 1000);
	json_put_string(&json, span_of(all, sizeof all));
	assert_int_equal(json_check(buf_span(&json), &kind), OK);
	assert_int_equal(json_string(buf_span(&json), &back), OK);
	assert_true(span_eq(buf_span(&back), span_of(all, sizeof all)));
	buf_fini(&json);
	buf_fini(&back);
}

/* Every sequence of up to three bytes, and the interesting fours, against the table of RFC 3629. */
static bool utf8_by_table(const uint8_t *p, size_t len)
{
	static const struct {
		uint8_t low[4], high[4];
		size_t len;
	} rows[] = {
		{{0x00}, {0x7f}, 1},
		{{0xc2, 0x80}, {0xdf, 0xbf}, 2},
		{{0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}, 3},
		{{0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}, 3},
		{{0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}, 3},
		{{0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}, 3},
		{{0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}, 4},
		{{0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}, 4},
		{{0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}, 4},
	};
	size_t at = 0;

	while (at < len) {
		size_t row, i = 0;
		for (row = 0; row < ARRAY_LEN(rows); row++) {
			for (i = 0; i < rows[row].len && at + i < len; i++) {
				if (p[at + i] < rows[row].low[i] || p[at + i] > rows[row].high[i])
					break;
			}
			if (i == rows[row].len)
				break;
		}
		if (row == ARRAY_LEN(rows))
			return false;
		at += rows[row].len;
	}
	return true;
}

static void utf8_agrees_with_the_table_of_the_standard(void **state)
{
	static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
					0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
					0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	size_t n = ARRAY_LEN(edges);

	(void)state;
	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t p[4] = {edges[i % n], edges[i / n % n], edges[i / n / n % n],
				edges[i / n / n / n]};
		for (size_t len = 1; len <= 4; len++)
			assert_int_equal(json_is_utf8(span_of(p, len)), utf8_by_table(p, len));
	}
}

static void utf8_is_checked_behind_a_long_plain_start(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = (char)0xff;
		assert_false(json_is_utf8(span_of(text, sizeof text)));
		text[i] = 'x';
	}
	assert_true(json_is_utf8(span_of(text, sizeof text)));
	assert_true(json_is_utf8(SPAN_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_text_is_accepted),
		cmocka_unit_test(invalid_text_is_refused),
		cmocka_unit_test(nul_bytes_are_refused_anywhere),
		cmocka_unit_test(every_prefix_of_a_document_is_refused_without_reading_past_it),
		cmocka_unit_test(depth_is_accepted_up_to_its_bound),
		cmocka_unit_test(brackets_are_matched_across_the_words_of_the_bit_stack),
		cmocka_unit_test(kind_is_that_of_the_whole_text),
		cmocka_unit_test(members_are_walked_with_their_raw_text),
		cmocka_unit_test(elements_are_walked_with_their_raw_text),
		cmocka_unit_test(empty_object_has_no_members),
		cmocka_unit_test(name_is_recognised_through_escapes),
		cmocka_unit_test(string_is_unescaped),
		cmocka_unit_test(string_longer_than_the_buffer_may_be_is_an_error),
		cmocka_unit_test(put_string_spells_like_the_browser),
		cmocka_unit_test(every_byte_below_128_survives_put_and_read),
		cmocka_unit_test(utf8_agrees_with_the_table_of_the_standard),
		cmocka_unit_test(utf8_is_checked_behind_a_long_plain_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
