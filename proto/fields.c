/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/fields.h"

#include <string.h>

#include "common/json.h"

#define DIGITS_MAX 16 /* of 2^53 */

void fields_begin(struct fields *f, struct buf *scratch, size_t bytes)
{
	*f = (struct fields){.scratch = scratch};
	buf_clear(scratch);
	must(buf_room(scratch, bytes));
}

/* Of a name that comes twice the first one is found. */
void fields_find(struct fields *f, struct span object, const char *const *names, size_t count)
{
	struct span name, value;
	size_t at = 0;

	f->names = names;
	f->wrong = NULL;
	memset(f->values, 0, sizeof(f->values));
	while (json_member(object, &at, &name, &value))
		for (size_t i = 0; i < count; i++) {
			if (!json_name_is(name, names[i]))
				continue;
			if (f->values[i].p)
				fields_blame(f, i);
			else
				f->values[i] = value;
		}
}

/* JSON.stringify writes null for what a program has not got. */
bool fields_has(const struct fields *f, size_t at)
{
	return f->values[at].p && json_kind(f->values[at]) != JSON_NULL;
}

void fields_blame(struct fields *f, size_t at)
{
	if (!f->wrong)
		f->wrong = f->names[at];
}

void fields_text(struct fields *f, size_t at, size_t max, struct span *out)
{
	fields_maybe_text(f, at, max, out);
	if (!fields_has(f, at))
		fields_blame(f, at);
}

void fields_maybe_text(struct fields *f, size_t at, size_t max, struct span *out)
{
	if (fields_has(f, at) && !field_string(f, f->values[at], max, out))
		fields_blame(f, at);
}

void fields_name(struct fields *f, size_t at, size_t max, struct span *out)
{
	if (!fields_has(f, at) || !field_name(f, f->values[at], max, out))
		fields_blame(f, at);
}

void fields_json(struct fields *f, size_t at, size_t max, struct span *out)
{
	*out = f->values[at];
	if (!out->p || (max && out->len > max))
		fields_blame(f, at);
}

bool field_string(struct fields *f, struct span value, size_t max, struct span *out)
{
	if (json_kind(value) != JSON_STRING)
		return false;
	*out = span_of(value.p + 1, value.len - 2);
	if (memchr(out->p, '\\', out->len)) {
		struct buf piece = fields_take(f, max);

		if (json_string(value, &piece) != OK)
			return false;
		*out = buf_span(&piece);
	}
	return out->len >= 1 && out->len <= max && field_is_plain(*out);
}

bool field_name(struct fields *f, struct span value, size_t max, struct span *out)
{
	if (!field_string(f, value, max, out))
		return false;
	for (size_t i = 0; i < out->len; i++) {
		uint8_t c = out->p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_digit = c >= '0' && c <= '9';

		if (!is_letter && !is_digit && !memchr("_.:-", c, 4))
			return false;
	}
	return true;
}

bool field_number(struct span value, uint64_t min, uint64_t max, uint64_t *out)
{
	*out = 0;
	if (value.len == 0 || value.len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
		*out = *out * 10 + (value.p[i] - (uint64_t)'0');
	}
	return *out >= min && *out <= max;
}

bool field_is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return true;
}

bool field_of_data(struct fields *f, struct span data, size_t max, struct span *out)
{
	static const char *const names[] = {"field"};
	struct fields inner = {.scratch = f->scratch};

	if (json_kind(data) != JSON_OBJECT)
		return true;
	fields_find(&inner, data, names, ARRAY_LEN(names));
	if (!fields_has(&inner, 0) || json_kind(inner.values[0]) != JSON_STRING)
		return true;
	return !inner.wrong && field_string(f, inner.values[0], max, out);
}

struct buf fields_take(struct fields *f, size_t len)
{
	struct buf *scratch = f->scratch;

	must(scratch->cap - scratch->len >= len);
	scratch->len += len;
	return (struct buf){.p = scratch->p + scratch->len - len, .cap = len, .max = len};
}
