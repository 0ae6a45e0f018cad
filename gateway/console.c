/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/console.h"

#include "gateway/router.h"
#include "proto/view_text.h"

static admin_answer_fn put_view, drain;

const struct admin_path console_paths[] = {
	{"GET", "/v1/view", put_view},
	{"POST", "/v1/drain", drain},
};
const size_t console_path_count = ARRAY_LEN(console_paths);

static enum err put_view(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;

	(void)query;
	view_put_json(router_view(c->router), out);
	return OK;
}

/* As SIGTERM, but said twice it is not cut short. */
static enum err drain(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;

	(void)query;
	if (!drain_is_on(c->drain))
		drain_start(c->drain, "an operator asked for it");
	buf_put_str(out, "{\"draining\":true}");
	return OK;
}
