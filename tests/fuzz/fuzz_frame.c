/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a frame of a native client: it is refused, or everything that was read is within its
 * bounds and lies in the text or the scratch; what is passed on is JSON. The same text as a state
 * and as what changes it: the result is a state again, with each name once. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/json.h"
#include "proto/frame.h"
#include "proto/slot.h"

#define FIELD_TEXT(s, limit) must((s).len <= (limit) && !has_control(s) && json_is_utf8(s))

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static void check_room(struct span s, size_t max)
{
	enum room_kind kind;
	struct span id;

	must(s.len <= max && room_key_read(s, &kind, &id) == OK);
}

static void check_text(struct span s, size_t max)
{
	must(s.len >= 1);
	FIELD_TEXT(s, max);
}

static void check_name(struct span s, size_t max)
{
	check_text(s, max);
	must(!memchr(s.p, ',', s.len) && !memchr(s.p, ' ', s.len));
}

static void check_json(struct span s, size_t max)
{
	enum json_kind kind;

	must(s.len >= 1 && (max == 0 || s.len <= max));
	must(json_check(s, &kind) == OK);
}

static void check_object(struct span s, size_t max)
{
	check_json(s, max);
	must(json_kind(s) == JSON_OBJECT);
}

static void check_maybe_text(struct span s, size_t max)
{
	FIELD_TEXT(s, max);
}

static void check_maybe_object(struct span s, size_t max)
{
	if (s.len)
		check_object(s, max);
}

static void check_maybe_names(struct span s, size_t max)
{
	size_t count = 0;

	while (s.len) {
		check_name(span_until(&s, ','), max);
		count++;
	}
	must(count <= READ_NAMES_MAX);
}

static void check_count(uint64_t v, uint64_t max)
{
	must(v >= 1 && v <= max);
}

static void check_maybe_count(struct frame_maybe m, uint64_t max)
{
	if (m.is_given)
		check_count(m.v, max);
}

static void check_maybe_seq(struct frame_maybe m, uint64_t max)
{
	must(m.v <= max && (m.is_given || m.v == 0));
}

static void check_frame(const struct frame *f)
{
	switch (f->type) {
#define CLIENT(NAME, name, where, doc)                                                             \
	case FRAME_##NAME: {                                                                       \
		const struct frame_##name *m = &f->name;                                           \
		(void)m;
#define FIELD(kind, name, max, doc) check_##kind(m->name, max);
#define END(name)                                                                                  \
	break;                                                                                     \
	}
#include "proto/frame.def"
	case FRAME_UNKNOWN:
	case FRAME_TYPES:
		break;
	}
	must(f->type != FRAME_UNKNOWN);
	must(f->type == FRAME_PUBLISH ? f->n == f->publish.n : f->n == 0);
	check_maybe_text(f->field, EVENT_TYPE_MAX);
}

static void check_merge(struct span text)
{
	struct buf once, twice;
	struct span name, value;
	size_t at = 0, count = 0;

	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	if (frame_merge_state(SPAN("{\"mode\":1,\"a\":{}}"), text, &once) == OK) {
		check_object(buf_span(&once), STATE_MAX);
		while (json_member(buf_span(&once), &at, &name, &value)) {
			must(json_kind(value) != JSON_NULL);
			count++;
		}
		must(count <= STATE_MEMBERS_MAX);
		must(frame_merge_state(buf_span(&once), buf_span(&once), &twice) == OK);
		must(span_eq(buf_span(&once), buf_span(&twice)));
	}
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span text = span_of(p, len);
	struct buf scratch;
	struct frame f;
	enum json_kind kind;

	if (!json_is_utf8(text))
		return 0; /* never reaches frame_read: the WebSocket was closed */
	buf_init(&scratch, FRAME_SCRATCH_BYTES);
	enum err e = frame_read(text, &scratch, &f);
	must(e == OK || e == ERR_BAD_JSON || e == ERR_TOO_DEEP || e == ERR_BAD_TYPE ||
	     e == ERR_BAD_FIELD);
	must((e == ERR_BAD_FIELD) == (f.wrong != NULL));
	must(!scratch.over);
	if (f.room.len)
		check_room(f.room, ROOM_KEY_MAX);
	if (e == OK)
		check_frame(&f);
	buf_fini(&scratch);
	if (json_check(text, &kind) == OK && kind == JSON_OBJECT)
		check_merge(text);
	return 0;
}
