/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON, and as text that becomes JSON: our checker and walker against another parser.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/json.h"
#include "tests/fuzz/json_reference.h"

#define TEXT_MAX (8u << 20)

static void check_member(const void *object, struct span name, struct span value, bool is_only_one)
{
	static const char kinds[] = "{[\"0tfn";
	struct buf quoted, plain, text;
	enum json_kind kind;

	buf_init(&quoted, TEXT_MAX);
	buf_init(&plain, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	buf_printf(&quoted, "\"%.*s\"", SPAN_ARGS(name));
	must(json_string(buf_span(&quoted), &plain) == OK);
	buf_put_u8(&plain, 0);
	must(json_name_is(name, (const char *)plain.p) ==
	     (strlen((const char *)plain.p) == plain.len - 1));
	const void *member = reference_member(object, plain.p, plain.len - 1);
	must(member);
	must(json_check(value, &kind) == OK && kind == json_kind(value));
	if (is_only_one)
		must(kinds[kind] == reference_kind(member));
	if (is_only_one && kind == JSON_STRING) {
		size_t len;
		const void *want = reference_text(member, &len);
		must(json_string(value, &text) == OK);
		must(span_eq(buf_span(&text), span_of(want, len)));
	}
	buf_fini(&quoted);
	buf_fini(&plain);
	buf_fini(&text);
}

static void check_members(const void *object, struct span text)
{
	struct span name, value;
	size_t count = 0;

	for (size_t at = 0; json_member(text, &at, &name, &value);)
		count++;
	must(count >= reference_size(object)); /* it keeps the last of equal names */
	for (size_t at = 0; json_member(text, &at, &name, &value);)
		check_member(object, name, value, count == reference_size(object));
}

/* What the walker does with valid text that the reference cannot hold: it must at least end. */
static void walk(struct span text)
{
	struct span name, value;

	for (size_t at = 0; json_member(text, &at, &name, &value);)
		must(value.len > 0);
}

/* The reference skips NUL bytes as if they were not there. */
static bool has_nul(struct span text)
{
	return text.len > 0 && memchr(text.p, 0, text.len) != NULL;
}

static void check_as_json(struct span text)
{
	enum json_kind kind;
	void *reference;
	enum reference_verdict verdict = reference_load(text.p, text.len, &reference);
	enum err err = json_is_utf8(text) ? json_check(text, &kind) : ERR_BAD_UTF8;

	if (err == OK) {
		must(verdict != REFERENCE_BAD);
		if (kind == JSON_OBJECT && verdict == REFERENCE_GOOD)
			check_members(reference, text);
		else if (kind == JSON_OBJECT)
			walk(text);
	} else if (err != ERR_TOO_DEEP && !has_nul(text)) {
		must(verdict != REFERENCE_GOOD);
	}
	reference_free(reference);
}

static void check_as_text(struct span text)
{
	struct buf json, back;
	enum json_kind kind;

	if (!json_is_utf8(text))
		return;
	buf_init(&json, TEXT_MAX);
	buf_init(&back, TEXT_MAX);
	json_put_string(&json, text);
	must(json_check(buf_span(&json), &kind) == OK && kind == JSON_STRING);
	must(json_string(buf_span(&json), &back) == OK);
	must(span_eq(buf_span(&back), text));
	buf_fini(&json);
	buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	check_as_json(span_of(p, len));
	check_as_text(span_of(p, len));
	return 0;
}
