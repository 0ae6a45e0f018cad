/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of JSON text and the walker over checked text. The checker keeps one bit per open
 * array or object; the walker trusts that the text was checked, but never reads past its end.
 * docs/decisions/0001-json-is-checked-not-parsed.md */
#include "common/json.h"

#include <string.h>

#include "common/json_plain.h"

struct reader {
	const uint8_t *p, *end;
	uint64_t is_object[JSON_DEPTH_MAX / 64]; /* one bit per level */
	unsigned depth;
	enum err err;
};

enum step { STEP_VALUE, STEP_AFTER, STEP_DONE, STEP_BROKEN }; /* what must come next */

static enum step read_value(struct reader *r);
static enum step read_open(struct reader *r, bool is_object);
static enum step read_after(struct reader *r);
static enum step read_name(struct reader *r);
static bool read_string(struct reader *r);
static bool read_escape(struct reader *r);
static bool read_number(struct reader *r);
static bool read_digits(struct reader *r);
static bool read_word(struct reader *r, const char *word, size_t len);
static enum step broken(struct reader *r, enum err err);
static enum step step_if(bool good, struct reader *r);
static void skip_space(struct reader *r);
static bool next_is(const struct reader *r, uint8_t c);
static void take_value(struct reader *r, struct span *value);
static void skip_string(struct reader *r);
static void skip_value(struct reader *r);

enum err json_check(struct span text, enum json_kind *kind)
{
	struct reader r = {.p = text.p, .end = json_end(text), .err = OK};
	enum step step = STEP_VALUE;

	*kind = JSON_NULL;
	skip_space(&r);
	if (r.p < r.end)
		*kind = json_kind(span_of(r.p, (size_t)(r.end - r.p)));
	while (step == STEP_VALUE || step == STEP_AFTER)
		step = step == STEP_VALUE ? read_value(&r) : read_after(&r);
	if (step == STEP_BROKEN)
		return r.err;
	skip_space(&r);
	return r.p == r.end ? OK : ERR_BAD_JSON;
}

bool json_member(struct span object, size_t *at, struct span *name, struct span *value)
{
	struct reader r = {.p = object.p + *at, .end = object.p + object.len};

	skip_space(&r);
	if (r.p < r.end && (*r.p == '{' || *r.p == ','))
		r.p++;
	skip_space(&r);
	if (!next_is(&r, '"'))
		return false;
	const uint8_t *start = r.p;
	skip_string(&r);
	*name = span_of(start + 1, (size_t)(r.p - start) - 2);
	skip_space(&r);
	must(next_is(&r, ':'));
	r.p++;
	take_value(&r, value);
	*at = (size_t)(r.p - object.p);
	return true;
}

bool json_element(struct span array, size_t *at, struct span *value)
{
	struct reader r = {.p = array.p + *at, .end = array.p + array.len};

	skip_space(&r);
	if (r.p < r.end && *r.p != ']')
		r.p++; /* '[' or ',' */
	skip_space(&r);
	if (r.p == r.end || *r.p == ']')
		return false;
	take_value(&r, value);
	*at = (size_t)(r.p - array.p);
	return true;
}

enum json_kind json_kind(struct span value)
{
	switch (value.p[0]) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

static enum step read_value(struct reader *r)
{
	skip_space(r);
	if (r->p == r->end)
		return broken(r, ERR_BAD_JSON);
	switch (*r->p) {
	case '{':
		return read_open(r, true);
	case '[':
		return read_open(r, false);
	case '"':
		return step_if(read_string(r), r);
	case 't':
		return step_if(read_word(r, "true", 4), r);
	case 'f':
		return step_if(read_word(r, "false", 5), r);
	case 'n':
		return step_if(read_word(r, "null", 4), r);
	default:
		return step_if(read_number(r), r);
	}
}

static enum step read_open(struct reader *r, bool is_object)
{
	if (r->depth == JSON_DEPTH_MAX)
		return broken(r, ERR_TOO_DEEP);
	uint64_t bit = UINT64_C(1) << (r->depth % 64);
	uint64_t *bits = &r->is_object[r->depth / 64];

	*bits = is_object ? *bits | bit : *bits & ~bit;
	r->depth++;
	r->p++;
	skip_space(r);
	if (next_is(r, is_object ? '}' : ']'))
		return STEP_AFTER;
	return is_object ? read_name(r) : STEP_VALUE;
}

static enum step read_after(struct reader *r)
{
	if (r->depth == 0)
		return STEP_DONE;
	bool in_object = r->is_object[(r->depth - 1) / 64] >> ((r->depth - 1) % 64) & 1;

	skip_space(r);
	if (next_is(r, in_object ? '}' : ']')) {
		r->p++;
		r->depth--;
		return STEP_AFTER;
	}
	if (!next_is(r, ','))
		return broken(r, ERR_BAD_JSON);
	r->p++;
	skip_space(r);
	return in_object ? read_name(r) : STEP_VALUE;
}

static enum step read_name(struct reader *r)
{
	if (!next_is(r, '"') || !read_string(r))
		return broken(r, ERR_BAD_JSON);
	skip_space(r);
	if (!next_is(r, ':'))
		return broken(r, ERR_BAD_JSON);
	r->p++;
	return STEP_VALUE;
}

static bool read_string(struct reader *r)
{
	r->p++;
	for (;;) {
		r->p = json_skip_plain(r->p, r->end);
		if (r->p == r->end || *r->p < 0x20)
			return false;
		if (*r->p == '"') {
			r->p++;
			return true;
		}
		if (!read_escape(r))
			return false;
	}
}

static bool read_escape(struct reader *r)
{
	if (r->end - r->p < 2)
		return false;
	uint8_t c = r->p[1];

	r->p += 2;
	if (c != 'u')
		return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
	if (r->end - r->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		if (json_hex_digit(*r->p++) == JSON_NOT_HEX)
			return false;
	}
	return true;
}

static bool read_number(struct reader *r)
{
	if (next_is(r, '-'))
		r->p++;
	if (next_is(r, '0'))
		r->p++;
	else if (!read_digits(r))
		return false;
	if (next_is(r, '.')) {
		r->p++;
		if (!read_digits(r))
			return false;
	}
	if (next_is(r, 'e') || next_is(r, 'E')) {
		r->p++;
		if (next_is(r, '+') || next_is(r, '-'))
			r->p++;
		return read_digits(r);
	}
	return true;
}

static bool read_digits(struct reader *r)
{
	const uint8_t *start = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > start;
}

static bool read_word(struct reader *r, const char *word, size_t len)
{
	if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	return true;
}

static enum step broken(struct reader *r, enum err err)
{
	r->err = err;
	return STEP_BROKEN;
}

static enum step step_if(bool good, struct reader *r)
{
	return good ? STEP_AFTER : broken(r, ERR_BAD_JSON);
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static bool next_is(const struct reader *r, uint8_t c)
{
	return r->p < r->end && *r->p == c;
}

static void take_value(struct reader *r, struct span *value)
{
	skip_space(r);
	const uint8_t *start = r->p;

	skip_value(r);
	*value = span_of(start, (size_t)(r->p - start));
}

static void skip_string(struct reader *r)
{
	r->p++;
	for (;;) {
		r->p = json_skip_plain(r->p, r->end);
		must(r->end - r->p >= 1);
		if (*r->p == '"')
			break;
		must(r->end - r->p >= 2);
		r->p += 2;
	}
	r->p++;
}

static void skip_value(struct reader *r)
{
	size_t depth = 0;

	while (r->p < r->end) {
		uint8_t c = *r->p;

		if (depth == 0 && (c == ',' || c == '}' || c == ']' || c <= ' '))
			return;
		if (c == '"') {
			skip_string(r);
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		r->p++;
	}
}
