/* SPDX-License-Identifier: Apache-2.0 */
/* The calls that clients of the v0 dialect know. */
#include <inttypes.h>
#include <stdio.h>

#include "common/json.h"
#include "common/mono.h"
#include "gateway/calls_inside.h"
#include "gateway/http.h"
#include "proto/bridge.h"
#include "proto/fields.h"
#include "proto/v0.h"

#define STAMP_MAX 4096 /* bytes that the identity adds to a body */

static void on_who(void *call, const struct access_answer *a);
static void put_session(struct buf *out, const struct call *c, const struct access_answer *a);
static void on_access(void *call, const struct access_answer *a);
static void refuse_access(struct call *c, enum access_refusal why);
static const char *failure_text(const struct call *c);
static void broadcast(struct call *c, const struct access_answer *a);
static void put_type(struct buf *out, struct span message);
static void inspect(struct call *c);
static void on_question(void *call, const struct answer *);
static void put_room_id(struct buf *out, const struct call *c);
static void fail(struct call *c, unsigned status, const char *text);
static void fail_for_now(struct call *c, enum err why, int64_t wait_ns);

void calls_v0_start(struct call *c)
{
	struct access *access = gateway_access(c->calls->gw);
	bool is_session = c->path.target == PATH_SESSION;

	if (!call_read_bearer(c))
		fail(c, is_session ? 400 : 401,
		     is_session ? "Session ID is required" : "Unauthorized");
	else if (!http_is_id(buf_span(&c->token), TOKEN_MAX))
		refuse_access(c, ACCESS_NO_SESSION);
	else if (is_session)
		access_whoami(access, buf_span(&c->token), on_who, c);
	else if (request_decode(c->path.id, &c->id) != OK)
		fail(c, 400, "The address is not valid percent-encoding");
	else
		access_ask(access, buf_span(&c->token), c->path.kind, buf_span(&c->id), on_access,
			   c);
}

static void on_who(void *call, const struct access_answer *a)
{
	struct call *c = call;
	struct buf out;

	if (a->refusal != ACCESS_GRANTED) {
		refuse_access(c, a->refusal);
		return;
	}
	buf_init(&out, CALL_ANSWER_MAX);
	put_session(&out, c, a);
	call_answer(c, 200, NULL, buf_span(&out));
	buf_fini(&out);
}

static void put_session(struct buf *out, const struct call *c, const struct access_answer *a)
{
	buf_put_str(out, "{\"id\":");
	json_put_string(out, buf_span(&c->token));
	buf_put_str(out, ",\"userId\":");
	json_put_string(out, user_id(a->user));
	buf_put_str(out, ",\"data\":{\"email\":");
	json_put_string(out, user_email(a->user));
	buf_put_str(out, ",\"name\":");
	json_put_string(out, user_name(a->user));
	buf_put_str(out, "},\"expiresAt\":");
	buf_put_u64_text(out, a->expires_unix_ms > 0 ? (uint64_t)a->expires_unix_ms : 0);
	buf_put_str(out, ",\"user\":{\"id\":");
	json_put_string(out, user_id(a->user));
	buf_put_str(out, ",\"name\":");
	json_put_string(out, user_name(a->user));
	buf_put_str(out, ",\"email\":");
	json_put_string(out, user_email(a->user));
	buf_put_str(out, ",\"userType\":");
	json_put_string(out, a->user_type);
	buf_put_str(out, "}}");
}

static void on_access(void *call, const struct access_answer *a)
{
	struct call *c = call;

	if (a->refusal != ACCESS_GRANTED)
		refuse_access(c, a->refusal);
	else if (c->path.target == PATH_BROADCAST)
		broadcast(c, a);
	else
		inspect(c);
}

static void refuse_access(struct call *c, enum access_refusal why)
{
	bool is_session = c->path.target == PATH_SESSION;

	switch (why) {
	case ACCESS_NO_SESSION:
	case ACCESS_NO_USER:
		fail(c, is_session ? 404 : 401,
		     is_session ? "Session not found or expired" : "Unauthorized");
		break;
	case ACCESS_NO_ROOM:
		fail(c, 404,
		     c->path.kind == ROOM_SUBMISSION ? "Submission not found"
						     : "Document not found");
		break;
	case ACCESS_DENIED:
		fail(c, 403, "Access denied");
		break;
	case ACCESS_GRANTED:
	case ACCESS_BROKEN:
		fail(c, is_session ? err_http(ERR_DB_AWAY) : 500, failure_text(c));
		break;
	}
}

static const char *failure_text(const struct call *c)
{
	if (c->path.target == PATH_SESSION)
		return err_text(ERR_DB_AWAY);
	return c->path.target == PATH_BROADCAST ? "Failed to broadcast message"
						: "Failed to get room information";
}

static void broadcast(struct call *c, const struct access_answer *a)
{
	const struct v0_identity who = {c->path.kind, buf_span(&c->id), user_id(a->user),
					user_name(a->user), user_email(a->user)};
	struct span body = visitor_request(c->visitor)->body;
	char key[ROOM_KEY_MAX];
	size_t key_len;
	int64_t wait_ns = 0;
	struct buf stamped, type;

	buf_init(&stamped, body.len + STAMP_MAX);
	buf_init(&type, EVENT_TYPE_MAX);
	enum err e = room_key_write(c->path.kind, who.room_id, key, &key_len);

	if (e == OK)
		e = v0_put_broadcast(&stamped, body, &who, wall_unix_ms());
	if (e == OK)
		put_type(&type, buf_span(&stamped));
	if (e == OK && !stamped.over)
		wait_ns = call_wait_ns(c, (struct quota_post){false,
							      who.user,
							      {.room_key = span_of(key, key_len),
							       .bytes = body.len}});
	if (e == ERR_BAD_TYPE)
		fail(c, 400, "The body must be a JSON object");
	else if (e != OK)
		fail(c, err_http(e), err_text(e));
	else if (stamped.over)
		fail(c, err_http(ERR_TOO_BIG), err_text(ERR_TOO_BIG));
	else if (wait_ns)
		fail_for_now(c, ERR_TOO_FAST, wait_ns);
	else
		questions_publish(gateway_questions(c->calls->gw), span_of(key, key_len),
				  &(struct question_event){.type = buf_span(&type),
							   .actor = who.user,
							   .name = who.name,
							   .body = buf_span(&stamped)},
				  on_question, c);
	buf_fini(&stamped);
	buf_fini(&type);
}

/* One that the log cannot have is no type to look for. */
static void put_type(struct buf *out, struct span message)
{
	bridge_put_type(out, message);
	if (!field_is_plain(buf_span(out)))
		buf_clear(out);
}

static void inspect(struct call *c)
{
	char key[ROOM_KEY_MAX];
	size_t key_len;
	enum err e = room_key_write(c->path.kind, buf_span(&c->id), key, &key_len);

	if (e != OK)
		refuse_access(c, ACCESS_NO_ROOM);
	else
		questions_inspect(gateway_questions(c->calls->gw), span_of(key, key_len),
				  on_question, c);
}

static void on_question(void *call, const struct answer *a)
{
	struct call *c = call;
	struct buf out;

	if (a->err != OK) {
		fail(c, 500, failure_text(c));
		return;
	}
	if (c->path.target == PATH_BROADCAST) {
		call_answer(c, 200, NULL, SPAN("{\"success\":true}"));
		return;
	}
	buf_init(&out, CALL_ANSWER_MAX);
	buf_put_str(&out, "{\"roomId\":");
	put_room_id(&out, c);
	buf_put_str(&out, ",\"users\":");
	v0_put_users(&out, a->roster);
	buf_put_str(&out, ",\"userCount\":");
	buf_put_u64_text(&out, roster_users(a->roster));
	buf_put_u8(&out, '}');
	if (out.over)
		fail(c, 500, failure_text(c));
	else
		call_answer(c, 200, NULL, buf_span(&out));
	buf_fini(&out);
}

/* As the v0 dialect names its rooms. */
static void put_room_id(struct buf *out, const struct call *c)
{
	struct buf name;

	buf_init(&name, ROOM_KEY_MAX);
	if (c->path.kind == ROOM_DOCUMENT)
		buf_put_str(&name, "document-");
	buf_put_span(&name, buf_span(&c->id));
	json_put_string(out, buf_span(&name));
	buf_fini(&name);
}

static void fail(struct call *c, unsigned status, const char *text)
{
	http_refuse(c->calls->http, c->visitor, status, text, NULL);
	call_end(c);
}

static void fail_for_now(struct call *c, enum err why, int64_t wait_ns)
{
	char header[64];

	snprintf(header, sizeof header, "Retry-After: %" PRId64 "\r\n",
		 (wait_ns + NS_PER_S - 1) / NS_PER_S);
	http_refuse(c->calls->http, c->visitor, err_http(why), err_text(why), header);
	call_end(c);
}
