/* SPDX-License-Identifier: Apache-2.0 */
/* frame.def, turned into the reader of what clients say. The text is checked as a whole first; then
 * the members that its type has are found in one walk, and each is read by its kind. */
#include "proto/frame.h"

#include <string.h>

#include "common/json.h"
#include "proto/slot.h"

#define DIGITS_MAX 16 /* of FRAME_NUMBER_MAX */

/* The room is read twice, a publish's data.field besides its fields. The widest is a read. */
_Static_assert(FRAME_SCRATCH_BYTES >=
		       2 * ROOM_KEY_MAX + (READ_NAMES_MAX + 1) * (EVENT_TYPE_MAX + 1),
	       "what a read unescapes has to fit");

const struct frame_row frame_rows[FRAME_TYPES] = {
	[FRAME_UNKNOWN] = {"", FRAME_READY, ""},
#define CLIENT(NAME, name, where, doc) [FRAME_##NAME] = {#name, FRAME_##where, doc},
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"
};

/* The names a type's members have. `type` is one: it may come once, as they may. */
#define CLIENT(NAME, name, where, doc) static const char *const names_##name[] = {"type",
#define FIELD(kind, name, max, doc) #name,
/* clang-format off */
#define END(name) };
/* clang-format on */
#include "proto/frame.def"

static const char *const names_any[] = {"type", "room", "n"}; /* what a refusal may name */
static const char *const names_data[] = {"field"};

#define NAMES_MAX 8
#define CLIENT(NAME, name, where, doc)                                                             \
	_Static_assert(ARRAY_LEN(names_##name) <= NAMES_MAX, "a row of frame.def is too wide");
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"

struct reader {
	struct buf *scratch;
	const char *const *names;
	struct span values[NAMES_MAX]; /* raw; no address: it is not there */
	const char *wrong;             /* the first of these names that is not what it has to be */
};

static void read_what_a_refusal_names(struct reader *, struct span text, struct frame *out);
static void find_members(struct reader *, struct span object, const char *const *names,
			 size_t count);
static enum frame_type type_of(struct span value);
static void read_by_type(struct reader *, struct span text, struct frame *out);
static void read_data_field(struct reader *, struct frame *out);
static void check_pages(struct reader *, const struct frame_read *);
static bool is_given(const struct reader *, size_t at);
static void wrong(struct reader *, size_t at);
static bool get_string(struct reader *, struct span value, size_t max, struct span *out);
static bool get_room(struct reader *, struct span value, struct span *out);
static bool get_name(struct reader *, struct span value, size_t max, struct span *out);
static bool get_number(struct span value, uint64_t min, uint64_t max, uint64_t *out);
static bool get_names(struct reader *, struct span value, size_t max, struct span *out);
static struct buf take_room(struct reader *, size_t len);
static bool is_plain(struct span text);

enum err frame_read(struct span text, struct buf *scratch, struct frame *out)
{
	struct reader r = {.scratch = scratch};
	enum json_kind kind;

	*out = (struct frame){.type = FRAME_UNKNOWN};
	buf_clear(scratch);
	must(buf_room(scratch, FRAME_SCRATCH_BYTES)); /* it never moves from here on */
	enum err e = json_check(text, &kind);
	if (e != OK)
		return e;
	if (kind != JSON_OBJECT)
		return ERR_BAD_TYPE;
	read_what_a_refusal_names(&r, text, out);
	if (out->type == FRAME_UNKNOWN)
		return ERR_BAD_TYPE;
	read_by_type(&r, text, out);
	out->wrong = r.wrong;
	return r.wrong ? ERR_BAD_FIELD : OK;
}

static void read_what_a_refusal_names(struct reader *r, struct span text, struct frame *out)
{
	find_members(r, text, names_any, ARRAY_LEN(names_any));
	if (is_given(r, 0))
		out->type = type_of(r->values[0]);
	if (is_given(r, 1) && !get_room(r, r->values[1], &out->room))
		out->room = SPAN_NONE;
	bool has_n = out->type == FRAME_UNKNOWN || out->type == FRAME_PUBLISH;
	if (!has_n || !is_given(r, 2) || !get_number(r->values[2], 1, FRAME_NUMBER_MAX, &out->n))
		out->n = 0;
}

/* Where a name comes twice, the first one is found, and that is wrong. */
static void find_members(struct reader *r, struct span object, const char *const *names,
			 size_t count)
{
	struct span name, value;
	size_t at = 0;

	r->names = names;
	r->wrong = NULL;
	memset(r->values, 0, sizeof(r->values));
	while (json_member(object, &at, &name, &value))
		for (size_t i = 0; i < count; i++) {
			if (!json_name_is(name, names[i]))
				continue;
			if (r->values[i].p)
				wrong(r, i);
			else
				r->values[i] = value;
		}
}

static enum frame_type type_of(struct span value)
{
	if (json_kind(value) != JSON_STRING)
		return FRAME_UNKNOWN;
	struct span raw = span_of(value.p + 1, value.len - 2);

	for (enum frame_type t = FRAME_UNKNOWN + 1; t < FRAME_TYPES; t++)
		if (json_name_is(raw, frame_rows[t].name))
			return t;
	return FRAME_UNKNOWN;
}

/* ---- one reader a kind: value number `at` becomes `out`, or is wrong ---- */

static void read_room(struct reader *r, size_t at, size_t max, struct span *out)
{
	(void)max;
	if (!is_given(r, at) || !get_room(r, r->values[at], out))
		wrong(r, at);
}

static void read_maybe_text(struct reader *r, size_t at, size_t max, struct span *out)
{
	if (is_given(r, at) && !get_string(r, r->values[at], max, out))
		wrong(r, at);
}

static void read_text(struct reader *r, size_t at, size_t max, struct span *out)
{
	read_maybe_text(r, at, max, out);
	if (!is_given(r, at))
		wrong(r, at);
}

static void read_name(struct reader *r, size_t at, size_t max, struct span *out)
{
	if (!is_given(r, at) || !get_name(r, r->values[at], max, out))
		wrong(r, at);
}

/* null is a value here, as good as any other. */
static void read_json(struct reader *r, size_t at, size_t max, struct span *out)
{
	*out = r->values[at];
	if (!out->p || (max && out->len > max))
		wrong(r, at);
}

static void read_maybe_object(struct reader *r, size_t at, size_t max, struct span *out)
{
	if (!is_given(r, at))
		return;
	*out = r->values[at];
	if (json_kind(*out) != JSON_OBJECT || out->len > max)
		wrong(r, at);
}

static void read_object(struct reader *r, size_t at, size_t max, struct span *out)
{
	read_maybe_object(r, at, max, out);
	if (!is_given(r, at))
		wrong(r, at);
}

static void read_maybe_names(struct reader *r, size_t at, size_t max, struct span *out)
{
	if (is_given(r, at) && !get_names(r, r->values[at], max, out))
		wrong(r, at);
}

static void read_count(struct reader *r, size_t at, uint64_t max, uint64_t *out)
{
	if (!is_given(r, at) || !get_number(r->values[at], 1, max, out))
		wrong(r, at);
}

static void read_maybe_number(struct reader *r, size_t at, uint64_t min, uint64_t max,
			      struct frame_maybe *out)
{
	out->is_given = is_given(r, at);
	if (out->is_given && !get_number(r->values[at], min, max, &out->v))
		wrong(r, at);
}

#define read_maybe_count(r, at, max, out) read_maybe_number(r, at, 1, max, out)
#define read_maybe_seq(r, at, max, out) read_maybe_number(r, at, 0, max, out)

#define CLIENT(NAME, name, where, doc)                                                             \
	static void read_##name(struct reader *r, struct frame_##name *out)                        \
	{                                                                                          \
		size_t at = 1;
#define FIELD(kind, name, max, doc) read_##kind(r, at++, max, &out->name);
#define END(name)                                                                                  \
	must(at == ARRAY_LEN(names_##name));                                                       \
	(void)r;                                                                                   \
	(void)out;                                                                                 \
	}
#include "proto/frame.def"

static void read_by_type(struct reader *r, struct span text, struct frame *out)
{
	switch (out->type) {
#define CLIENT(NAME, name, where, doc)                                                             \
	case FRAME_##NAME:                                                                         \
		find_members(r, text, names_##name, ARRAY_LEN(names_##name));                      \
		read_##name(r, &out->name);                                                        \
		break;
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"
	case FRAME_UNKNOWN:
	case FRAME_TYPES:
		break;
	}
	if (out->type == FRAME_PUBLISH && !r->wrong)
		read_data_field(r, out);
	if (out->type == FRAME_READ)
		check_pages(r, &out->read);
}

/* What `base` is compared within. It is stored with every event, so it is bounded as a name is;
 * that it is text which the database can hold is part of that. */
static void read_data_field(struct reader *r, struct frame *out)
{
	struct reader data = {.scratch = r->scratch};

	if (json_kind(out->publish.data) != JSON_OBJECT)
		return;
	find_members(&data, out->publish.data, names_data, ARRAY_LEN(names_data));
	if (!is_given(&data, 0) || json_kind(data.values[0]) != JSON_STRING)
		return;
	if (data.wrong || !get_string(r, data.values[0], EVENT_TYPE_MAX, &out->field))
		r->wrong = "data.field";
}

static void check_pages(struct reader *r, const struct frame_read *read)
{
	if (!r->wrong && read->after.is_given && read->before.is_given)
		r->wrong = "before";
}

/* ---- values ---- */

/* There, and not null: JSON.stringify writes null for what a program has not got. */
static bool is_given(const struct reader *r, size_t at)
{
	return r->values[at].p && json_kind(r->values[at]) != JSON_NULL;
}

static void wrong(struct reader *r, size_t at)
{
	if (!r->wrong)
		r->wrong = r->names[at];
}

/* Not empty, at most `max` bytes once unescaped, no control characters. */
static bool get_string(struct reader *r, struct span value, size_t max, struct span *out)
{
	if (json_kind(value) != JSON_STRING)
		return false;
	*out = span_of(value.p + 1, value.len - 2);
	if (memchr(out->p, '\\', out->len)) {
		struct buf piece = take_room(r, max);

		if (json_string(value, &piece) != OK)
			return false;
		*out = buf_span(&piece);
	}
	return out->len >= 1 && out->len <= max && is_plain(*out);
}

static bool get_room(struct reader *r, struct span value, struct span *out)
{
	enum room_kind kind;
	struct span id;

	return get_string(r, value, ROOM_KEY_MAX, out) && room_key_read(*out, &kind, &id) == OK;
}

static bool get_name(struct reader *r, struct span value, size_t max, struct span *out)
{
	if (!get_string(r, value, max, out))
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

/* Digits alone: 1.0 and 1e3 are numbers too, and nobody who counts writes them. */
static bool get_number(struct span value, uint64_t min, uint64_t max, uint64_t *out)
{
	*out = 0;
	if (value.len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return false;
		*out = *out * 10 + (value.p[i] - (uint64_t)'0');
	}
	return *out >= min && *out <= max;
}

/* An array of 1 ... READ_NAMES_MAX names, joined by commas, which no name has. */
static bool get_names(struct reader *r, struct span value, size_t max, struct span *out)
{
	size_t room = READ_NAMES_MAX * (max + 1), at = 0, count = 0;
	struct span element, name;

	if (json_kind(value) != JSON_ARRAY)
		return false;
	struct buf joined = take_room(r, room);
	size_t start = r->scratch->len;
	while (json_element(value, &at, &element)) {
		if (count++ == READ_NAMES_MAX || !get_name(r, element, max, &name))
			return false;
		if (joined.len)
			buf_put_u8(&joined, ',');
		buf_put_span(&joined, name);
		r->scratch->len = start;
	}
	*out = buf_span(&joined);
	return count > 0;
}

/* Bytes of the scratch that are this buffer's from now on: it never grows, so they never move. */
static struct buf take_room(struct reader *r, size_t len)
{
	struct buf *scratch = r->scratch;

	must(scratch->cap - scratch->len >= len);
	scratch->len += len;
	return (struct buf){.p = scratch->p + scratch->len - len, .cap = len, .max = len};
}

static bool is_plain(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return true;
}
