/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/api.h"

#include <ctype.h>
#include <string.h>

#include "deploy/ctl/peers.h"
#include "deploy/ctl/reply.h"

#define PATIENCE_NS (10 * NS_PER_S) /* a gateway asks on for 5 s */
#define DEFAULT_PORT "8080"

static bool is_key(const char *key);
static bool ask(struct ctl *, const char *path, struct span body, const char *headers,
		struct client_reply *);

void api_put_room(struct buf *path, const char *room, const char *rest)
{
	buf_put_str(path, "/v1/rooms/");
	address_put_encoded(path, span_str(room));
	buf_put_str(path, rest);
}

bool api_ask(struct ctl *c, const char *path, struct span body, struct client_reply *reply)
{
	struct buf headers;

	if (!is_key(c->opt.service_key)) {
		(void)ctl_fail(c, "this wants a service key: mootctl token service NAME makes one, "
				  "then set MOOT_SERVICE_KEY or MOOT_SERVICE_KEY_FILE");
		return false;
	}
	buf_init(&headers, 1024);
	buf_printf(&headers, "Authorization: Bearer %s\r\n", c->opt.service_key);
	buf_put_u8(&headers, 0);
	bool done = ask(c, path, body, (const char *)headers.p, reply);
	buf_fini(&headers);
	return done;
}

/* Nothing that would end the header, or be refused as one. */
static bool is_key(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)key[i]) && key[i] != '_')
			return false;
	return len > 0 && len < 512;
}

static bool ask(struct ctl *c, const char *path, struct span body, const char *headers,
		struct client_reply *reply)
{
	struct address at;

	buf_clear(&c->why);
	if (!address_read(span_str(c->opt.public_url), DEFAULT_PORT, &at, &c->why))
		return false;
	bool done = client_ask(
		&(struct client_request){
			.to = &at,
			.method = body.len > 0 ? "POST" : "GET",
			.path = path,
			.headers = headers,
			.body = body,
			.timeout_ns = PATIENCE_NS,
		},
		reply, &c->why);
	if (done && !reply_is_good(buf_span(&reply->body))) {
		(void)ctl_fail(c, "%s:%s: what answers there is no gateway", at.host, at.port);
		done = false;
	} else if (done && reply->status != 200) {
		(void)peers_fail(c, buf_span(&reply->body));
		done = false;
	}
	if (!done)
		buf_fini(&reply->body);
	return done;
}
