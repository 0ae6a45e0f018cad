/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about processes: status, view, shards, drain. */
#include <inttypes.h>
#include <string.h>

#include "deploy/ctl/acts.h"
#include "deploy/ctl/peers.h"
#include "deploy/ctl/reply.h"
#include "deploy/ctl/table.h"

static void put_list(struct buf *, const struct peers *, const char *kind);
static void put_status_row(struct table *, const struct peer *);
static const struct peer *newest_view(const struct peers *);
static void put_stragglers(struct buf *, const struct peers *, uint64_t version);

int act_status(struct ctl *c)
{
	static const struct column columns[] = {
		{"PROCESS", "name", COLUMN_TEXT},   {"KIND", "kind", COLUMN_TEXT},
		{"STATE", "state", COLUMN_TEXT},    {"VERSION", "version", COLUMN_TEXT},
		{"UP", "uptime_s", COLUMN_SECONDS}, {"CONNS", "connections", COLUMN_NUMBER},
		{"ROOMS", "rooms", COLUMN_NUMBER},  {"VIEW", "view", COLUMN_NUMBER},
		{"READY", NULL, COLUMN_TEXT},
	};
	struct peers peers;
	struct table t;
	int rc = CTL_DONE;

	if (!peers_ask(c, "/v1/process", &peers))
		return CTL_FAILED;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < peers.count; i++) {
		put_status_row(&t, &peers.all[i]);
		if (!span_is(reply_find(peer_json(&peers.all[i]), "ready"), "true"))
			rc = CTL_NOT_READY;
	}
	if (c->json)
		put_list(&c->out, &peers, NULL);
	else
		table_put(&t, &c->out);
	table_fini(&t);
	peers_close(&peers);
	return rc;
}

int act_shards(struct ctl *c)
{
	static const struct column columns[] = {
		{"SHARD", "name", COLUMN_TEXT},          {"STATE", "state", COLUMN_TEXT},
		{"SLOTS", "slots", COLUMN_NUMBER},       {"ROOMS", "rooms", COLUMN_NUMBER},
		{"CONNS", "connections", COLUMN_NUMBER}, {"GATEWAYS", "gateways", COLUMN_NUMBER},
		{"UNSTORED", "staged", COLUMN_NUMBER},   {"MEMORY", "memory", COLUMN_BYTES},
		{"ENDPOINT", "endpoint", COLUMN_TEXT},
	};
	struct peers peers;
	struct table t;

	if (!peers_ask(c, "/v1/process", &peers))
		return CTL_FAILED;
	table_init(&t, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < peers.count; i++)
		if (reply_is(peer_json(&peers.all[i]), "kind", "shard"))
			table_add_row(&t, peer_json(&peers.all[i]));
	if (c->json)
		put_list(&c->out, &peers, "shard");
	else
		table_put(&t, &c->out);
	peers_warn(&peers);
	table_fini(&t);
	peers_close(&peers);
	return CTL_DONE;
}

int act_view(struct ctl *c)
{
	static const struct column columns[] = {
		{"NAME", "name", COLUMN_TEXT},
		{"KIND", "kind", COLUMN_TEXT},
		{"STATE", "state", COLUMN_TEXT},
		{"SLOTS", "slots", COLUMN_NUMBER},
		{"INCARNATION", "incarnation", COLUMN_TEXT},
		{"ENDPOINT", "endpoint", COLUMN_TEXT},
	};
	struct span value, members;
	struct peers peers;
	struct table t;
	size_t at = 0;

	if (!peers_ask(c, "/v1/view", &peers))
		return CTL_FAILED;
	const struct peer *newest = newest_view(&peers);
	if (!newest) {
		(void)ctl_fail(c, "no process answers; mootctl status says why");
		peers_close(&peers);
		return CTL_FAILED;
	}
	members = reply_find(peer_json(newest), "members");
	table_init(&t, columns, ARRAY_LEN(columns));
	while (members.len > 0 && json_element(members, &at, &value))
		if (!reply_is(value, "state", "dead"))
			table_add_row(&t, value);
	if (c->json) {
		buf_put_span(&c->out, peer_json(newest));
	} else {
		table_put(&t, &c->out);
		buf_printf(&c->out, "view %" PRIu64 ", %" PRIu64 " slots without an owner\n",
			   reply_number(peer_json(newest), "version"),
			   reply_number(peer_json(newest), "unowned"));
		put_stragglers(&c->out, &peers, reply_number(peer_json(newest), "version"));
	}
	peers_warn(&peers);
	table_fini(&t);
	peers_close(&peers);
	return CTL_DONE;
}

int act_drain(struct ctl *c)
{
	struct client_reply reply;
	struct peers peers;
	int rc = CTL_FAILED;

	if (!peers_ask(c, "/v1/process", &peers))
		return CTL_FAILED;
	size_t i = 0;
	while (i < peers.count && !reply_is(peer_json(&peers.all[i]), "name", c->args[0]))
		i++;
	if (i == peers.count) {
		(void)ctl_fail(c,
			       "no process that answers is named \"%s\"; mootctl status says "
			       "who is there",
			       c->args[0]);
	} else if (peer_order(c, &peers.all[i], "/v1/drain", &reply)) {
		if (reply.status != 200)
			rc = peers_fail(c, buf_span(&reply.body));
		else if (c->json)
			buf_put_span(&c->out, buf_span(&reply.body));
		else
			buf_printf(&c->out, "%s is leaving\n", c->args[0]);
		rc = reply.status == 200 ? CTL_DONE : rc;
		buf_fini(&reply.body);
	}
	peers_close(&peers);
	return rc;
}

/* As an array, of one kind; those that do not answer with what is known of them. */
static void put_list(struct buf *out, const struct peers *peers, const char *kind)
{
	const char *comma = "";

	buf_put_u8(out, '[');
	for (size_t i = 0; i < peers->count; i++) {
		const struct peer *p = &peers->all[i];

		if (kind && !reply_is(peer_json(p), "kind", kind))
			continue;
		buf_put_str(out, comma);
		comma = ",";
		if (p->answered) {
			buf_put_span(out, peer_json(p));
			continue;
		}
		buf_put_str(out, "{\"ready\":false,\"unreachable\":");
		json_put_string(out, buf_span(&p->why));
		buf_put_u8(out, '}');
	}
	buf_put_str(out, "]\n");
}

static void put_status_row(struct table *t, const struct peer *p)
{
	struct span json = peer_json(p);
	struct buf text;

	buf_init(&text, 1024);
	if (!p->answered)
		buf_printf(&text, "%s:%s", p->at.host, p->at.port);
	if (!p->answered) {
		table_add(t, buf_span(&text));
		buf_clear(&text);
		for (size_t i = 2; i < t->column_count; i++)
			table_add(t, SPAN("-"));
		buf_put_span(&text, buf_span(&p->why));
	} else {
		table_add_rest(t, json);
		bool ready = span_is(reply_find(json, "ready"), "true");
		buf_put_str(&text, ready ? "yes" : "no: ");
		if (!ready)
			reply_put_false(reply_find(json, "checks"), &text);
	}
	table_add(t, buf_span(&text));
	buf_fini(&text);
}

static const struct peer *newest_view(const struct peers *peers)
{
	const struct peer *best = NULL;

	for (size_t i = 0; i < peers->count; i++) {
		const struct peer *p = &peers->all[i];

		if (peer_is_well(p) && (!best || reply_number(peer_json(p), "version") >
							 reply_number(peer_json(best), "version")))
			best = p;
	}
	return best;
}

static void put_stragglers(struct buf *out, const struct peers *peers, uint64_t version)
{
	for (size_t i = 0; i < peers->count; i++) {
		const struct peer *p = &peers->all[i];
		uint64_t theirs = reply_number(peer_json(p), "version");

		if (peer_is_well(p) && theirs < version)
			buf_printf(out, "%s:%s still goes by view %" PRIu64 "\n", p->at.host,
				   p->at.port, theirs);
	}
}
