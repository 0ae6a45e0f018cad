/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the native client protocol moot.v1, generated from frame.def: what clients say is
 * read (frame_read.c), what they are told is written (frame_write.c). Pure. A read frame borrows
 * the text and the scratch it was read with. When which message is legal is the session's to say.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "proto/limits.h"
#include "proto/roster.h"

#define FRAME_PROTOCOL "moot.v1"
#define FRAME_SCRATCH_BYTES (8u << 10) /* holds what any one frame unescapes */

enum frame_where { FRAME_FIRST, FRAME_READY, FRAME_JOINED };

enum frame_type {
	FRAME_UNKNOWN,
#define CLIENT(NAME, name, where, doc) FRAME_##NAME,
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"
	FRAME_TYPES
};

struct frame_row {
	const char *name;
	enum frame_where where;
	const char *doc;
};
extern const struct frame_row frame_rows[FRAME_TYPES];

struct frame_maybe {
	bool is_given;
	uint64_t v;
};

/* ---- from clients: struct frame_publish { struct span room; uint64_t n; ... } ---- */

/* clang-format off */
/* Of maybe_text, maybe_object, maybe_names an empty span: not given. `json` and `object` are the
 * raw text of the value; names are joined by commas. */
#define FRAME_TYPE_room struct span
#define FRAME_TYPE_text struct span
#define FRAME_TYPE_name struct span
#define FRAME_TYPE_json struct span
#define FRAME_TYPE_object struct span
#define FRAME_TYPE_count uint64_t
#define FRAME_TYPE_maybe_text struct span
#define FRAME_TYPE_maybe_object struct span
#define FRAME_TYPE_maybe_names struct span
#define FRAME_TYPE_maybe_seq struct frame_maybe
#define FRAME_TYPE_maybe_count struct frame_maybe
#define CLIENT(NAME, name, where, doc) struct frame_##name {
#define FIELD(kind, name, max, doc) FRAME_TYPE_##kind name;
#define END(name) char end; }; /* C has no struct without a member */
/* clang-format on */
#include "proto/frame.def"

struct frame {
	enum frame_type type;
	struct span room;  /* empty: none that a refusal could name */
	uint64_t n;        /* 0: likewise */
	const char *wrong; /* BAD_FIELD: the name of the field */
	struct span field; /* publish: data.field if that is a string, else empty */
	union {
#define CLIENT(NAME, name, where, doc) struct frame_##name name;
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"
	};
};

/* Read one frame, which is UTF-8. Clears `scratch`, whose maximum is FRAME_SCRATCH_BYTES or more.
 * Unknown members are ignored, a known one that comes twice is a BAD_FIELD. Whatever the answer,
 * type, room and n are filled in as far as the text tells. Errors: BAD_JSON, TOO_DEEP, BAD_TYPE
 * (no object, no type, or none of ours), BAD_FIELD. */
MUST_USE enum err frame_read(struct span text, struct buf *scratch, struct frame *out);

/* The state that `patch` makes of `old` (empty: none), both checked objects: members of `patch`
 * replace those of the same name, null removes. Each name comes once: of several the last counts.
 * Errors: BAD_FIELD (over STATE_MAX or STATE_MEMBERS_MAX; `out` is then useless). */
MUST_USE enum err frame_merge_state(struct span old, struct span patch, struct buf *out);

/* ---- to clients: struct told_event { struct span room; uint64_t seq; ... } ---- */

/* clang-format off */
/* `json` is raw text; a `list` is items, as the frame_add_x() made them. */
#define TOLD_TYPE_text struct span
#define TOLD_TYPE_json struct span
#define TOLD_TYPE_list struct span
#define TOLD_TYPE_number uint64_t
#define TOLD_TYPE_hex uint64_t
#define TOLD_TYPE_flag bool
#define TOLD_TYPE_time int64_t /* unix ms */
#define TOLD_TYPE_code enum err
#define TOLD_TYPE_user struct told_user
#define TOLD_TYPE_from struct told_from
#define TOLD_TYPE_limits struct told_limits
#define TOLD_TYPE_gap struct told_gap
#define ITEM(name, doc) struct told_##name {
#define SERVER(name, doc) struct told_##name {
#define PART(kind, name, need, doc) TOLD_TYPE_##kind name;
#define DONE(name) char end; };
/* clang-format on */
#include "proto/frame.def"

#define SERVER(name, doc) void frame_put_##name(struct buf *, const struct told_##name *);
#define ITEM(name, doc) /* one more item of a list */                                              \
	void frame_add_##name(struct buf *list, const struct told_##name *);
#include "proto/frame.def"

/* A user of a roster with all connections, as one more member of a list. */
void frame_add_roster_user(struct buf *list, const struct roster_user *);
