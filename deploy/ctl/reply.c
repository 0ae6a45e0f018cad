/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/reply.h"

static struct span member(struct span object, struct span name);

bool reply_is_good(struct span json)
{
	enum json_kind kind;

	return json_is_utf8(json) && json_check(json, &kind) == OK;
}

struct span reply_find(struct span json, const char *path)
{
	struct span rest = span_str(path);

	while (rest.len > 0 && json.len > 0)
		json = member(json, span_until(&rest, '.'));
	return json;
}

void reply_put_text(struct span value, struct buf *out)
{
	size_t from = out->len;

	if (value.len == 0 || json_kind(value) == JSON_NULL)
		return;
	if (json_kind(value) != JSON_STRING)
		buf_put_span(out, value);
	else if (json_string(value, out) != OK)
		return;
	for (size_t i = from; i < out->len; i++)
		if (out->p[i] < 0x20 || out->p[i] == 0x7f ||
		    (out->p[i] == 0xc2 && i + 1 < out->len && out->p[i + 1] < 0xa0))
			out->p[i] = '?';
}

bool reply_is(struct span json, const char *path, const char *text)
{
	struct buf got;

	buf_init(&got, 1024);
	reply_put_text(reply_find(json, path), &got);
	bool same = span_is(buf_span(&got), text);
	buf_fini(&got);
	return same;
}

uint64_t reply_number(struct span json, const char *path)
{
	struct span digits = reply_find(json, path);
	uint64_t n = 0;

	for (size_t i = 0; i < digits.len && i < 19; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return 0;
		n = n * 10 + (uint64_t)(digits.p[i] - '0');
	}
	return n;
}

void reply_put_false(struct span object, struct buf *out)
{
	struct span name, value;
	size_t at = 0, from = out->len;

	if (object.len == 0 || json_kind(object) != JSON_OBJECT)
		return;
	while (json_member(object, &at, &name, &value))
		if (json_kind(value) == JSON_FALSE) {
			buf_put_str(out, out->len > from ? ", " : "");
			buf_put_span(out, name);
		}
}

static struct span member(struct span object, struct span wanted)
{
	struct span name, value;
	size_t at = 0;

	if (json_kind(object) != JSON_OBJECT)
		return SPAN_NONE;
	while (json_member(object, &at, &name, &value))
		if (span_eq(name, wanted))
			return value;
	return SPAN_NONE;
}
