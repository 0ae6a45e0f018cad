/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation in the native protocol: every line of a client reads as is said beside it, and
 * every line of the server is what the writers make of the values it shows, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/frame.h"
#include "tests/golden/transcript.h"

static const char *path;

/* ---- what native clients are told ---- */

static struct buf lists[8]; /* items written again; one buffer for each list that is open */
static size_t lists_used;

static struct span list_again(struct span object, const char *name);

#define get_text text_of
#define get_json member_of
#define get_list list_again
#define get_time time_of
#define get_number number_of
#define get_flag(object, name) span_is(member_of(object, name), "true")
#define get_code err_of

static uint64_t get_hex(struct span object, const char *name)
{
	struct span text = text_of(object, name);
	unsigned long long v = 0;

	if (text.len == 0)
		return 0;
	assert_int_equal(text.len, 16);
	assert_int_equal(sscanf((const char *)text.p, "%16llx", &v), 1);
	return v;
}

static struct told_user get_user(struct span object, const char *name);
static struct told_from get_from(struct span object, const char *name);
static struct told_limits get_limits(struct span object, const char *name);
static struct told_gap get_gap(struct span object, const char *name);

#define ITEM(name, doc)                                                                            \
	static void fill_##name(struct span object, struct told_##name *m)                         \
	{
#define SERVER(name, doc)                                                                          \
	static void fill_##name(struct span object, struct told_##name *m)                         \
	{
#define PART(kind, name, need, doc) m->name = get_##kind(object, #name);
#define DONE(name)                                                                                 \
	(void)object, (void)m;                                                                     \
	}
#include "proto/frame.def"

static struct told_user get_user(struct span object, const char *name)
{
	struct told_user m = {.id = SPAN_NONE};

	fill_user(member_of(object, name), &m);
	return m;
}

static struct told_from get_from(struct span object, const char *name)
{
	struct told_from m = {.id = SPAN_NONE};

	fill_from(member_of(object, name), &m);
	return m;
}

static struct told_limits get_limits(struct span object, const char *name)
{
	struct told_limits m = {.message = 0};

	fill_limits(member_of(object, name), &m);
	return m;
}

static struct told_gap get_gap(struct span object, const char *name)
{
	struct told_gap m = {.from = 0};

	fill_gap(member_of(object, name), &m);
	return m;
}

/* What each list is of. */
static const struct {
	const char *name, *item;
} items[] = {
	{"members", "member"}, {"joined", "member"}, {"changed", "member"},
	{"left", "gone"},      {"events", "stored"}, {"connections", "connection"},
};

static void add_again(struct buf *list, const char *item, struct span object)
{
#define ITEM(name, doc)                                                                            \
	if (strcmp(item, #name) == 0) {                                                            \
		struct told_##name m = {0};                                                        \
		fill_##name(object, &m);                                                           \
		frame_add_##name(list, &m);                                                        \
	}
#include "proto/frame.def"
}

static struct span list_again(struct span object, const char *name)
{
	struct span array = member_of(object, name), element;
	size_t row = 0, at = 0;

	while (strcmp(items[row].name, name) != 0)
		row++;
	assert_true(lists_used < ARRAY_LEN(lists));
	struct buf *list = &lists[lists_used++];
	buf_clear(list);
	while (array.len && json_element(array, &at, &element))
		add_again(list, items[row].item, element);
	return buf_span(list);
}

static bool write_again(struct span text, struct buf *out)
{
	struct span type = text_of(text, "type");

#define SERVER(name, doc)                                                                          \
	if (span_is(type, #name)) {                                                                \
		struct told_##name m = {0};                                                        \
		fill_##name(text, &m);                                                             \
		frame_put_##name(out, &m);                                                         \
		return true;                                                                       \
	}
#include "proto/frame.def"
	return false;
}

/* ---- what native clients say ---- */

#define show_room json_put_string
#define show_text json_put_string
#define show_name json_put_string
#define show_json buf_put_span
#define show_object buf_put_span
#define show_count buf_put_u64_text
#define show_maybe_text json_put_string
#define show_maybe_names json_put_string
#define show_maybe_object buf_put_span

static void show_maybe(struct buf *out, struct frame_maybe m)
{
	buf_put_u64_text(out, m.v);
}
#define show_maybe_seq show_maybe
#define show_maybe_count show_maybe
#define is_there(v)                                                                                \
	_Generic((v), struct span                                                                  \
		 : is_there_span, struct frame_maybe                                               \
		 : is_there_maybe, default                                                         \
		 : is_there_number)(v)

static bool is_there_span(struct span s)
{
	return s.len > 0;
}

static bool is_there_maybe(struct frame_maybe m)
{
	return m.is_given;
}

static bool is_there_number(uint64_t v)
{
	return v > 0;
}

static void show_frame(struct buf *out, const struct frame *f)
{
	const char *before = "{";

	switch (f->type) {
#define CLIENT(NAME, name, where, doc)                                                             \
	case FRAME_##NAME: {                                                                       \
		const struct frame_##name *m = &f->name;                                           \
		(void)m;
#define FIELD(kind, name, max, doc)                                                                \
	if (is_there(m->name)) {                                                                   \
		buf_printf(out, "%s\"%s\":", before, #name);                                       \
		show_##kind(out, m->name);                                                         \
		before = ",";                                                                      \
	}
#define END(name)                                                                                  \
	break;                                                                                     \
	}
#include "proto/frame.def"
	case FRAME_UNKNOWN:
	case FRAME_TYPES:
		break;
	}
	buf_put_str(out, before[0] == '{' ? "{}" : "}");
}

static void check_frame(struct span line, struct span text)
{
	enum err expected = err_of(line, "error");
	struct buf scratch, shown;
	struct frame f;

	buf_init(&scratch, FRAME_SCRATCH_BYTES);
	buf_init(&shown, LINE_BYTES);
	enum err e = frame_read(text, &scratch, &f);
	if (e != expected)
		fail_msg("%s: %.*s", err_name(e), SPAN_ARGS(line));
	if (e) {
		assert_true(span_eq(text_of(line, "room"), f.room));
		assert_true(span_is(text_of(line, "wrong"), f.wrong ? f.wrong : ""));
		assert_int_equal(f.n, number_of(line, "n"));
	} else {
		assert_true(span_is(text_of(line, "read"), frame_rows[f.type].name));
		show_frame(&shown, &f);
		if (!span_eq(buf_span(&shown), member_of(line, "fields")))
			fail_msg("read as %.*s: %.*s", SPAN_ARGS(buf_span(&shown)),
				 SPAN_ARGS(line));
	}
	buf_fini(&scratch);
	buf_fini(&shown);
}

static void check_line(struct span line)
{
	struct span text = text_of(line, "text");
	struct buf again;
	enum json_kind kind;

	lists_used = 0;
	if (member_of(line, "from").len) {
		check_frame(line, text);
		return;
	}
	assert_int_equal(json_check(text, &kind), OK);
	buf_init(&again, LINE_BYTES);
	if (!write_again(text, &again))
		fail_msg("not a message of the server: %.*s", SPAN_ARGS(line));
	if (!span_eq(buf_span(&again), text))
		fail_msg("written as %.*s: %.*s", SPAN_ARGS(buf_span(&again)), SPAN_ARGS(text));
	buf_fini(&again);
}

static void released_lines_are_read_and_written_as_they_always_were(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		buf_init(&lists[i], LINE_BYTES);
	assert_true(transcript_check(path, check_line) > 100);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		buf_fini(&lists[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_lines_are_read_and_written_as_they_always_were),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: %s transcript_moot.v1.jsonl\n", argv[0]);
		return 2;
	}
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
