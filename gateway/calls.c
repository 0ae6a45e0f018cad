/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/calls.h"

#include <strings.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/http.h"
#include "gateway/questions.h"
#include "proto/v0.h"

#define ANSWER_MAX (8u << 20) /* bytes: a roster of the largest room */
#define STAMP_MAX 4096        /* bytes that the identity adds to a body */

struct calls {
	struct gateway *gw;
	struct http *http;
	struct list all;
};

struct call {
	struct list node;
	struct calls *calls;
	struct visitor *visitor;
	enum path_target target;
	enum room_kind kind;
	struct buf token, room_id;
};

static bool read_bearer(const struct request *r, struct buf *token);
static void on_who(void *call, const struct access_answer *a);
static void put_session(struct buf *out, const struct call *c, const struct access_answer *a);
static void on_access(void *call, const struct access_answer *a);
static void refuse_access(struct call *c, enum access_refusal why);
static const char *failure_text(const struct call *c);
static void broadcast(struct call *c, const struct access_answer *a);
static void inspect(struct call *c);
static void on_question(void *call, const struct answer *);
static void put_room_id(struct buf *out, const struct call *c);
static void finish(struct call *c, unsigned status, struct span json);
static void fail(struct call *c, unsigned status, const char *text);
static void end_call(struct call *c);
static void call_free(void *call);

struct calls *calls_new(struct gateway *gw, struct http *http)
{
	struct calls *calls = mem_new(sizeof *calls);

	calls->gw = gw;
	calls->http = http;
	list_init(&calls->all);
	return calls;
}

void calls_free(struct calls **pcalls)
{
	struct calls *calls = *pcalls;

	if (!calls)
		return;
	*pcalls = NULL;
	LIST_EACH (&calls->all, node, ahead)
		end_call(container_of(node, struct call, node));
	mem_free(calls);
}

void calls_end(struct calls *calls, struct visitor *v)
{
	(void)calls;
	if (visitor_get(v))
		end_call(visitor_get(v));
}

void calls_start(struct calls *calls, struct visitor *v, const struct path *path)
{
	struct call *c = mem_new(sizeof *c);

	c->calls = calls;
	c->visitor = v;
	c->target = path->target;
	c->kind = path->kind;
	buf_init(&c->token, REQUEST_HEAD_MAX);
	buf_init(&c->room_id, REQUEST_HEAD_MAX);
	list_add_last(&calls->all, &c->node);
	visitor_set(v, c);
	bool is_session = c->target == PATH_SESSION;

	if (!read_bearer(visitor_request(v), &c->token))
		fail(c, is_session ? 400 : 401,
		     is_session ? "Session ID is required" : "Unauthorized");
	else if (!http_is_id(buf_span(&c->token), TOKEN_MAX))
		refuse_access(c, ACCESS_NO_SESSION);
	else if (is_session)
		access_whoami(gateway_access(calls->gw), buf_span(&c->token), on_who, c);
	else if (request_decode(path->id, &c->room_id) != OK)
		fail(c, 400, "The address is not valid percent-encoding");
	else
		access_ask(gateway_access(calls->gw), buf_span(&c->token), c->kind,
			   buf_span(&c->room_id), on_access, c);
}

/* False: there is none. */
static bool read_bearer(const struct request *r, struct buf *token)
{
	static const char scheme[] = "Bearer ";
	struct span value = request_field(r, "Authorization");

	if (value.len < sizeof scheme ||
	    strncasecmp((const char *)value.p, scheme, sizeof scheme - 1) != 0)
		return false;
	buf_put_span(token, span_from(value, sizeof scheme - 1));
	return true;
}

static void on_who(void *call, const struct access_answer *a)
{
	struct call *c = call;
	struct buf out;

	if (a->refusal != ACCESS_GRANTED) {
		refuse_access(c, a->refusal);
		return;
	}
	buf_init(&out, ANSWER_MAX);
	put_session(&out, c, a);
	finish(c, 200, buf_span(&out));
	buf_fini(&out);
}

static void put_session(struct buf *out, const struct call *c, const struct access_answer *a)
{
	buf_put_str(out, "{\"id\":");
	json_put_string(out, buf_span(&c->token));
	buf_put_str(out, ",\"userId\":");
	json_put_string(out, a->user);
	buf_put_str(out, ",\"data\":{\"email\":");
	json_put_string(out, a->email);
	buf_put_str(out, ",\"name\":");
	json_put_string(out, a->name);
	buf_put_str(out, "},\"expiresAt\":");
	buf_put_u64_text(out, a->expires_unix_ms > 0 ? (uint64_t)a->expires_unix_ms : 0);
	buf_put_str(out, ",\"user\":{\"id\":");
	json_put_string(out, a->user);
	buf_put_str(out, ",\"name\":");
	json_put_string(out, a->name);
	buf_put_str(out, ",\"email\":");
	json_put_string(out, a->email);
	buf_put_str(out, ",\"userType\":");
	json_put_string(out, a->user_type);
	buf_put_str(out, "}}");
}

static void on_access(void *call, const struct access_answer *a)
{
	struct call *c = call;

	if (a->refusal != ACCESS_GRANTED)
		refuse_access(c, a->refusal);
	else if (c->target == PATH_BROADCAST)
		broadcast(c, a);
	else
		inspect(c);
}

static void refuse_access(struct call *c, enum access_refusal why)
{
	bool is_session = c->target == PATH_SESSION;

	switch (why) {
	case ACCESS_NO_SESSION:
	case ACCESS_NO_USER:
		fail(c, is_session ? 404 : 401,
		     is_session ? "Session not found or expired" : "Unauthorized");
		break;
	case ACCESS_NO_ROOM:
		fail(c, 404,
		     c->kind == ROOM_SUBMISSION ? "Submission not found" : "Document not found");
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
	if (c->target == PATH_SESSION)
		return err_text(ERR_DB_AWAY);
	return c->target == PATH_BROADCAST ? "Failed to broadcast message"
					   : "Failed to get room information";
}

static void broadcast(struct call *c, const struct access_answer *a)
{
	const struct v0_identity who = {c->kind, buf_span(&c->room_id), a->user, a->name, a->email};
	struct span body = visitor_request(c->visitor)->body;
	char key[ROOM_KEY_MAX];
	size_t key_len;
	struct buf stamped;

	buf_init(&stamped, body.len + STAMP_MAX);
	enum err e = room_key_write(c->kind, who.room_id, key, &key_len);

	if (e == OK)
		e = v0_put_broadcast(&stamped, body, &who, wall_unix_ms());
	if (e == ERR_BAD_TYPE)
		fail(c, 400, "The body must be a JSON object");
	else if (e != OK)
		fail(c, err_http(e), err_text(e));
	else if (stamped.over)
		fail(c, err_http(ERR_TOO_BIG), err_text(ERR_TOO_BIG));
	else
		questions_publish(gateway_questions(c->calls->gw), span_of(key, key_len),
				  &(struct question_event){.type = SPAN("broadcast"),
							   .actor = a->user,
							   .name = a->name,
							   .body = buf_span(&stamped)},
				  on_question, c);
	buf_fini(&stamped);
}

static void inspect(struct call *c)
{
	char key[ROOM_KEY_MAX];
	size_t key_len;
	enum err e = room_key_write(c->kind, buf_span(&c->room_id), key, &key_len);

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
	if (c->target == PATH_BROADCAST) {
		finish(c, 200, SPAN("{\"success\":true}"));
		return;
	}
	buf_init(&out, ANSWER_MAX);
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
		finish(c, 200, buf_span(&out));
	buf_fini(&out);
}

/* As the v0 dialect names its rooms. */
static void put_room_id(struct buf *out, const struct call *c)
{
	struct buf name;

	buf_init(&name, ROOM_KEY_MAX);
	if (c->kind == ROOM_DOCUMENT)
		buf_put_str(&name, "document-");
	buf_put_span(&name, buf_span(&c->room_id));
	json_put_string(out, buf_span(&name));
	buf_fini(&name);
}

static void finish(struct call *c, unsigned status, struct span json)
{
	http_answer(c->calls->http, c->visitor, status, json);
	end_call(c);
}

static void fail(struct call *c, unsigned status, const char *text)
{
	http_refuse(c->calls->http, c->visitor, status, text, NULL);
	end_call(c);
}

static void end_call(struct call *c)
{
	struct gateway *gw = c->calls->gw;

	access_forget(gateway_access(gw), c);
	questions_forget(gateway_questions(gw), c);
	visitor_set(c->visitor, NULL);
	list_remove(&c->node);
	loop_reap(gateway_loop(gw), call_free, c);
}

static void call_free(void *call)
{
	struct call *c = call;

	buf_fini(&c->token);
	buf_fini(&c->room_id);
	mem_free(c);
}
