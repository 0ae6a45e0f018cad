/* SPDX-License-Identifier: Apache-2.0 */
/* Paths on a door. /healthz answers whenever the loop turns and asks nothing else: a database that
 * is away must not have a process restarted. */
#include "common/admin.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/metrics.h"
#include "common/mono.h"

#define VISITORS_MAX 64
#define HEAD_NS (5 * NS_PER_S)
#define CHECKS_MAX 4096
#define METRICS_MAX (1u << 20)
#define TEXT_MAX 128 /* bytes of what lines of the log are looked up by */
#define LINES_MAX 2048

struct admin {
	struct admin_setup setup;
	struct door *door;
	int64_t opened_ns, opened_unix_ms;
};

typedef void answer_fn(struct admin *a, struct visitor *v);

static void on_request(void *owner, struct visitor *v, const struct request *r);
static bool serve_common(struct admin *a, struct visitor *v, const struct request *r);
static bool serve_process(struct admin *a, struct visitor *v, const struct request *r);
static bool takes(struct visitor *v, const struct request *r, const char *method);
static answer_fn answer_health, answer_ready, answer_metrics;
static admin_answer_fn put_process, put_recent, put_slow;
static void answer(void *owner, struct visitor *v, admin_answer_fn *fn);
static void refuse(struct visitor *v, enum err err, const char *headers, struct span hint);

/* What /v1/... of every process says. */
static const struct admin_path common_paths[] = {
	{"GET", "/v1/process", put_process},
	{"GET", "/v1/log", put_recent},
	{"GET", "/v1/slow", put_slow},
};

enum err admin_open(struct loop *loop, const struct admin_setup *setup, struct admin **out)
{
	struct admin *a = mem_new(sizeof *a);
	const struct door_options opt = {.host = setup->host,
					 .port = setup->port,
					 .max_visitors = VISITORS_MAX,
					 .head_ns = HEAD_NS,
					 .answer_ns = HEAD_NS,
					 .on_request = on_request,
					 .owner = a};
	enum err err = door_open(loop, &opt, &a->door);

	a->setup = *setup;
	a->opened_ns = mono_now_ns();
	a->opened_unix_ms = wall_unix_ms();
	if (err != OK)
		mem_free(a);
	*out = err == OK ? a : NULL;
	return err;
}

void admin_close(struct admin **admin)
{
	if (!*admin)
		return;
	door_close(&(*admin)->door);
	mem_free(*admin);
	*admin = NULL;
}

uint16_t admin_port(const struct admin *a)
{
	return door_port(a->door);
}

uint64_t admin_number(struct span query, const char *name, uint64_t fallback, uint64_t max)
{
	struct buf text;
	uint64_t n = 0;

	buf_init(&text, TEXT_MAX);
	bool good = request_param(query, name, &text) == OK && text.len > 0 && text.len < 19;
	for (size_t i = 0; good && i < text.len; i++) {
		good = text.p[i] >= '0' && text.p[i] <= '9';
		n = n * 10 + (uint64_t)(text.p[i] - '0');
	}
	buf_fini(&text);
	return good && n >= 1 && n <= max ? n : fallback;
}

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	struct admin *a = owner;

	if (!serve_common(a, v, r) && !serve_process(a, v, r))
		refuse(v, ERR_NO_PATH, NULL, SPAN_NONE);
}

static bool serve_common(struct admin *a, struct visitor *v, const struct request *r)
{
	static const struct {
		const char *path;
		answer_fn *answer;
	} probes[] = {
		{"/healthz", answer_health},
		{"/readyz", answer_ready},
		{"/metrics", answer_metrics},
	};

	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		if (span_is(r->path, probes[i].path)) {
			if (takes(v, r, "GET"))
				probes[i].answer(a, v);
			return true;
		}
	for (size_t i = 0; i < ARRAY_LEN(common_paths); i++)
		if (span_is(r->path, common_paths[i].path)) {
			if (takes(v, r, common_paths[i].method))
				answer(a, v, common_paths[i].answer);
			return true;
		}
	return false;
}

static bool serve_process(struct admin *a, struct visitor *v, const struct request *r)
{
	for (size_t i = 0; i < a->setup.path_count; i++) {
		const struct admin_path *p = &a->setup.paths[i];

		if (!span_is(r->path, p->path))
			continue;
		if (takes(v, r, p->method))
			answer(a->setup.paths_owner, v, p->answer);
		return true;
	}
	return false;
}

/* Or it is refused. */
static bool takes(struct visitor *v, const struct request *r, const char *method)
{
	bool is_get = strcmp(method, "GET") == 0;

	if (!span_is(r->method, method) && !(is_get && span_is(r->method, "HEAD"))) {
		refuse(v, ERR_BAD_METHOD, is_get ? "Allow: GET, HEAD\r\n" : "Allow: POST\r\n",
		       SPAN_NONE);
		return false;
	}
	if (is_get || request_field(r, ADMIN_HEADER).p)
		return true;
	refuse(v, ERR_NOT_ALLOWED, NULL, SPAN("send the header " ADMIN_HEADER ": yes"));
	return false;
}

static void answer_health(struct admin *a, struct visitor *v)
{
	(void)a;
	door_answer(v, 200, "text/plain", NULL, SPAN("ok\n"));
}

static void answer_ready(struct admin *a, struct visitor *v)
{
	struct buf checks, body;

	buf_init(&checks, CHECKS_MAX);
	buf_init(&body, CHECKS_MAX + 64);
	bool ready = a->setup.is_ready(a->setup.owner, &checks);
	buf_printf(&body, "{\"ready\":%s,\"checks\":{", ready ? "true" : "false");
	buf_put_span(&body, buf_span(&checks));
	buf_put_str(&body, "}}\n");
	door_answer(v, ready ? 200 : 503, "application/json", NULL, buf_span(&body));
	buf_fini(&checks);
	buf_fini(&body);
}

static void answer_metrics(struct admin *a, struct visitor *v)
{
	struct buf body;

	(void)a;
	buf_init(&body, METRICS_MAX);
	metrics_put(&body);
	door_answer(v, 200, "text/plain; version=0.0.4", NULL, buf_span(&body));
	buf_fini(&body);
}

static enum err put_process(void *owner, struct span query, struct buf *out)
{
	struct admin *a = owner;
	char started[ISO_TIME_LEN + 1];
	struct buf checks;

	(void)query;
	wall_iso(started, a->opened_unix_ms);
	buf_init(&checks, CHECKS_MAX);
	bool ready = a->setup.is_ready(a->setup.owner, &checks);
	buf_printf(out, "{\"kind\":\"%s\",\"name\":", a->setup.kind);
	json_put_string(out, span_str(a->setup.name));
	buf_printf(out,
		   ",\"version\":\"%s\",\"pid\":%d,\"incarnation\":\"%016" PRIx64
		   "\",\"started\":\"%s\",\"uptime_s\":%" PRId64 ",\"ready\":%s,\"checks\":{",
		   a->setup.version, (int)getpid(), a->setup.self.v, started,
		   (mono_now_ns() - a->opened_ns) / NS_PER_S, ready ? "true" : "false");
	buf_put_span(out, buf_span(&checks));
	buf_put_u8(out, '}');
	a->setup.put_state(a->setup.owner, out);
	buf_put_u8(out, '}');
	buf_fini(&checks);
	return OK;
}

/* ?with=TEXT: lines that contain it, a trace id for example. */
static enum err put_recent(void *owner, struct span query, struct buf *out)
{
	struct buf text;

	(void)owner;
	buf_init(&text, TEXT_MAX);
	enum err e = request_param(query, "with", &text);
	if (e == ERR_NO_PATH) /* there is none: all of them */
		buf_clear(&text);
	buf_put_u8(out, '[');
	if (!text.over)
		log_put_recent(buf_span(&text), admin_number(query, "limit", LINES_MAX, LINES_MAX),
			       out);
	buf_put_u8(out, ']');
	buf_fini(&text);
	return OK;
}

static enum err put_slow(void *owner, struct span query, struct buf *out)
{
	(void)owner;
	buf_put_u8(out, '[');
	log_put_slow(admin_number(query, "limit", LINES_MAX, LINES_MAX), out);
	buf_put_u8(out, ']');
	return OK;
}

static void answer(void *owner, struct visitor *v, admin_answer_fn *fn)
{
	struct buf body;

	buf_init(&body, ADMIN_ANSWER_MAX);
	enum err e = fn(owner, visitor_request(v)->query, &body);
	if (!e && body.over)
		e = ERR_TOO_BIG;
	if (e) {
		refuse(v, e, NULL, e == ERR_TOO_BIG ? SPAN("ask for fewer") : buf_span(&body));
	} else {
		buf_put_u8(&body, '\n');
		door_answer(v, 200, "application/json", NULL, buf_span(&body));
	}
	buf_fini(&body);
}

static void refuse(struct visitor *v, enum err err, const char *headers, struct span hint)
{
	struct buf body;

	buf_init(&body, CHECKS_MAX);
	buf_put_str(&body, "{\"error\":");
	json_put_string(&body, span_str(err_text(err)));
	buf_printf(&body, ",\"code\":\"%s\"", err_name(err));
	if (hint.len > 0) {
		buf_put_str(&body, ",\"hint\":");
		json_put_string(&body, hint);
	}
	buf_put_str(&body, "}\n");
	door_answer(v, err_http(err), "application/json", headers, buf_span(&body));
	buf_fini(&body);
}
