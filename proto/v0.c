/* SPDX-License-Identifier: Apache-2.0 */
/* Every v0 message in its exact key order. The stamping sees members by what their names mean, not
 * by how they are spelt, so no spelling of a reserved key can carry a forged identity past it. */
#include "proto/v0.h"

#include <string.h>

#include "common/json.h"
#include "common/mono.h"

#define FAILED "Failed to process message" /* old pages look for this text */

const struct v0_row v0_rows[V0_TYPES] = {
	[V0_UNKNOWN] = {"", V0_FROM_SERVER, V0_DO_REFUSE, "", 0, ""},
#define V0(NAME, name, from, action, key, keep, doc)                                               \
	[V0_##NAME] = {#name, V0_FROM_##from, V0_DO_##action, key, keep, doc},
#include "proto/v0.def"
#undef V0
};

/* In the order in which missing ones are appended. */
enum reserved {
	KEY_USER_ID,
	KEY_USER_NAME,
	KEY_USER_EMAIL,
	KEY_SUBMISSION_ID,
	KEY_DOCUMENT_ID,
	KEY_TIMESTAMP,
	STAMPED_KEYS,
	KEY_TYPE = STAMPED_KEYS, /* kept, but only once */
	KEY_SEQ,                 /* dropped */
	RESERVED_KEYS
};

static const char *const reserved_names[RESERVED_KEYS] = {
	[KEY_USER_ID] = "userId",
	[KEY_USER_NAME] = "userName",
	[KEY_USER_EMAIL] = "userEmail",
	[KEY_SUBMISSION_ID] = "submissionId",
	[KEY_DOCUMENT_ID] = "documentId",
	[KEY_TIMESTAMP] = "timestamp",
	[KEY_TYPE] = "type",
	[KEY_SEQ] = "seq",
};

struct stamp {
	struct buf *out;
	const struct v0_identity *who;
	int64_t at_ms;
	struct span type; /* raw value */
	bool done[RESERVED_KEYS];
	bool has_members;
};

static struct span last_type(struct span object);
static enum v0_type type_of(struct span value);
static enum reserved reserved_of(struct span raw_name);
static void put_reserved(struct stamp *, enum reserved);
static struct span value_of(const struct stamp *, enum reserved);
static void put_name(struct stamp *, struct span raw_name);
static void put_error(struct buf *, enum err, uint64_t retry_after_ms, int64_t at_ms);
static void put_head(struct buf *, enum v0_type, const struct v0_identity *);
static void put_tail(struct buf *, int64_t at_ms, uint64_t seq);
static void put_member(struct buf *, const char *name, struct span text);
static void put_time(struct buf *, int64_t at_ms);
static struct v0_identity nobody(enum room_kind, struct span room_id);

enum err v0_read(struct span text, enum v0_type *type)
{
	enum json_kind kind;
	enum err e = json_check(text, &kind);

	*type = V0_UNKNOWN;
	if (e != OK)
		return e;
	if (kind != JSON_OBJECT)
		return ERR_BAD_TYPE;
	*type = type_of(last_type(text));
	return v0_rows[*type].action == V0_DO_REFUSE ? ERR_BAD_TYPE : OK;
}

/* What changes the document or claims to be about to; viewers of a document may only look on. */
bool v0_is_writing(enum v0_type type)
{
	return type == V0_CONTENT_UPDATED || type == V0_REALTIME_CONTENT_UPDATE ||
	       type == V0_TEXT_OPERATION || type == V0_EDITING_STARTED;
}

void v0_put_stamped(struct buf *out, struct span text, const struct v0_identity *who, int64_t at_ms)
{
	struct stamp st = {.out = out, .who = who, .at_ms = at_ms, .type = last_type(text)};
	struct span name, value;
	size_t at = 0;

	buf_put_u8(out, '{');
	while (json_member(text, &at, &name, &value)) {
		enum reserved key = reserved_of(name);

		if (key != RESERVED_KEYS) {
			put_reserved(&st, key);
			continue;
		}
		put_name(&st, name);
		buf_put_span(out, value);
	}
	for (enum reserved key = 0; key < STAMPED_KEYS; key++)
		put_reserved(&st, key);
	buf_put_u8(out, '}');
}

enum err v0_put_broadcast(struct buf *out, struct span text, const struct v0_identity *who,
			  int64_t at_ms)
{
	enum json_kind kind;

	if (!json_is_utf8(text))
		return ERR_BAD_JSON;
	enum err e = json_check(text, &kind);
	if (e != OK)
		return e;
	if (kind != JSON_OBJECT)
		return ERR_BAD_TYPE;
	v0_put_stamped(out, text, who, at_ms);
	return OK;
}

void v0_put_seq(struct buf *out, struct span object, uint64_t seq)
{
	if (object.len > 2) {
		buf_put(out, object.p, object.len - 1);
		buf_put_str(out, ",\"seq\":");
	} else {
		buf_put_str(out, "{\"seq\":");
	}
	buf_put_u64_text(out, seq);
	buf_put_u8(out, '}');
}

void v0_put_simple(struct buf *out, enum v0_type type, const struct v0_identity *who, int64_t at_ms,
		   uint64_t seq)
{
	put_head(out, type, who);
	put_tail(out, at_ms, seq);
}

void v0_put_room_state(struct buf *out, enum room_kind kind, struct span room_id,
		       const struct roster *roster, int64_t at_ms, uint64_t seq)
{
	struct v0_identity system = nobody(kind, room_id);

	system.user = SPAN("system");
	system.name = SPAN("System");
	system.email = SPAN("system@websocket");
	put_head(out, V0_ROOM_STATE, &system);
	buf_put_str(out, ",\"users\":");
	v0_put_users(out, roster);
	put_tail(out, at_ms, seq);
}

void v0_put_ping(struct buf *out, enum room_kind kind, struct span room_id, int64_t at_ms)
{
	struct v0_identity server = nobody(kind, room_id);

	server.user = SPAN("server");
	server.name = SPAN("Server");
	server.email = SPAN("server@websocket");
	v0_put_simple(out, V0_PING, &server, at_ms, 0);
}

void v0_put_error(struct buf *out, enum err err, int64_t at_ms)
{
	put_error(out, err, 0, at_ms);
}

void v0_put_too_fast(struct buf *out, uint64_t retry_after_ms, int64_t at_ms)
{
	put_error(out, ERR_TOO_FAST, retry_after_ms, at_ms);
}

void v0_put_users(struct buf *out, const struct roster *roster)
{
	const char *before = "{\"userId\":";

	buf_put_u8(out, '[');
	LIST_EACH (&roster->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (!roster_leads(e))
			continue; /* the user's first connection stands for all */
		buf_put_str(out, before);
		json_put_string(out, user_id(e->user->who));
		put_member(out, "userName", user_name(e->user->who));
		put_member(out, "userEmail", user_email(e->user->who));
		buf_put_str(out, ",\"connectedAt\":");
		put_time(out, e->since_ms);
		buf_put_u8(out, '}');
		before = ",{\"userId\":";
	}
	buf_put_u8(out, ']');
}

/* The raw value of the last `type`: the one a reader of the text would see. */
static struct span last_type(struct span object)
{
	struct span name, value, type = SPAN_NONE;
	size_t at = 0;

	while (json_member(object, &at, &name, &value))
		if (json_name_is(name, "type"))
			type = value;
	return type;
}

static enum v0_type type_of(struct span value)
{
	if (value.len < 2 || value.p[0] != '"')
		return V0_UNKNOWN;
	struct span raw = span_of(value.p + 1, value.len - 2);

	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++)
		if (json_name_is(raw, v0_rows[t].name))
			return t;
	return V0_UNKNOWN;
}

static enum reserved reserved_of(struct span raw_name)
{
	bool is_plain = !memchr(raw_name.p, '\\', raw_name.len);

	for (enum reserved key = 0; key < RESERVED_KEYS; key++)
		if (is_plain ? span_is(raw_name, reserved_names[key])
			     : json_name_is(raw_name, reserved_names[key]))
			return key;
	return RESERVED_KEYS;
}

/* The first time only, where the sender had it; a value of ours, never the sender's. */
static void put_reserved(struct stamp *st, enum reserved key)
{
	bool is_absent = key == KEY_SEQ ||
			 (key == KEY_SUBMISSION_ID && st->who->kind != ROOM_SUBMISSION) ||
			 (key == KEY_DOCUMENT_ID && st->who->kind != ROOM_DOCUMENT);

	if (is_absent || st->done[key])
		return;
	st->done[key] = true;
	put_name(st, span_str(reserved_names[key]));
	if (key == KEY_TYPE)
		buf_put_span(st->out, st->type);
	else if (key == KEY_TIMESTAMP)
		put_time(st->out, st->at_ms);
	else
		json_put_string(st->out, value_of(st, key));
}

static struct span value_of(const struct stamp *st, enum reserved key)
{
	switch (key) {
	case KEY_USER_ID:
		return st->who->user;
	case KEY_USER_NAME:
		return st->who->name;
	case KEY_USER_EMAIL:
		return st->who->email;
	default:
		return st->who->room_id;
	}
}

static void put_name(struct stamp *st, struct span raw_name)
{
	buf_put_str(st->out, st->has_members ? ",\"" : "\"");
	buf_put_span(st->out, raw_name);
	buf_put_str(st->out, "\":");
	st->has_members = true;
}

static void put_error(struct buf *out, enum err err, uint64_t retry_after_ms, int64_t at_ms)
{
	buf_put_str(out, "{\"type\":\"error\",\"message\":\"" FAILED "\"");
	buf_put_str(out, ",\"data\":{\"error\":\"" FAILED ": ");
	buf_put_str(out, err_text(err)); /* plain ASCII of our own */
	buf_put_str(out, "\",\"code\":\"");
	buf_put_str(out, err_name(err));
	if (retry_after_ms) {
		buf_put_str(out, "\",\"retryAfterMs\":");
		buf_put_u64_text(out, retry_after_ms);
		buf_put_u8(out, '}');
	} else {
		buf_put_str(out, "\"}");
	}
	put_tail(out, at_ms, 0);
}

/* Up to the identity. Old pages never saw a documentId in a heartbeat_response. */
static void put_head(struct buf *out, enum v0_type type, const struct v0_identity *who)
{
	buf_put_str(out, "{\"type\":\"");
	buf_put_str(out, v0_rows[type].name);
	buf_put_u8(out, '"');
	if (who->kind == ROOM_SUBMISSION)
		put_member(out, "submissionId", who->room_id);
	else if (type != V0_HEARTBEAT_RESPONSE)
		put_member(out, "documentId", who->room_id);
	put_member(out, "userId", who->user);
	put_member(out, "userName", who->name);
	put_member(out, "userEmail", who->email);
}

static void put_tail(struct buf *out, int64_t at_ms, uint64_t seq)
{
	buf_put_str(out, ",\"timestamp\":");
	put_time(out, at_ms);
	if (seq) {
		buf_put_str(out, ",\"seq\":");
		buf_put_u64_text(out, seq);
	}
	buf_put_u8(out, '}');
}

static void put_member(struct buf *out, const char *name, struct span text)
{
	buf_put_str(out, ",\"");
	buf_put_str(out, name);
	buf_put_str(out, "\":");
	json_put_string(out, text);
}

static void put_time(struct buf *out, int64_t at_ms)
{
	char iso[ISO_TIME_LEN + 1];

	wall_iso(iso, at_ms);
	buf_put_u8(out, '"');
	buf_put(out, iso, ISO_TIME_LEN);
	buf_put_u8(out, '"');
}

static struct v0_identity nobody(enum room_kind kind, struct span room_id)
{
	return (struct v0_identity){.kind = kind, .room_id = room_id};
}
