/* SPDX-License-Identifier: Apache-2.0 */
/* A client of moot.v1, as docs/protocol.md says that one must be: resumes its session, joins with
 * the last seq it saw, says again in order what was not acknowledged. Of `draining` it does not
 * make use: it waits for its close. */
#include <stdio.h>
#include <string.h>

#include "bench/crowd.h"
#include "common/json.h"

typedef void handler(struct client *, const struct told *, struct span text);

static void put_path(const struct client *, struct buf *);
static void on_open(struct client *);
static void on_text(struct client *, struct span text);
static handler on_welcome, on_joined, on_left, on_refused, on_event, on_cast, on_presence, on_ack,
	on_error, on_nothing;
static void join(struct client *);
static void take_members(struct client *, struct span members, bool is_list);
static void put_cast(const struct client *, const struct mark *, struct buf *);
static void put_state(const struct client *, bool is_typing, struct buf *);

const struct dialect dialect_native = {
	.protocol = "moot.v1",
	.is_native = true,
	.put_path = put_path,
	.on_open = on_open,
	.on_text = on_text,
	.put_cast = put_cast,
	.put_state = put_state,
	.ping = "{\"type\":\"ping\"}",
};

static const struct {
	const char *type;
	handler *handle;
} handlers[] = {
	{"event", on_event},       {"ack", on_ack},         {"cast", on_cast},
	{"presence", on_presence}, {"welcome", on_welcome}, {"joined", on_joined},
	{"refused", on_refused},   {"left", on_left},       {"error", on_error},
	{"draining", on_nothing},  {"pong", on_nothing},
};

static void put_path(const struct client *c, struct buf *out)
{
	buf_printf(out, "/v1/ws?room=submission:bench-%zu", c->crowd->first + c->room);
}

static void on_open(struct client *c)
{
	struct buf *out = &c->crowd->out;
	char user[32];

	buf_clear(out);
	buf_printf(out, "{\"type\":\"hello\",\"token\":\"%.*s\"", SPAN_ARGS(client_user(c, user)));
	if (c->resume[0])
		buf_printf(out, ",\"resume\":\"%s\"", c->resume);
	buf_put_u8(out, '}');
	client_say(c, buf_span(out));
}

static void on_text(struct client *c, struct span text)
{
	static const char cast[] = "{\"type\":\"cast\"";
	struct told m;

	c->was_silent = false;
	if (span_starts(text, cast)) { /* by far the most; the rest of it is not looked at */
		on_cast(c, &m, text);
		return;
	}
	if (told_read(text, &m)) {
		account_garbled(c->crowd->account, c->person, text);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (told_is(m.type, handlers[i].type)) {
			handlers[i].handle(c, &m, text);
			return;
		}
	account_garbled(c->crowd->account, c->person, text);
}

static void on_welcome(struct client *c, const struct told *m, struct span text)
{
	struct span resume = told_text(m->resume);
	bool had_one = c->resume[0];

	(void)text;
	if (resume.len > RESUME_MAX || !resume.len) {
		account_garbled(c->crowd->account, c->person, text);
		return;
	}
	memcpy(c->resume, resume.p, resume.len);
	c->resume[resume.len] = '\0';
	c->ping_ns = (int64_t)told_number(m->ping_ms) * NS_PER_MS * 3 / 4;
	if (c->ping_ns < NS_PER_S / 10)
		c->ping_ns = NS_PER_S;
	if (had_one && !span_is(m->resumed, "true"))
		client_forget(c);
	join(c);
}

static void join(struct client *c)
{
	struct buf *out = &c->crowd->out;

	buf_clear(out);
	buf_printf(out, "{\"type\":\"join\",\"room\":\"submission:bench-%zu\"",
		   c->crowd->first + c->room);
	if (c->has_seq)
		buf_printf(out, ",\"since\":%llu", (unsigned long long)c->seq);
	buf_put_u8(out, '}');
	client_say(c, buf_span(out));
}

static void on_joined(struct client *c, const struct told *m, struct span text)
{
	struct account *a = c->crowd->account;
	struct account_entry entry = {
		.is_native = true, .has_seq = m->seq.len > 0, .seq = told_number(m->seq)};
	struct told gap;

	(void)text;
	if (c->state != CLIENT_CONNECTING)
		return;
	if (!c->has_seq && entry.has_seq) {
		c->seq = entry.seq;
		c->has_seq = true;
	}
	account_list_begin(a, c->person);
	if (span_is(m->unlisted, "true"))
		account_unlisted(a, c->person);
	take_members(c, m->members, true);
	if (m->gap.len) {
		told_members(m->gap, &gap);
		account_gap(a, c->person, told_number(gap.from), told_number(gap.to));
		c->seq = told_number(gap.to);
	}
	client_is_in(c, &entry);
}

/* Of a list, or of those who came: `id` names each. */
static void take_members(struct client *c, struct span members, bool is_list)
{
	struct account *a = c->crowd->account;
	struct span value;
	struct told m;
	size_t person;

	for (size_t at = 0; members.len && json_element(members, &at, &value);) {
		told_members(value, &m);
		if (!client_person_of(c, told_text(m.id), &person))
			continue;
		if (is_list)
			account_listed(a, c->person, person);
		else
			account_came(a, c->person, person, c->crowd->now_ns);
	}
}

static void on_presence(struct client *c, const struct told *m, struct span text)
{
	struct account *a = c->crowd->account;
	struct span value;
	struct told of;
	size_t person;

	(void)text;
	crowd_count(c->crowd, COUNTER_PRESENCE, 1);
	if (m->count.len) {
		account_unlisted(a, c->person);
		return;
	}
	take_members(c, m->joined, false);
	for (size_t at = 0; m->left.len && json_element(m->left, &at, &value);) {
		told_members(value, &of);
		if (client_person_of(c, told_text(of.id), &person))
			account_went(a, c->person, person, c->crowd->now_ns);
	}
}

static void on_left(struct client *c, const struct told *m, struct span text)
{
	(void)text;
	if (c->state == CLIENT_IN && told_is(m->code, "gone")) {
		join(c);
		return;
	}
	conn_drop(&c->conn);
	client_lost(c, 1006);
}

static void on_refused(struct client *c, const struct told *m, struct span text)
{
	int64_t wait_ns = (int64_t)told_number(m->retry_after_ms) * NS_PER_MS;

	crowd_refused(c->crowd, told_text(m->code));
	if (told_is(m->request, "join")) { /* from the beginning: that waits, too */
		conn_drop(&c->conn);
		client_lost(c, m->retry_after_ms.len ? 1006 : 4403);
	} else if (m->n.len && m->retry_after_ms.len) {
		client_refused_for_now(c, wait_ns);
	} else if (m->n.len) {
		client_answered(c, told_number(m->n), 0);
	} else if (!m->retry_after_ms.len) {
		account_garbled(c->crowd->account, c->person, text);
	}
}

static void on_event(struct client *c, const struct told *m, struct span text)
{
	uint64_t seq = told_number(m->seq);
	struct mark mark;

	crowd_count(c->crowd, COUNTER_SEEN, 1);
	if (!mark_find(m->data, &mark)) {
		account_garbled(c->crowd->account, c->person, text);
		return;
	}
	account_event(c->crowd->account, c->person, seq, mark.person, mark.number);
	if (seq > c->seq || !c->has_seq)
		c->seq = seq;
	c->has_seq = true;
	if (!m->replay.len && !c->is_slow)
		crowd_measure(c->crowd, MEASURE_EVENT, mark.due_ns);
}

static void on_ack(struct client *c, const struct told *m, struct span text)
{
	(void)text;
	client_answered(c, told_number(m->n), told_number(m->seq));
}

static void on_cast(struct client *c, const struct told *m, struct span text)
{
	struct mark mark;

	(void)m;
	if (mark_find(text, &mark))
		client_hear(c, &mark);
	else
		account_garbled(c->crowd->account, c->person, text);
}

static void on_error(struct client *c, const struct told *m, struct span text)
{
	(void)text;
	crowd_refused(c->crowd, told_text(m->code));
}

static void on_nothing(struct client *c, const struct told *m, struct span text)
{
	(void)c;
	(void)m;
	(void)text;
}

static void put_cast(const struct client *c, const struct mark *mark, struct buf *out)
{
	/* Where v0 clients are, a type that they know too; that is not coalesced by key. */
	const char *key = c->crowd->scenario->people_v0 ? "text_operation" : "pointer";

	buf_printf(out,
		   "{\"type\":\"cast\",\"room\":\"submission:bench-%zu\",\"key\":\"%s\",\"data\":{",
		   c->crowd->first + c->room, key);
	mark_put(out, mark);
	crowd_put_padding(c->crowd, out);
	buf_put_str(out, "}}");
}

static void put_state(const struct client *c, bool is_typing, struct buf *out)
{
	buf_printf(
		out,
		"{\"type\":\"state\",\"room\":\"submission:bench-%zu\",\"data\":{\"typing\":%s}}",
		c->crowd->first + c->room, is_typing ? "true" : "null");
}

void client_put_publish(struct client *c, const struct owed *o, struct buf *out)
{
	static const char *const events[] = {
		[PUBLISH_COMMENT] = "comment_added",
		[PUBLISH_APPROVE] = "approval_added",
	};
	struct mark mark = {.person = c->person, .number = o->number, .due_ns = o->due_ns};

	buf_printf(out,
		   "{\"type\":\"publish\",\"room\":\"submission:bench-%zu\",\"n\":%llu,\"event\":"
		   "\"%s\",\"data\":{",
		   c->crowd->first + c->room, (unsigned long long)o->n, events[o->kind]);
	mark_put(out, &mark);
	crowd_put_padding(c->crowd, out);
	buf_put_str(out, "}}");
}
