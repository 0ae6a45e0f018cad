/* SPDX-License-Identifier: Apache-2.0 */
#include <strings.h>

#include "common/mem.h"
#include "common/pg.h"
#include "gateway/calls_inside.h"
#include "gateway/http.h"
#include "gateway/route.h"
#include "gateway/router.h"
#include "gateway/session_set.h"

#define WHO_MAX 256 /* bytes of the name of a service key */

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
		call_end(container_of(node, struct call, node));
	mem_free(calls);
}

void calls_start(struct calls *calls, struct visitor *v, const struct path *path)
{
	struct call *c = mem_new(sizeof *c);

	c->calls = calls;
	c->visitor = v;
	c->path = *path;
	buf_init(&c->token, REQUEST_HEAD_MAX);
	buf_init(&c->id, REQUEST_HEAD_MAX);
	buf_init(&c->who, WHO_MAX);
	buf_init(&c->members, CALL_ANSWER_MAX);
	list_init(&c->node);
	list_add_last(&calls->all, &c->node);
	visitor_set(v, c);
	if (path_is_v1(path))
		calls_v1_start(c);
	else
		calls_v0_start(c);
}

void calls_end(struct calls *calls, struct visitor *v)
{
	(void)calls;
	if (visitor_get(v))
		call_end(visitor_get(v));
}

bool call_read_bearer(struct call *c)
{
	static const char scheme[] = "Bearer ";
	struct span value = request_field(visitor_request(c->visitor), "Authorization");

	if (value.len < sizeof scheme ||
	    strncasecmp((const char *)value.p, scheme, sizeof scheme - 1) != 0)
		return false;
	buf_put_span(&c->token, span_from(value, sizeof scheme - 1));
	return true;
}

int64_t call_wait_ns(const struct call *c, struct quota_post post)
{
	struct gateway *gw = c->calls->gw;
	const struct route *route = router_route(gateway_router(gw), post.word.room_key);

	if (route)
		post.word.recipients = audience_size(route->audience);
	return quota_take_post(session_set_quota(gateway_sessions(gw)), &post,
			       loop_now_ns(gateway_loop(gw)));
}

void call_answer(struct call *c, unsigned status, const char *headers, struct span json)
{
	http_answer(c->calls->http, c->visitor, status, headers, json);
	call_end(c);
}

void call_end(struct call *c)
{
	struct gateway *gw = c->calls->gw;

	access_forget(gateway_access(gw), c);
	questions_forget(gateway_questions(gw), c);
	pg_forget(gateway_database(gw), c);
	visitor_set(c->visitor, NULL);
	list_remove(&c->node);
	loop_reap(gateway_loop(gw), call_free, c);
}

static void call_free(void *call)
{
	struct call *c = call;

	buf_fini(&c->token);
	buf_fini(&c->id);
	buf_fini(&c->who);
	buf_fini(&c->members);
	mem_free(c);
}
