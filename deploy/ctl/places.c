/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about rooms: rooms, room, members, tail, kick, revoke, move, sleep. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deploy/ctl/acts.h"
#include "deploy/ctl/api.h"
#include "deploy/ctl/peers.h"
#include "deploy/ctl/reply.h"
#include "deploy/ctl/table.h"

#define PATH_MAX_BYTES 4096
#define TAIL_MS 500 /* between two looks at a log that has nothing new */
#define SESSION_MAX 512
#define TRIES 15 /* to find the owner of a slot */
#define AGAIN_NS (200 * NS_PER_MS)

static void add_rooms(struct ctl *, struct span list, struct table *);
static bool ask_room(struct ctl *, const char *rest, struct client_reply *);
static void put_members(struct ctl *, struct span room);
static bool read_page(struct ctl *, uint64_t *after, bool *more);
static bool somebody_reads(void);
static void put_event(struct ctl *, struct span event);
static int order_owner(struct ctl *, const char *path, const char *done);
static int order_one(struct ctl *, const struct peer *, const char *path, const char *done);
static bool read_session(struct ctl *, char out[SESSION_MAX]);
static bool is_number(const char *text);

int act_rooms(struct ctl *c)
{
	static const struct column columns[] = {
		{"ROOM", "room", COLUMN_TEXT},           {"USERS", "users", COLUMN_NUMBER},
		{"CONNS", "connections", COLUMN_NUMBER}, {"ACTS/10S", "acts_10s", COLUMN_NUMBER},
		{"SEQ", "seq", COLUMN_NUMBER},           {"SLOT", "slot", COLUMN_NUMBER},
	};
	struct peers peers;
	char path[128];
	struct table t;

	if (c->args[1] && !is_number(c->args[1]))
		return ctl_fail(c, "LIMIT is a number from 1 to 256, not \"%s\"", c->args[1]);
	snprintf(path, sizeof path, "/v1/rooms?sort=%s&limit=%s", c->args[0] ? c->args[0] : "rate",
		 c->args[1] ? c->args[1] : "32");
	if (!peers_ask(c, path, &peers))
		return CTL_FAILED;
	table_init(&t, columns, ARRAY_LEN(columns));
	buf_put_str(&c->out, c->json ? "[" : "");
	for (size_t i = 0; i < peers.count; i++)
		if (peer_is_well(&peers.all[i]))
			add_rooms(c, peer_json(&peers.all[i]), &t);
	if (c->json)
		buf_put_str(&c->out, "]\n");
	else
		table_put(&t, &c->out);
	peers_warn(&peers);
	table_fini(&t);
	peers_close(&peers);
	return CTL_DONE;
}

int act_room(struct ctl *c)
{
	static const char *const paths[] = {"room", "owner", "state", "seq"};
	struct client_reply reply;

	if (!ask_room(c, "", &reply))
		return CTL_FAILED;
	struct span room = buf_span(&reply.body);
	for (size_t i = 0; i < ARRAY_LEN(paths) && !c->json; i++) {
		buf_printf(&c->out, "%-8s", paths[i]);
		reply_put_text(reply_find(room, paths[i]), &c->out);
		buf_put_u8(&c->out, '\n');
	}
	if (c->json) {
		buf_put_span(&c->out, room);
		buf_put_u8(&c->out, '\n');
	} else {
		put_members(c, room);
	}
	buf_fini(&reply.body);
	return CTL_DONE;
}

int act_members(struct ctl *c)
{
	struct client_reply reply;

	if (!ask_room(c, "", &reply))
		return CTL_FAILED;
	if (c->json) {
		buf_put_span(&c->out, reply_find(buf_span(&reply.body), "members"));
		buf_put_u8(&c->out, '\n');
	} else {
		put_members(c, buf_span(&reply.body));
	}
	buf_fini(&reply.body);
	return CTL_DONE;
}

int act_tail(struct ctl *c)
{
	struct client_reply reply;
	uint64_t after = 0;
	bool more = false;

	if (c->args[1] && !is_number(c->args[1]))
		return ctl_fail(c, "AFTER is the number of an event, not \"%s\"", c->args[1]);
	if (c->args[1]) {
		after = strtoull(c->args[1], NULL, 10);
	} else {
		if (!ask_room(c, "", &reply))
			return CTL_FAILED;
		after = reply_number(buf_span(&reply.body), "seq");
		buf_fini(&reply.body);
	}
	while (read_page(c, &after, &more)) {
		ctl_flush(c);
		if (!more && !somebody_reads())
			return CTL_DONE;
	}
	return CTL_FAILED;
}

int act_kick(struct ctl *c)
{
	struct client_reply reply;
	struct buf path, body;

	buf_init(&path, PATH_MAX_BYTES);
	buf_init(&body, PATH_MAX_BYTES);
	api_put_room(&path, c->args[0], "/kick");
	buf_put_u8(&path, 0);
	buf_put_str(&body, "{\"user\":");
	json_put_string(&body, span_str(c->args[1]));
	if (c->args[2]) {
		buf_put_str(&body, ",\"reason\":");
		json_put_string(&body, span_str(c->args[2]));
	}
	buf_put_u8(&body, '}');
	bool done = api_ask(c, (const char *)path.p, buf_span(&body), &reply);
	if (done && c->json)
		buf_put_span(&c->out, buf_span(&reply.body));
	else if (done)
		buf_printf(&c->out, "%" PRIu64 " connections taken out",
			   reply_number(buf_span(&reply.body), "kicked"));
	if (done) {
		buf_put_u8(&c->out, '\n');
		buf_fini(&reply.body);
	}
	buf_fini(&path);
	buf_fini(&body);
	return done ? CTL_DONE : CTL_FAILED;
}

int act_revoke(struct ctl *c)
{
	char session[SESSION_MAX];
	struct client_reply reply;
	struct buf path;

	if (!read_session(c, session))
		return CTL_FAILED;
	buf_init(&path, PATH_MAX_BYTES);
	buf_put_str(&path, "/v1/sessions/");
	address_put_encoded(&path, span_str(session));
	buf_put_str(&path, "/revoke");
	buf_put_u8(&path, 0);
	bool done = api_ask(c, (const char *)path.p, SPAN("{}"), &reply);
	if (done) {
		bool was = span_is(reply_find(buf_span(&reply.body), "revoked"), "true");

		if (c->json)
			buf_put_span(&c->out, buf_span(&reply.body));
		else
			buf_put_str(&c->out, was ? "revoked" : "there is no such session");
		buf_put_u8(&c->out, '\n');
		buf_fini(&reply.body);
	}
	buf_fini(&path);
	return done ? CTL_DONE : CTL_FAILED;
}

int act_move(struct ctl *c)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path, "/v1/move?%s=", is_number(c->args[0]) ? "slot" : "room");
	address_put_encoded(&path, span_str(c->args[0]));
	buf_put_str(&path, "&to=");
	address_put_encoded(&path, span_str(c->args[1]));
	buf_put_u8(&path, 0);
	int rc = order_owner(c, (const char *)path.p, "its slot is on the way");
	buf_fini(&path);
	return rc;
}

int act_sleep_room(struct ctl *c)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_put_str(&path, "/v1/sleep?room=");
	address_put_encoded(&path, span_str(c->args[0]));
	buf_put_u8(&path, 0);
	int rc = order_owner(c, (const char *)path.p, "it sleeps as soon as nothing is under way");
	buf_fini(&path);
	return rc;
}

static void add_rooms(struct ctl *c, struct span list, struct table *t)
{
	struct span room;
	size_t at = 0;

	while (json_element(list, &at, &room)) {
		if (c->json && table_rows(t) > 0)
			buf_put_str(&c->out, ",\n");
		if (c->json)
			buf_put_span(&c->out, room);
		table_add_row(t, room);
	}
}

static bool ask_room(struct ctl *c, const char *rest, struct client_reply *reply)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	api_put_room(&path, c->args[0], rest);
	buf_put_u8(&path, 0);
	bool done = api_ask(c, (const char *)path.p, SPAN_NONE, reply);
	buf_fini(&path);
	return done;
}

static void put_members(struct ctl *c, struct span room)
{
	static const struct column columns[] = {
		{"USER", NULL, COLUMN_TEXT},       {"NAME", NULL, COLUMN_TEXT},
		{"CONNECTION", "id", COLUMN_TEXT}, {"SINCE", "since", COLUMN_TEXT},
		{"STATE", "state", COLUMN_TEXT},
	};
	struct span members = reply_find(room, "members"), user, connection;
	struct buf id, name;
	size_t at = 0;
	struct table t;

	buf_init(&id, PATH_MAX_BYTES);
	buf_init(&name, PATH_MAX_BYTES);
	table_init(&t, columns, ARRAY_LEN(columns));
	while (members.len > 0 && json_element(members, &at, &user)) {
		struct span all = reply_find(user, "connections");
		size_t of_user = 0;

		buf_clear(&id);
		buf_clear(&name);
		reply_put_text(reply_find(user, "id"), &id);
		reply_put_text(reply_find(user, "name"), &name);
		while (all.len > 0 && json_element(all, &of_user, &connection)) {
			table_add(&t, buf_span(&id));
			table_add(&t, buf_span(&name));
			table_add_rest(&t, connection);
		}
	}
	table_put(&t, &c->out);
	table_fini(&t);
	buf_fini(&id);
	buf_fini(&name);
}

static bool read_page(struct ctl *c, uint64_t *after, bool *more)
{
	struct client_reply reply;
	char rest[64];
	struct span event;
	size_t at = 0;

	snprintf(rest, sizeof rest, "/events?after=%" PRIu64 "&limit=100", *after);
	if (!ask_room(c, rest, &reply))
		return false;
	struct span events = reply_find(buf_span(&reply.body), "events");
	*more = span_is(reply_find(buf_span(&reply.body), "more"), "true");
	while (events.len > 0 && json_element(events, &at, &event)) {
		put_event(c, event);
		*after = reply_number(event, "seq");
	}
	buf_fini(&reply.body);
	return true;
}

/* Waits, or ends at once when whatever read our output has gone. */
static bool somebody_reads(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, TAIL_MS) == 0;
}

static void put_event(struct ctl *c, struct span event)
{
	static const char *const paths[] = {"at", "seq", "event", "from.id", "data"};

	for (size_t i = 0; i < ARRAY_LEN(paths) && !c->json; i++) {
		buf_put_str(&c->out, i > 0 ? "  " : "");
		reply_put_text(reply_find(event, paths[i]), &c->out);
	}
	if (c->json)
		buf_put_span(&c->out, event);
	buf_put_u8(&c->out, '\n');
}

/* While the slot changes its owner nobody is the one: asked again for a while. */
static int order_owner(struct ctl *c, const char *path, const char *done)
{
	const struct timespec pause = {.tv_nsec = AGAIN_NS};
	struct peers peers;
	int rc = CTL_NOT_READY;

	if (!peers_ask(c, "/v1/process", &peers))
		return CTL_FAILED;
	for (unsigned tries = 0; rc == CTL_NOT_READY && tries < TRIES; tries++) {
		if (tries > 0)
			nanosleep(&pause, NULL);
		for (size_t i = 0; i < peers.count && rc == CTL_NOT_READY; i++)
			if (reply_is(peer_json(&peers.all[i]), "kind", "shard"))
				rc = order_one(c, &peers.all[i], path, done);
	}
	if (rc == CTL_NOT_READY)
		rc = ctl_fail(c, "no shard that answers owns it; mootctl view says who does");
	peers_close(&peers);
	return rc;
}

/* CTL_NOT_READY: it is not the one, or not any more. */
static int order_one(struct ctl *c, const struct peer *p, const char *path, const char *done)
{
	struct client_reply reply;
	int rc = CTL_NOT_READY;

	if (!peer_order(c, p, path, &reply))
		return CTL_NOT_READY;
	struct span json = buf_span(&reply.body);
	if (reply.status == 200) {
		rc = CTL_DONE;
		if (c->json)
			buf_put_span(&c->out, json);
		else
			buf_printf(&c->out, "%s\n", done);
	} else if (!reply_is(json, "code", "NOT_OWNER") && !reply_is(json, "code", "NO_CREDIT")) {
		rc = peers_fail(c, json);
	}
	buf_fini(&reply.body);
	return rc;
}

static bool read_session(struct ctl *c, char out[SESSION_MAX])
{
	bool is_input = strcmp(c->args[0], "-") == 0;

	if (!is_input)
		snprintf(out, SESSION_MAX, "%s", c->args[0]);
	else if (!fgets(out, SESSION_MAX, stdin))
		out[0] = 0;
	out[strcspn(out, "\r\n")] = 0;
	if (!out[0])
		(void)ctl_fail(c, "there is no session on standard input");
	return out[0];
}

static bool is_number(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < 19 && strspn(text, "0123456789") == len;
}
