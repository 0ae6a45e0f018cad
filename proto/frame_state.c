/* SPDX-License-Identifier: Apache-2.0 */
/* Presence states: what a partial object makes of the one before. Names are compared by what they
 * mean, not by how they are spelt; values are passed on byte for byte. */
#include "proto/frame.h"

#include <string.h>

#include "common/json.h"

struct member {
	struct span name, value; /* raw */
};

struct state {
	struct member members[STATE_MEMBERS_MAX];
	size_t count;
};

static bool add_all(struct state *, struct span object);
static bool add(struct state *, struct span name, struct span value);
static bool is_same_name(struct span a, struct span b);
static void put(struct buf *, const struct state *);

enum err frame_merge_state(struct span old, struct span patch, struct buf *out)
{
	struct state state = {.count = 0};
	size_t start = out->len;

	if (!add_all(&state, old) || !add_all(&state, patch))
		return ERR_BAD_FIELD;
	put(out, &state);
	return out->over || out->len - start > STATE_MAX ? ERR_BAD_FIELD : OK;
}

static bool add_all(struct state *s, struct span object)
{
	struct span name, value;
	size_t at = 0;

	while (object.len && json_member(object, &at, &name, &value))
		if (!add(s, name, value))
			return false;
	return true;
}

/* In the place of the one it replaces, else at the end. A null stays as a mark, so that it counts
 * as one of the bounded number of members while the objects are read. */
static bool add(struct state *s, struct span name, struct span value)
{
	size_t at = 0;

	while (at < s->count && !is_same_name(s->members[at].name, name))
		at++;
	if (at == STATE_MEMBERS_MAX)
		return false;
	s->members[at] = (struct member){name, value};
	if (at == s->count)
		s->count++;
	return true;
}

static bool is_same_name(struct span a, struct span b)
{
	if (!memchr(a.p, '\\', a.len) && !memchr(b.p, '\\', b.len))
		return span_eq(a, b);
	struct buf plain_a, plain_b;

	buf_init(&plain_a, STATE_MAX);
	buf_init(&plain_b, STATE_MAX);
	enum err e = json_string(span_of(a.p - 1, a.len + 2), &plain_a); /* with its quotes */
	if (e == OK)
		e = json_string(span_of(b.p - 1, b.len + 2), &plain_b);
	bool is_same = e == OK && span_eq(buf_span(&plain_a), buf_span(&plain_b));
	buf_fini(&plain_a);
	buf_fini(&plain_b);
	return is_same;
}

static void put(struct buf *out, const struct state *s)
{
	const char *before = "";

	buf_put_u8(out, '{');
	for (size_t i = 0; i < s->count; i++) {
		if (json_kind(s->members[i].value) == JSON_NULL)
			continue;
		buf_put_str(out, before);
		buf_put_u8(out, '"');
		buf_put_span(out, s->members[i].name);
		buf_put_str(out, "\":");
		buf_put_span(out, s->members[i].value);
		before = ",";
	}
	buf_put_u8(out, '}');
}
