/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/timeline.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "deploy/ctl/reply.h"

#define TEXT_MAX (64u << 20)

static void add_line(struct timeline *, struct span line);
static void grow(struct timeline *);
static int by_time(struct span a, struct span b);

void timeline_init(struct timeline *t)
{
	*t = (struct timeline){.count = 0};
	buf_init(&t->text, TEXT_MAX);
}

void timeline_fini(struct timeline *t)
{
	buf_fini(&t->text);
	mem_free(t->at);
	mem_free(t->len);
}

void timeline_add(struct timeline *t, struct span array)
{
	struct span line;
	size_t at = 0;

	if (json_kind(array) != JSON_ARRAY)
		return;
	while (json_element(array, &at, &line))
		if (json_kind(line) == JSON_OBJECT)
			add_line(t, line);
}

struct span timeline_line(const struct timeline *t, size_t i)
{
	must(i < t->count);
	return span_of(t->text.p + t->at[i], t->len[i]);
}

bool timeline_session(const struct timeline *t, char out[32])
{
	struct span value = SPAN_NONE;

	for (size_t i = 0; i < t->count && value.len != 18; i++)
		value = reply_find(timeline_line(t, i), "session");
	if (value.len == 18)
		snprintf(out, 32, "%.*s", 16, value.p + 1);
	return value.len == 18;
}

void timeline_put_json(const struct timeline *t, struct buf *out)
{
	buf_put_u8(out, '[');
	for (size_t i = 0; i < t->count; i++) {
		buf_put_str(out, i > 0 ? ",\n" : "");
		buf_put_span(out, timeline_line(t, i));
	}
	buf_put_str(out, "]\n");
}

/* From the end: what comes from one process is in order. */
static void add_line(struct timeline *t, struct span line)
{
	size_t place = t->count;

	while (place > 0 && by_time(timeline_line(t, place - 1), line) > 0)
		place--;
	for (size_t i = place; i > 0 && by_time(timeline_line(t, i - 1), line) == 0; i--)
		if (span_eq(timeline_line(t, i - 1), line))
			return;
	if (t->count == t->cap)
		grow(t);
	memmove(t->at + place + 1, t->at + place, (t->count - place) * sizeof *t->at);
	memmove(t->len + place + 1, t->len + place, (t->count - place) * sizeof *t->len);
	t->at[place] = t->text.len;
	t->len[place] = line.len;
	t->count++;
	buf_put_span(&t->text, line);
}

static void grow(struct timeline *t)
{
	size_t cap = t->cap ? 2 * t->cap : 256;
	size_t *at = mem_new(cap * sizeof *at), *len = mem_new(cap * sizeof *len);

	if (t->count > 0) {
		memcpy(at, t->at, t->count * sizeof *at);
		memcpy(len, t->len, t->count * sizeof *len);
	}
	mem_free(t->at);
	mem_free(t->len);
	t->at = at;
	t->len = len;
	t->cap = cap;
}

/* Times are written so that the order of their bytes is theirs. */
static int by_time(struct span a, struct span b)
{
	struct span x = reply_find(a, "ts"), y = reply_find(b, "ts");
	size_t len = x.len < y.len ? x.len : y.len;

	return len > 0 ? memcmp(x.p, y.p, len) : 0;
}
