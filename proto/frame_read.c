/* SPDX-License-Identifier: Apache-2.0 */
/* frame.def, turned into the reader of what clients say. The text is checked as a whole first; then
 * the members that its type has are found in one walk, and each is read by its kind. */
#include "proto/frame.h"

#include <string.h>

#include "common/json.h"
#include "proto/fields.h"
#include "proto/slot.h"

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

#define CLIENT(NAME, name, where, doc)                                                             \
	_Static_assert(ARRAY_LEN(names_##name) <= FIELDS_MAX, "a row of frame.def is too wide");
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"

static void read_what_a_refusal_names(struct fields *, struct span text, struct frame *out);
static enum frame_type type_of(struct span value);
static void read_by_type(struct fields *, struct span text, struct frame *out);
static void read_data_field(struct fields *, struct frame *out);
static void check_pages(struct fields *, const struct frame_read *);
static bool get_room(struct fields *, struct span value, struct span *out);
static bool get_names(struct fields *, struct span value, size_t max, struct span *out);

enum err frame_read(struct span text, struct buf *scratch, struct frame *out)
{
	struct fields r;
	enum json_kind kind;

	*out = (struct frame){.type = FRAME_UNKNOWN};
	fields_begin(&r, scratch, FRAME_SCRATCH_BYTES);
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

static void read_what_a_refusal_names(struct fields *r, struct span text, struct frame *out)
{
	fields_find(r, text, names_any, ARRAY_LEN(names_any));
	if (fields_has(r, 0))
		out->type = type_of(r->values[0]);
	if (fields_has(r, 1) && !get_room(r, r->values[1], &out->room))
		out->room = SPAN_NONE;
	bool has_n = out->type == FRAME_UNKNOWN || out->type == FRAME_PUBLISH;
	if (!has_n || !fields_has(r, 2) ||
	    !field_number(r->values[2], 1, FRAME_NUMBER_MAX, &out->n))
		out->n = 0;
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

static void read_room(struct fields *r, size_t at, size_t max, struct span *out)
{
	(void)max;
	if (!fields_has(r, at) || !get_room(r, r->values[at], out))
		fields_blame(r, at);
}

static void read_maybe_object(struct fields *r, size_t at, size_t max, struct span *out)
{
	if (!fields_has(r, at))
		return;
	*out = r->values[at];
	if (json_kind(*out) != JSON_OBJECT || out->len > max)
		fields_blame(r, at);
}

static void read_object(struct fields *r, size_t at, size_t max, struct span *out)
{
	read_maybe_object(r, at, max, out);
	if (!fields_has(r, at))
		fields_blame(r, at);
}

static void read_maybe_names(struct fields *r, size_t at, size_t max, struct span *out)
{
	if (fields_has(r, at) && !get_names(r, r->values[at], max, out))
		fields_blame(r, at);
}

static void read_count(struct fields *r, size_t at, uint64_t max, uint64_t *out)
{
	if (!fields_has(r, at) || !field_number(r->values[at], 1, max, out))
		fields_blame(r, at);
}

static void read_maybe_number(struct fields *r, size_t at, uint64_t min, uint64_t max,
			      struct frame_maybe *out)
{
	out->is_given = fields_has(r, at);
	if (out->is_given && !field_number(r->values[at], min, max, &out->v))
		fields_blame(r, at);
}

#define read_text fields_text
#define read_maybe_text fields_maybe_text
#define read_name fields_name
#define read_json fields_json
#define read_maybe_count(r, at, max, out) read_maybe_number(r, at, 1, max, out)
#define read_maybe_seq(r, at, max, out) read_maybe_number(r, at, 0, max, out)

#define CLIENT(NAME, name, where, doc)                                                             \
	static void read_##name(struct fields *r, struct frame_##name *out)                        \
	{                                                                                          \
		size_t at = 1;
#define FIELD(kind, name, max, doc) read_##kind(r, at++, max, &out->name);
#define END(name)                                                                                  \
	must(at == ARRAY_LEN(names_##name));                                                       \
	(void)r;                                                                                   \
	(void)out;                                                                                 \
	}
#include "proto/frame.def"

static void read_by_type(struct fields *r, struct span text, struct frame *out)
{
	switch (out->type) {
#define CLIENT(NAME, name, where, doc)                                                             \
	case FRAME_##NAME:                                                                         \
		fields_find(r, text, names_##name, ARRAY_LEN(names_##name));                       \
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

/* It is stored with every event, so it is bounded as a name is. */
static void read_data_field(struct fields *r, struct frame *out)
{
	if (!field_of_data(r, out->publish.data, EVENT_TYPE_MAX, &out->field))
		r->wrong = "data.field";
}

static void check_pages(struct fields *r, const struct frame_read *read)
{
	if (!r->wrong && read->after.is_given && read->before.is_given)
		r->wrong = "before";
}

/* ---- values ---- */

static bool get_room(struct fields *r, struct span value, struct span *out)
{
	enum room_kind kind;
	struct span id;

	return field_string(r, value, ROOM_KEY_MAX, out) && room_key_read(*out, &kind, &id) == OK;
}

/* An array of 1 ... READ_NAMES_MAX names, joined by commas, which no name has. */
static bool get_names(struct fields *r, struct span value, size_t max, struct span *out)
{
	size_t room = READ_NAMES_MAX * (max + 1), at = 0, count = 0;
	struct span element, name;

	if (json_kind(value) != JSON_ARRAY)
		return false;
	struct buf joined = fields_take(r, room);
	size_t start = r->scratch->len;
	while (json_element(value, &at, &element)) {
		if (count++ == READ_NAMES_MAX || !field_name(r, element, max, &name))
			return false;
		if (joined.len)
			buf_put_u8(&joined, ',');
		buf_put_span(&joined, name);
		r->scratch->len = start;
	}
	*out = buf_span(&joined);
	return count > 0;
}
