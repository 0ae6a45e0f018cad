/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "gateway/calls.h"
#include "gateway/metrics.h"
#include "gateway/page.h"

#define HEADERS_MAX 1024 /* bytes of what we add to an answer */
#define ERROR_MAX 512

struct http {
	struct gateway *gw;
	struct page *page;
	struct calls *calls;
};

static void serve_page(struct http *h, struct visitor *v);
static void serve_preflight(struct http *h, struct visitor *v);
static void put_error(struct buf *json, const char *text);
static void put_cors(const struct http *h, const struct visitor *v, struct buf *out);
static struct span allowed_origin(const struct http *h, struct span origin);

struct http *http_new(struct gateway *gw)
{
	struct http *h = mem_new(sizeof *h);

	h->gw = gw;
	h->page = page_new(gateway_options(gw)->page_dir, gateway_options(gw)->page_test_dir);
	h->calls = calls_new(gw, h);
	return h;
}

void http_free(struct http **http)
{
	struct http *h = *http;

	if (!h)
		return;
	*http = NULL;
	calls_free(&h->calls);
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
		if (path_is_v1(path))
			calls_v1_refuse_path(h, v, path, allow);
		else
			http_refuse(h, v, 405, "Method not allowed", allow);
		return;
	}
	if (path->target == PATH_PAGE)
		serve_page(h, v);
	else if (path->target == PATH_TEST)
		http_answer(h, v, 200, NULL,
			    SPAN("{\"status\":\"ok\","
				 "\"message\":\"WebSocket infrastructure test passed\"}"));
	else
		calls_start(h->calls, v, path);
}

void http_gone(struct http *h, struct visitor *v)
{
	calls_end(h->calls, v);
}

void http_answer(struct http *h, struct visitor *v, unsigned status, const char *more,
		 struct span json)
{
	struct buf headers;

	buf_init(&headers, HEADERS_MAX);
	buf_put_str(&headers, "Cache-Control: no-store\r\n");
	if (more)
		buf_put_str(&headers, more);
	put_cors(h, v, &headers);
	buf_put_u8(&headers, '\0');
	must(!headers.over);
	door_answer(v, status, "application/json", (const char *)headers.p, json);
	buf_fini(&headers);
	metrics_add(METRIC_http_requests, 1);
}

void http_refuse(struct http *h, struct visitor *v, unsigned status, const char *text,
		 const char *headers)
{
	struct buf json;

	buf_init(&json, ERROR_MAX);
	put_error(&json, text);
	must(!json.over);
	http_answer(h, v, status, headers, buf_span(&json));
	buf_fini(&json);
}

void http_put_refusal(const struct path *path, enum err why, struct buf *json)
{
	if (path_is_v1(path))
		calls_v1_put_refusal(json, why);
	else
		put_error(json, err_text(why));
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
	char headers[320];

	if (!f) {
		http_refuse(h, v, 404, "Not found", NULL);
		return;
	}
	const struct page_file *gzipped = page_gzipped(h->page, f);
	bool is_gzipped = gzipped && request_accepts(r, "gzip");
	const struct page_file *sent = is_gzipped ? gzipped : f;

	/* Links to the page carry a session: they must not leak through the Referer header. */
	snprintf(headers, sizeof headers,
		 "ETag: %s\r\nCache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\n"
		 "Referrer-Policy: no-referrer\r\n%s%s",
		 sent->etag, gzipped ? "Vary: Accept-Encoding\r\n" : "",
		 is_gzipped ? "Content-Encoding: gzip\r\n" : "");
	if (span_is(request_field(r, "If-None-Match"), sent->etag))
		door_answer(v, 304, NULL, headers, SPAN_NONE);
	else
		door_answer(v, 200, f->type, headers, span_of(sent->bytes, sent->len));
	metrics_add(METRIC_http_requests, 1);
}

static void serve_preflight(struct http *h, struct visitor *v)
{
	struct buf headers;

	buf_init(&headers, HEADERS_MAX);
	put_cors(h, v, &headers);
	buf_put_str(&headers, "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
			      "Access-Control-Allow-Headers: "
			      "Authorization, Content-Type, Idempotency-Key\r\n"
			      "Access-Control-Max-Age: 86400\r\n");
	buf_put_u8(&headers, '\0');
	must(!headers.over);
	door_answer(v, 204, NULL, (const char *)headers.p, SPAN_NONE);
	buf_fini(&headers);
	metrics_add(METRIC_http_requests, 1);
}

static void put_error(struct buf *json, const char *text)
{
	buf_put_str(json, "{\"error\":");
	json_put_string(json, span_str(text));
	buf_put_u8(json, '}');
}

static void put_cors(const struct http *h, const struct visitor *v, struct buf *out)
{
	struct span origin = allowed_origin(h, request_field(visitor_request(v), "Origin"));

	if (origin.len > 0) {
		buf_put_str(out, "Access-Control-Allow-Origin: ");
		buf_put_span(out, origin);
		buf_put_str(out, "\r\nAccess-Control-Expose-Headers: Retry-After\r\n");
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
