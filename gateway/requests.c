/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/requests.h"

#include "common/json.h"
#include "common/mono.h"
#include "proto/message.h"
#include "proto/v0.h"

typedef enum request_outcome act_fn(struct session *, enum v0_type, struct span text);

static act_fn refuse, relay, pong, heartbeat, swallow;

static act_fn *const acts[] = {
	[V0_DO_REFUSE] = refuse,       [V0_DO_RELAY] = relay,     [V0_DO_PONG] = pong,
	[V0_DO_HEARTBEAT] = heartbeat, [V0_DO_SWALLOW] = swallow,
};

static bool is_writing(enum v0_type);
static void answer(struct session *, enum v0_type);
static void cast(struct session *, enum v0_type, struct span text);

enum request_outcome requests_take(struct session *s, struct span text)
{
	enum v0_type type;
	enum err e = v0_read(text, &type);

	if (e) {
		session_refuse(s, e);
		return REQUEST_REFUSED;
	}
	return acts[v0_rows[type].action](s, type, text);
}

void requests_farewell(struct session *s, const char *kept_key)
{
	struct v0_identity who = session_identity(s);
	bool types = span_is(span_str(kept_key), "typing");
	struct buf text;
	char now[ISO_TIME_LEN + 1];

	buf_init(&text, KEPT_BODY_MAX);
	wall_iso(now, wall_unix_ms());
	buf_put_str(&text, types ? "{\"type\":\"typing_stop\"" : "{\"type\":\"editing_stopped\"");
	buf_put_str(&text,
		    who.kind == ROOM_SUBMISSION ? ",\"submissionId\":0" : ",\"documentId\":0");
	buf_put_str(&text, ",\"userId\":0,\"userName\":0,\"userEmail\":0,\"data\":{");
	if (types) {
		buf_put_str(&text, "\"userId\":");
		json_put_string(&text, who.user);
		buf_put_str(&text, ",\"userName\":");
		json_put_string(&text, who.name);
		buf_printf(&text, ",\"timestamp\":\"%s\"", now);
	} else {
		buf_put_str(&text, "\"field\":\"content\"");
	}
	buf_put_str(&text, "},\"timestamp\":0}");
	if (!text.over)
		cast(s, types ? V0_TYPING_STOP : V0_EDITING_STOPPED, buf_span(&text));
	buf_fini(&text);
}

static enum request_outcome refuse(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	session_refuse(s, ERR_BAD_TYPE);
	return REQUEST_REFUSED;
}

static enum request_outcome relay(struct session *s, enum v0_type type, struct span text)
{
	if (session_is_viewer(s) && is_writing(type)) {
		session_refuse(s, ERR_NOT_ALLOWED);
		return REQUEST_REFUSED;
	}
	cast(s, type, text);
	return REQUEST_RELAYED;
}

static enum request_outcome pong(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	answer(s, V0_PONG);
	return REQUEST_ANSWERED;
}

static enum request_outcome heartbeat(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	answer(s, V0_HEARTBEAT_RESPONSE);
	return REQUEST_ANSWERED;
}

static enum request_outcome swallow(struct session *s, enum v0_type type, struct span text)
{
	(void)s, (void)type, (void)text; /* that it came was all that mattered */
	return REQUEST_ANSWERED;
}

/* What changes the document or claims to be about to; viewers of a document may only look on. */
static bool is_writing(enum v0_type type)
{
	return type == V0_CONTENT_UPDATED || type == V0_REALTIME_CONTENT_UPDATE ||
	       type == V0_TEXT_OPERATION || type == V0_EDITING_STARTED;
}

static void answer(struct session *s, enum v0_type type)
{
	struct v0_identity who = session_identity(s);
	struct buf *text = session_scratch(s);

	v0_put_simple(text, type, &who, wall_unix_ms(), 0);
	session_say(s, buf_span(text));
}

static void cast(struct session *s, enum v0_type type, struct span text)
{
	const struct v0_row *row = &v0_rows[type];
	struct v0_identity who = session_identity(s);
	struct buf *body = session_scratch(s);

	v0_put_stamped(body, text, &who, wall_unix_ms());
	if (body->over) {
		session_refuse(s, ERR_TOO_BIG);
		return;
	}
	session_cast(s, &(struct msg_cast){
				.key = span_str(row->key),
				.keep = row->keep,
				.body = buf_span(body),
			});
}
