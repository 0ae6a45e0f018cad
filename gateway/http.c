/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/metrics.h"
#include "gateway/page.h"
#include "gateway/questions.h"
#include "proto/v0.h"

#define HEADERS_MAX 1024      /* bytes of what we add to an answer */
#define ANSWER_MAX (8u << 20) /* bytes: a roster of the largest room */
#define ERROR_MAX 512
#define STAMP_MAX 4096 /* bytes that the identity adds to a body */

struct http {
	struct gateway *gw;
	struct page *page;
	struct list calls;
};

struct call { /* a request that waits for somebody's answer */
	struct list node;
	struct http *http;
	struct visitor *visitor;
	enum path_target target;
	enum room_kind kind;
	struct buf token, room_id;
	bool no_room; /* the id cannot be one: only who asks matters */
};

static const char no_session[] = "Session not found or expired";

static void serve_page(struct http *h, struct visitor *v);
static void serve_preflight(struct http *h, struct visitor *v);
static void start_call(struct http *h, struct visitor *v, const struct path *path);
static bool read_bearer(const struct request *r, struct buf *token);
static void ask_access(struct call *c);
static void on_who(void *call, const struct access_answer *a);
static void on_access(void *call, const struct access_answer *a);
static void refuse_access(struct call *c, enum access_refusal why);
static const char *failure_text(const struct call *c);
static void broadcast(struct call *c, const struct access_answer *a);
static void inspect(struct call *c);
static void on_question(void *call, enum err err, const struct roster *roster);
static void put_room_id(struct buf *out, const struct call *c);
static void finish(struct call *c, unsigned status, struct span json);
static void fail(struct call *c, unsigned status, const char *text);
static void end_call(struct call *c);
static void call_free(void *call);
static void put_cors(const struct http *h, const struct visitor *v, struct buf *out);
static struct span allowed_origin(const struct http *h, struct span origin);

struct http *http_new(struct gateway *gw)
{
	struct http *h = mem_new(sizeof *h);

	h->gw = gw;
	h->page = page_new(gateway_options(gw)->page_dir);
	list_init(&h->calls);
	return h;
}

void http_free(struct http **http)
{
	struct http *h = *http;

	if (!h)
		return;
	*http = NULL;
	LIST_EACH (&h->calls, node, ahead)
		end_call(container_of(node, struct call, node));
	page_free(&h->page);
	mem_free(h);
}

void http_serve(struct http *h, struct visitor *v, const struct path *path)
{
	struct span method = visitor_request(v)->method;
	char allow[64];

	if (path->target != PATH_PAGE && span_is(method, "OPTIONS")) {
		serve_preflight(h, v);
		return;
	}
	if (!path_takes(path, method)) {
		snprintf(allow, sizeof allow, "Allow: %s\r\n", path->allow);
		http_refuse(h, v, 405, "Method not allowed", allow);
		return;
	}
	if (path->target == PATH_PAGE)
		serve_page(h, v);
	else if (path->target == PATH_TEST)
		http_answer(h, v, 200,
			    SPAN("{\"status\":\"ok\","
				 "\"message\":\"WebSocket infrastructure test passed\"}"));
	else
		start_call(h, v, path);
}

void http_gone(struct http *h, struct visitor *v)
{
	(void)h;
	if (visitor_get(v))
		end_call(visitor_get(v));
}

void http_answer(struct http *h, struct visitor *v, unsigned status, struct span json)
{
	struct buf headers;

	buf_init(&headers, HEADERS_MAX);
	buf_put_str(&headers, "Cache-Control: no-store\r\n");
	put_cors(h, v, &headers);
	buf_put_u8(&headers, '\0');
	must(!headers.over);
	door_answer(v, status, "application/json", (const char *)headers.p, json);
	buf_fini(&headers);
	metrics_add(METRIC_http_requests, 1);
}

void http_refuse(struct http *h, struct visitor *v, unsigned status, const char *text,
		 const char *more)
{
	struct buf headers, json;

	buf_init(&headers, HEADERS_MAX);
	buf_init(&json, ERROR_MAX);
	if (more)
		buf_put_str(&headers, more);
	put_cors(h, v, &headers);
	buf_put_u8(&headers, '\0');
	buf_put_str(&json, "{\"error\":");
	json_put_string(&json, span_str(text));
	buf_put_u8(&json, '}');
	must(!headers.over && !json.over);
	door_answer(v, status, "application/json", (const char *)headers.p, buf_span(&json));
	buf_fini(&headers);
	buf_fini(&json);
	metrics_add(METRIC_http_requests, 1);
}

bool http_is_id(struct span text, size_t max)
{
	if (text.len == 0 || text.len > max || !json_is_utf8(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	}
	return true;
}

static void serve_page(struct http *h, struct visitor *v)
{
	const struct request *r = visitor_request(v);
	const struct page_file *f = page_find(h->page, r->path);
	char headers[256];

	if (!f) {
		http_refuse(h, v, 404, "Not found", NULL);
		return;
	}
	/* Links to the page carry a session: they must not leak through the Referer header. */
	snprintf(headers, sizeof headers,
		 "ETag: %s\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
		 "Referrer-Policy: no-referrer\r\n",
		 f->etag);
	if (span_is(request_field(r, "If-None-Match"), f->etag))
		door_answer(v, 304, NULL, headers, SPAN_NONE);
	else
		door_answer(v, 200, f->type, headers, span_of(f->bytes, f->len));
	metrics_add(METRIC_http_requests, 1);
}

static void serve_preflight(struct http *h, struct visitor *v)
{
	struct buf headers;

	buf_init(&headers, HEADERS_MAX);
	put_cors(h, v, &headers);
	buf_put_str(&headers, "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
			      "Access-Control-Allow-Headers: Authorization, Content-Type\r\n"
			      "Access-Control-Max-Age: 86400\r\n");
	buf_put_u8(&headers, '\0');
	must(!headers.over);
	door_answer(v, 204, NULL, (const char *)headers.p, SPAN_NONE);
	buf_fini(&headers);
	metrics_add(METRIC_http_requests, 1);
}

static void start_call(struct http *h, struct visitor *v, const struct path *path)
{
	struct call *c = mem_new(sizeof *c);

	c->http = h;
	c->visitor = v;
	c->target = path->target;
	c->kind = path->kind;
	buf_init(&c->token, REQUEST_HEAD_MAX);
	buf_init(&c->room_id, REQUEST_HEAD_MAX);
	list_add_last(&h->calls, &c->node);
	visitor_set(v, c);
	bool is_session = c->target == PATH_SESSION;

	if (!read_bearer(visitor_request(v), &c->token))
		fail(c, is_session ? 400 : 401,
		     is_session ? "Session ID is required" : "Unauthorized");
	else if (!http_is_id(buf_span(&c->token), TOKEN_MAX))
		refuse_access(c, ACCESS_NO_SESSION);
	else if (is_session)
		access_whoami(gateway_access(h->gw), buf_span(&c->token), on_who, c);
	else if (request_decode(path->id, &c->room_id) != OK)
		fail(c, 400, "The address is not valid percent-encoding");
	else
		ask_access(c);
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

/* An id that cannot be one is nobody's room, but who asks still comes first. */
static void ask_access(struct call *c)
{
	struct access *access = gateway_access(c->http->gw);

	c->no_room = !http_is_id(buf_span(&c->room_id), ROOM_ID_MAX);
	if (c->no_room)
		access_whoami(access, buf_span(&c->token), on_access, c);
	else
		access_ask(access, buf_span(&c->token), c->kind, buf_span(&c->room_id), on_access,
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
	buf_init(&out, ANSWER_MAX);
	buf_put_str(&out, "{\"id\":");
	json_put_string(&out, buf_span(&c->token));
	buf_put_str(&out, ",\"userId\":");
	json_put_string(&out, a->user);
	buf_put_str(&out, ",\"data\":{\"email\":");
	json_put_string(&out, a->email);
	buf_put_str(&out, ",\"name\":");
	json_put_string(&out, a->name);
	buf_put_str(&out, "},\"expiresAt\":");
	buf_put_u64_text(&out, a->expires_unix_ms > 0 ? (uint64_t)a->expires_unix_ms : 0);
	buf_put_str(&out, ",\"user\":{\"id\":");
	json_put_string(&out, a->user);
	buf_put_str(&out, ",\"name\":");
	json_put_string(&out, a->name);
	buf_put_str(&out, ",\"email\":");
	json_put_string(&out, a->email);
	buf_put_str(&out, ",\"userType\":");
	json_put_string(&out, a->user_type);
	buf_put_str(&out, "}}");
	finish(c, 200, buf_span(&out));
	buf_fini(&out);
}

static void on_access(void *call, const struct access_answer *a)
{
	struct call *c = call;

	if (a->refusal != ACCESS_GRANTED)
		refuse_access(c, a->refusal);
	else if (c->no_room)
		refuse_access(c, ACCESS_NO_ROOM);
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
		fail(c, is_session ? 404 : 401, is_session ? no_session : "Unauthorized");
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
		questions_broadcast(gateway_questions(c->http->gw), span_of(key, key_len),
				    buf_span(&stamped), on_question, c);
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
		questions_inspect(gateway_questions(c->http->gw), span_of(key, key_len),
				  on_question, c);
}

static void on_question(void *call, enum err err, const struct roster *roster)
{
	struct call *c = call;
	struct buf out;

	if (err != OK) {
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
	v0_put_users(&out, roster);
	buf_put_str(&out, ",\"userCount\":");
	buf_put_u64_text(&out, roster_users(roster));
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
	http_answer(c->http, c->visitor, status, json);
	end_call(c);
}

static void fail(struct call *c, unsigned status, const char *text)
{
	http_refuse(c->http, c->visitor, status, text, NULL);
	end_call(c);
}

static void end_call(struct call *c)
{
	struct gateway *gw = c->http->gw;

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

static void put_cors(const struct http *h, const struct visitor *v, struct buf *out)
{
	struct span origin = allowed_origin(h, request_field(visitor_request(v), "Origin"));

	if (origin.len > 0) {
		buf_put_str(out, "Access-Control-Allow-Origin: ");
		buf_put_span(out, origin);
		buf_put_str(out, "\r\n");
	}
	if (!span_is(origin, "*"))
		buf_put_str(out, "Vary: Origin\r\n");
}

/* What the browser is told: `*`, the page's own origin when it is listed, or nothing. */
static struct span allowed_origin(const struct http *h, struct span origin)
{
	struct span rest = span_str(gateway_options(h->gw)->cors_origins);

	while (rest.len > 0) {
		struct span one = span_until(&rest, ' ');

		if (span_is(one, "*") || (one.len > 0 && span_eq(one, origin)))
			return one;
	}
	return SPAN_NONE;
}
