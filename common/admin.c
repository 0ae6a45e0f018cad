/* SPDX-License-Identifier: Apache-2.0 */
/* Three paths on a door. /healthz answers whenever the loop turns and asks nothing else: a database
 * that is away must not have a process restarted. */
#include "common/admin.h"

#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/metrics.h"

#define VISITORS_MAX 64
#define HEAD_NS (5 * NS_PER_S)
#define CHECKS_MAX 4096
#define METRICS_MAX (1u << 20)

struct admin {
	struct door *door;
	admin_ready_fn *is_ready;
	void *owner;
};

static void on_request(void *owner, struct visitor *v, const struct request *r);
static void answer_health(struct admin *a, struct visitor *v);
static void answer_ready(struct admin *a, struct visitor *v);
static void answer_metrics(struct admin *a, struct visitor *v);
static void refuse(struct visitor *v, enum err err, const char *headers);

enum err admin_open(struct loop *loop, const char *host, uint16_t port, admin_ready_fn *is_ready,
		    void *owner, struct admin **out)
{
	struct admin *a = mem_new(sizeof *a);
	const struct door_options opt = {.host = host,
					 .port = port,
					 .max_visitors = VISITORS_MAX,
					 .head_ns = HEAD_NS,
					 .answer_ns = HEAD_NS,
					 .on_request = on_request,
					 .owner = a};
	enum err err = door_open(loop, &opt, &a->door);

	a->is_ready = is_ready;
	a->owner = owner;
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

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	static const struct {
		const char *path;
		void (*answer)(struct admin *a, struct visitor *v);
	} paths[] = {
		{"/healthz", answer_health},
		{"/readyz", answer_ready},
		{"/metrics", answer_metrics},
	};
	size_t i = 0;

	while (i < ARRAY_LEN(paths) && !span_is(r->path, paths[i].path))
		i++;
	if (i == ARRAY_LEN(paths))
		refuse(v, ERR_NO_PATH, NULL);
	else if (!span_is(r->method, "GET") && !span_is(r->method, "HEAD"))
		refuse(v, ERR_BAD_METHOD, "Allow: GET, HEAD\r\n");
	else
		paths[i].answer(owner, v);
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
	bool ready = a->is_ready(a->owner, &checks);
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

static void refuse(struct visitor *v, enum err err, const char *headers)
{
	struct buf body;

	buf_init(&body, CHECKS_MAX);
	buf_put_str(&body, "{\"error\":");
	json_put_string(&body, span_str(err_text(err)));
	buf_put_str(&body, "}\n");
	door_answer(v, err_http(err), "application/json", headers, buf_span(&body));
	buf_fini(&body);
}
