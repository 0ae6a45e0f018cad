/* SPDX-License-Identifier: Apache-2.0 */
/* How the API of moot.v1 says no: one shape for all, with a trace that is in the log. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "common/random.h"
#include "gateway/api.h"
#include "gateway/calls_inside.h"
#include "gateway/http.h"

#define PROBLEM_MAX (CONFLICT_BODY_MAX + 4096) /* bytes */
#define RETRY_NS (1 * NS_PER_S)                /* when nobody has said more */

static void refuse_with(struct call *, const struct api_problem *);
static void say_problem(struct http *, struct visitor *, struct api_problem *, const char *headers);
static void put_problem(struct buf *, struct api_problem *, const char *what);

void calls_v1_refuse_path(struct http *h, struct visitor *v, const struct path *path,
			  const char *headers)
{
	struct api_problem p = {.err = path->target == PATH_V1_NONE ? ERR_NO_PATH : ERR_BAD_METHOD};

	say_problem(h, v, &p, path->target == PATH_V1_NONE ? NULL : headers);
}

void calls_v1_put_refusal(struct buf *out, enum err e)
{
	put_problem(out, &(struct api_problem){.err = e}, "door");
}

void call_refuse(struct call *c, enum err e)
{
	refuse_with(c, &(struct api_problem){.err = e});
}

void call_refuse_field(struct call *c, enum err e, const char *field)
{
	refuse_with(c, &(struct api_problem){.err = e, .field = e == ERR_BAD_FIELD ? field : NULL});
}

bool call_fails(struct call *c, const struct answer *a)
{
	if (!a->err)
		return false;
	refuse_with(c, &(struct api_problem){
			       .err = a->err,
			       .retry_after_ns = a->retry_after_ns,
			       .seq = a->seq,
			       .body = a->body,
		       });
	return true;
}

static void refuse_with(struct call *c, const struct api_problem *p)
{
	struct api_problem mine = *p;

	say_problem(c->calls->http, c->visitor, &mine,
		    err_http(p->err) == 401 ? "WWW-Authenticate: Bearer\r\n" : NULL);
	call_end(c);
}

static void say_problem(struct http *h, struct visitor *v, struct api_problem *p,
			const char *headers)
{
	const struct call *c = visitor_get(v);
	char retry[64];
	struct buf out;

	buf_init(&out, PROBLEM_MAX);
	put_problem(&out, p, c ? c->route->name : "path");
	must(!out.over);
	if (p->retry_after_ns) {
		snprintf(retry, sizeof retry, "Retry-After: %" PRId64 "\r\n",
			 (p->retry_after_ns + NS_PER_S - 1) / NS_PER_S);
		headers = retry;
	}
	http_answer(h, v, err_http(p->err), headers, buf_span(&out));
	buf_fini(&out);
}

static void put_problem(struct buf *out, struct api_problem *p, const char *what)
{
	p->trace = random_u64();
	if (!err_retryable(p->err))
		p->retry_after_ns = 0;
	else if (!p->retry_after_ns)
		p->retry_after_ns = RETRY_NS;
	log_info("api_refused", kv_str("what", what), kv_str("code", err_name(p->err)),
		 kv_str("field", p->field ? p->field : ""), kv_hex("trace", p->trace));
	api_put_problem(out, p);
}
