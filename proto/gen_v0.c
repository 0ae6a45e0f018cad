/* SPDX-License-Identifier: Apache-2.0 */
/* Examples, golden vectors and fuzz seeds of the v0 dialect, all made by the real encoders. */
#include <stdio.h>

#include "common/json.h"
#include "proto/gen.h"

/* What a sender writes besides the envelope, which the gateway stamps. */
static const char *const samples[V0_TYPES] = {
	[V0_COMMENT_ADDED] = "{\"type\":\"comment_added\",\"data\":{\"comment\":{\"id\":\"c-1\","
			     "\"text\":\"Looks good\"},"
			     "\"title\":\"Spring notice\"}}",
	[V0_APPROVAL_ADDED] =
		"{\"type\":\"approval_added\",\"data\":{\"approval\":{\"by\":\"bo@example.org\"},"
		"\"submissionStatus\":\"approved\",\"title\":\"Spring notice\"}}",
	[V0_STATUS_CHANGED] = "{\"type\":\"status_changed\",\"data\":{\"status\":\"sent\","
			      "\"title\":\"Spring notice\"}}",
	[V0_HEARTBEAT] = "{\"type\":\"heartbeat\"}",
	[V0_EDITING_STARTED] = "{\"type\":\"editing_started\",\"data\":{\"field\":\"content\"}}",
	[V0_EDITING_STOPPED] = "{\"type\":\"editing_stopped\",\"data\":{\"field\":\"content\"}}",
	[V0_TYPING_START] = "{\"type\":\"typing_start\",\"data\":{\"userId\":\"u_ann\","
			    "\"userName\":\"Ann Example\"}}",
	[V0_TYPING_STOP] = "{\"type\":\"typing_stop\",\"data\":{\"userId\":\"u_ann\",\"userName\":"
			   "\"Ann Example\"}}",
	[V0_CURSOR_POSITION] =
		"{\"type\":\"cursor_position\",\"data\":{\"userId\":\"u_ann_7f\",\"position\":"
		"{\"line\":3,\"column\":14,\"type\":\"cursor\"}}}",
	[V0_CONTENT_UPDATED] =
		"{\"type\":\"content_updated\",\"data\":{\"field\":\"richTextContent\","
		"\"oldValue\":\"Helo\",\"newValue\":\"Hello\"}}",
	[V0_REALTIME_CONTENT_UPDATE] =
		"{\"type\":\"realtime_content_update\",\"data\":{\"content\":\"Hello\","
		"\"isRealTime\":true}}",
	[V0_TEXT_OPERATION] =
		"{\"type\":\"text_operation\",\"data\":{\"type\":\"insert\",\"position\":5,"
		"\"content\":\"!\",\"version\":2}}",
	[V0_REQUEST_CURSOR_REFRESH] =
		"{\"type\":\"request_cursor_refresh\",\"targetUserId\":\"u_bo\"}",
	[V0_REQUEST_CURSOR_REFRESH_ALL] =
		"{\"type\":\"request_cursor_refresh_all\",\"data\":{\"requesterId\":\"u_ann\","
		"\"reason\":\"content changed\"}}",
	[V0_USER_PRESENCE] = "{\"type\":\"user_presence\"}",
};

/* Frames that try something. */
static const struct {
	const char *name, *frame;
} frames[] = {
	{"forged_identity",
	 "{\"userName\":\"Mallory\",\"type\":\"typing_start\",\"userId\":{\"a\":[\"}\"]},"
	 "\"timestamp\":0,\"submissionId\":\"other\",\"userEmail\":null}"},
	{"escaped_key",
	 "{\"type\":\"typing_start\",\"user\\u0049d\":\"mallory\",\"\\u0075serName\":\"M\"}"},
	{"doubled_keys",
	 "{\"userId\":\"m\",\"type\":\"ping\",\"userId\":\"m\",\"t\\u0079pe\":\"typing_stop\"}"},
	{"own_seq", "{\"seq\":9,\"type\":\"typing_start\",\"documentId\":\"d9\",\"s\\u0065q\":1}"},
	{"unknown_keys",
	 "{ \"type\" : \"request_cursor_refresh\" ,\n \"targetUserId\":\"u_2\", \"d\\u0061ta\":"
	 "{\"userId\":\"m\", \"n\":1.50e+0},\"users\":[] }"},
	{"second_type_is_the_servers", "{\"type\":\"cursor_position\",\"type\":\"room_state\"}"},
	{"escaped_type", "{\"type\":\"room\\u005fstate\"}"},
	{"no_type", "{}"},
	{"number_as_type", "{\"type\":5}"},
	{"unknown_type", "{\"type\":\"make_coffee\"}"},
	{"array", "[{\"type\":\"ping\"}]"},
	{"null", "null"},
	{"half", "{\"type\":\"ping\""},
	{"two", "{\"type\":\"ping\"}{\"type\":\"ping\"}"},
	{"trailing_comma", "{\"type\":\"ping\",}"},
	{"lone_surrogate", "{\"type\":\"typing_start\",\"data\":\"\\ud800\"}"},
};

static struct v0_identity somebody(enum room_kind);
static void make_roster(struct roster *);
static bool is_simple(enum v0_type);
static void put_identity(struct buf *, const struct v0_identity *);
static void put_made(struct buf *, enum v0_type, enum room_kind, uint64_t seq);
static void put_read(struct buf *, const char *name, struct span frame);
static void put_stamped(struct buf *, struct span frame, enum room_kind);

const char *gen_sample(enum v0_type type)
{
	return samples[type];
}

void gen_put_example(struct buf *out, enum v0_type type, enum room_kind kind, uint64_t seq)
{
	struct v0_identity who = somebody(kind);
	struct roster roster;

	if (type == V0_ROOM_STATE) {
		make_roster(&roster);
		v0_put_room_state(out, kind, who.room_id, &roster, GEN_AT_MS, seq);
		roster_fini(&roster);
	} else if (type == V0_PING) {
		v0_put_ping(out, kind, who.room_id, GEN_AT_MS);
	} else if (type == V0_ERROR) {
		v0_put_error(out, ERR_BAD_TYPE, GEN_AT_MS);
	} else if (is_simple(type)) {
		v0_put_simple(out, type, &who, GEN_AT_MS, seq);
	} else {
		struct buf stamped;

		buf_init(&stamped, 1 << 16);
		v0_put_stamped(&stamped, span_str(samples[type]), &who, GEN_AT_MS);
		v0_put_seq(out, buf_span(&stamped), seq);
		buf_fini(&stamped);
	}
}

void gen_put_v0_vectors(struct buf *out)
{
	static const enum err errors[] = {ERR_BAD_JSON, ERR_BAD_TYPE, ERR_TOO_DEEP, ERR_BINARY};

	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++)
		if (is_simple(t) || t == V0_PING || t == V0_ROOM_STATE) {
			put_made(out, t, ROOM_SUBMISSION, 41);
			put_made(out, t, ROOM_DOCUMENT, 0);
		}
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		struct buf text;

		buf_init(&text, 4096);
		v0_put_error(&text, errors[i], GEN_AT_MS);
		buf_printf(out, "{\"make\":\"error\",\"error\":\"%s\",\"at\":%lld,\"text\":",
			   err_name(errors[i]), (long long)GEN_AT_MS);
		json_put_string(out, buf_span(&text));
		buf_put_str(out, "}\n");
		buf_fini(&text);
	}
	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++)
		if (samples[t])
			put_read(out, v0_rows[t].name, span_str(samples[t]));
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		put_read(out, frames[i].name, span_str(frames[i].frame));
}

void gen_emit_v0_seeds(gen_emit_fn *emit, void *owner)
{
	char path[128];

	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++)
		if (samples[t]) {
			snprintf(path, sizeof(path), "tests/fuzz/seeds/v0/%s", v0_rows[t].name);
			emit(owner, path, span_str(samples[t]));
		}
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		snprintf(path, sizeof(path), "tests/fuzz/seeds/v0/%s", frames[i].name);
		emit(owner, path, span_str(frames[i].frame));
	}
}

static struct v0_identity somebody(enum room_kind kind)
{
	return (struct v0_identity){
		.kind = kind,
		.room_id = kind == ROOM_SUBMISSION ? SPAN("s-1") : SPAN("d-1"),
		.user = SPAN("u_ann"),
		.name = SPAN("Ann \"A\" Example"),
		.email = SPAN("ann_e@example.org"),
	};
}

/* Ann twice: the list shows her once, by her first connection. */
static void make_roster(struct roster *roster)
{
	bool first;
	struct item_member ann = {.session = 1,
				  .conn_gen = 1,
				  .user = SPAN("u_ann"),
				  .name = SPAN("Ann \"A\" Example"),
				  .email = SPAN("ann_e@example.org"),
				  .since_ms = (uint64_t)GEN_AT_MS - 60000};
	struct item_member bo = {.session = 2,
				 .conn_gen = 1,
				 .user = SPAN("u_bo"),
				 .name = SPAN("Bo"),
				 .email = SPAN("bo@example.org"),
				 .since_ms = (uint64_t)GEN_AT_MS - 5000};

	roster_init(roster);
	(void)roster_put(roster, &ann, (incarnation_id){0}, &first);
	(void)roster_put(roster, &bo, (incarnation_id){0}, &first);
	ann.session = 3;
	ann.since_ms = (uint64_t)GEN_AT_MS;
	(void)roster_put(roster, &ann, (incarnation_id){0}, &first);
}

static bool is_simple(enum v0_type t)
{
	return t == V0_CONNECTED || t == V0_USER_JOINED || t == V0_USER_LEFT || t == V0_PONG ||
	       t == V0_HEARTBEAT_RESPONSE;
}

static void put_identity(struct buf *out, const struct v0_identity *who)
{
	buf_printf(out, "\"kind\":\"%s\",\"room\":", room_kind_name(who->kind));
	json_put_string(out, who->room_id);
	buf_put_str(out, ",\"user\":");
	json_put_string(out, who->user);
	buf_put_str(out, ",\"name\":");
	json_put_string(out, who->name);
	buf_put_str(out, ",\"email\":");
	json_put_string(out, who->email);
	buf_printf(out, ",\"at\":%lld", (long long)GEN_AT_MS);
}

/* A message the server makes: its inputs and its exact text. */
static void put_made(struct buf *out, enum v0_type type, enum room_kind kind, uint64_t seq)
{
	struct v0_identity who = somebody(kind);
	struct buf text;

	buf_init(&text, 4096);
	gen_put_example(&text, type, kind, seq);
	buf_printf(out, "{\"make\":\"server\",\"type\":\"%s\",", v0_rows[type].name);
	put_identity(out, &who);
	buf_printf(out, ",\"seq\":%u,\"text\":", type == V0_PING ? 0 : (unsigned)seq);
	json_put_string(out, buf_span(&text));
	buf_put_str(out, "}\n");
	buf_fini(&text);
}

/* A frame, what reading it says, and what stamping makes of it in both kinds of room. */
static void put_read(struct buf *out, const char *name, struct span frame)
{
	enum v0_type type;
	enum err e = v0_read(frame, &type);

	buf_printf(out, "{\"make\":\"read\",\"name\":\"%s\",\"frame\":", name);
	json_put_string(out, frame);
	buf_printf(out, ",\"error\":\"%s\",\"type\":\"%s\"}\n", err_name(e), v0_rows[type].name);
	if (e != OK)
		return;
	put_stamped(out, frame, ROOM_SUBMISSION);
	put_stamped(out, frame, ROOM_DOCUMENT);
}

static void put_stamped(struct buf *out, struct span frame, enum room_kind kind)
{
	struct v0_identity who = somebody(kind);
	struct buf text;

	buf_init(&text, 4096);
	v0_put_stamped(&text, frame, &who, GEN_AT_MS);
	buf_put_str(out, "{\"make\":\"stamp\",\"frame\":");
	json_put_string(out, frame);
	buf_put_u8(out, ',');
	put_identity(out, &who);
	buf_put_str(out, ",\"text\":");
	json_put_string(out, buf_span(&text));
	buf_put_str(out, "}\n");
	buf_fini(&text);
}
