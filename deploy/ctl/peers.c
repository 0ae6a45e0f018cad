/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/peers.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "deploy/ctl/reply.h"

#define WHY_MAX 512
#define DEFAULT_PORT "9100"

static bool find_all(struct ctl *, struct peers *);
static bool find_name(struct ctl *, struct span text, struct peers *);
static bool is_known(const struct peers *, const struct address *);
static void ask(struct ctl *, struct peer *, const char *path);

bool peers_ask(struct ctl *c, const char *path, struct peers *peers)
{
	if (!find_all(c, peers))
		return false;
	for (size_t i = 0; i < peers->count; i++)
		ask(c, &peers->all[i], path);
	return true;
}

void peers_close(struct peers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		buf_fini(&peers->all[i].reply.body);
		buf_fini(&peers->all[i].why);
	}
	mem_free(peers->all);
	*peers = (struct peers){NULL, 0};
}

bool peer_is_well(const struct peer *p)
{
	return p->answered && p->reply.status == 200;
}

struct span peer_json(const struct peer *p)
{
	return p->answered ? buf_span(&p->reply.body) : SPAN_NONE;
}

bool peer_order(struct ctl *c, const struct peer *p, const char *path, struct client_reply *reply)
{
	buf_clear(&c->why);
	bool done = client_ask(
		&(struct client_request){
			.to = &p->at,
			.method = "POST",
			.path = path,
			.headers = "Moot-Admin: yes\r\n",
			.timeout_ns = c->opt.internal_timeout_ns,
		},
		reply, &c->why);
	if (done && !reply_is_good(buf_span(&reply->body))) {
		(void)ctl_fail(c, "%s:%s: what answers there is no Moothall process", p->at.host,
			       p->at.port);
		done = false;
	}
	return done;
}

int peers_fail(struct ctl *c, struct span json)
{
	static const char *const paths[] = {"error.reason", "error", "hint", "error.field"};
	static const char *const before[] = {"", "", "; ", ": "};
	struct buf text;

	buf_init(&text, WHY_MAX);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct span value = reply_find(json, paths[i]);

		if (value.len == 0 || json_kind(value) != JSON_STRING)
			continue;
		buf_put_str(&text, before[i]);
		reply_put_text(value, &text);
	}
	struct span trace = reply_find(json, "error.trace");
	if (trace.len > 2)
		buf_printf(&text, " (mootctl why %.*s)", (int)trace.len - 2, trace.p + 1);
	int rc = ctl_fail(c, "%.*s", SPAN_ARGS(buf_span(&text)));
	buf_fini(&text);
	return rc;
}

void peers_warn(const struct peers *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		if (!peers->all[i].answered)
			fprintf(stderr, "mootctl: left out %.*s\n",
				SPAN_ARGS(buf_span(&peers->all[i].why)));
}

static bool find_all(struct ctl *c, struct peers *peers)
{
	struct span rest = span_str(c->opt.internal_urls);

	*peers = (struct peers){mem_new(CLIENT_PEERS_MAX * sizeof *peers->all), 0};
	while (rest.len > 0) {
		struct span one = span_until(&rest, ' ');

		if (one.len > 0 && !find_name(c, one, peers)) {
			peers_close(peers);
			return false;
		}
	}
	if (peers->count > 0)
		return true;
	peers_close(peers);
	(void)ctl_fail(c, "there is nobody to ask; name internal ports with --internal-urls or "
			  "MOOT_INTERNAL_URLS");
	return false;
}

static bool find_name(struct ctl *c, struct span text, struct peers *peers)
{
	struct address name, found[CLIENT_PEERS_MAX];

	buf_clear(&c->why);
	if (!address_read(text, DEFAULT_PORT, &name, &c->why))
		return false;
	size_t count = client_resolve(&name, found, &c->why);
	for (size_t i = 0; i < count && peers->count < CLIENT_PEERS_MAX; i++)
		if (!is_known(peers, &found[i]))
			peers->all[peers->count++].at = found[i];
	return count > 0;
}

static bool is_known(const struct peers *peers, const struct address *a)
{
	for (size_t i = 0; i < peers->count; i++)
		if (strcmp(peers->all[i].at.host, a->host) == 0 &&
		    strcmp(peers->all[i].at.port, a->port) == 0)
			return true;
	return false;
}

static void ask(struct ctl *c, struct peer *p, const char *path)
{
	buf_init(&p->why, WHY_MAX);
	p->answered = client_ask(
		&(struct client_request){
			.to = &p->at,
			.method = "GET",
			.path = path,
			.timeout_ns = c->opt.internal_timeout_ns,
		},
		&p->reply, &p->why);
	if (p->answered && !reply_is_good(buf_span(&p->reply.body))) {
		p->answered = false;
		buf_printf(&p->why, "%s:%s: what answers there is no Moothall process", p->at.host,
			   p->at.port);
	}
}
