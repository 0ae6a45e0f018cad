/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "tests/lib/guest.h"

static struct access_answer answer_of(const struct guest *, enum access_refusal);
static void show_message(struct guest *, struct buf *, struct span line);
static void show_value(struct buf *, struct span value);
static void show_item(struct buf *, struct span item);
static void show_states(struct buf *, struct span connections);
static struct span text_of(struct span value);
static bool is_shown(struct span name, struct span value);

void guest_open(struct guest *c, struct gateway *g, const char *user)
{
	*c = (struct guest){.gateway = g, .user = user};
	c->socket.session = session_new_native(g);
	session_on_open(c->socket.session, &c->socket);
}

void guest_say(struct guest *c, const char *message)
{
	lobby_text(c->gateway, c->socket.session, message);
}

void guest_hello(struct guest *c, const char *resume)
{
	char text[512];

	snprintf(text, sizeof text, "{\"type\":\"hello\",\"token\":\"t-%s\"%s%s%s}", c->user,
		 resume ? ",\"resume\":\"" : "", resume ? resume : "", resume ? "\"" : "");
	guest_say(c, text);
	struct access_answer a = answer_of(c, ACCESS_GRANTED);
	lobby_answer_to(c->gateway, c->socket.session, &a);
	user_free(&a.user);
}

void guest_greet(struct guest *c, struct gateway *g, const char *user)
{
	guest_open(c, g, user);
	guest_hello(c, NULL);
	(void)guest_told(c);
}

void guest_answer(struct guest *c, enum access_refusal refusal)
{
	struct access_answer a = answer_of(c, refusal);

	lobby_answer(c->gateway, &a);
	user_free(&a.user);
}

void guest_ask(struct guest *c, const char *more)
{
	char text[512];

	snprintf(text, sizeof text, "{\"type\":\"join\",\"room\":\"submission:s1\"%s}", more);
	guest_say(c, text);
	guest_answer(c, ACCESS_GRANTED);
}

void guest_join(struct guest *c, const char *more, uint64_t head)
{
	guest_join_cut(c, more, head, 1);
}

void guest_join_cut(struct guest *c, const char *more, uint64_t head, uint64_t first)
{
	struct gateway *g = c->gateway;
	struct item_member m = owner_member(guest_session(c), c->user);

	guest_ask(c, more);
	m.conn_gen = c->socket.session->conn_gen;
	owner_say_attached(g, 1);
	owner_say_joined(g, &m);
	owner_say_welcomed(g, m.session);
	owner_say_head(g, head, first);
	lobby_pass(g, MS(50));
}

void guest_enter(struct guest *c, struct gateway *g, const char *user, uint64_t head)
{
	guest_greet(c, g, user);
	guest_join(c, "", head);
	fake_skip(g->shard);
	(void)guest_told(c);
}

void guest_lose(struct guest *c)
{
	lobby_closed(c->gateway, c->socket.session, 1006);
}

void guest_come_back(struct guest *again, struct guest *c)
{
	guest_lose(c);
	guest_open(again, c->gateway, c->user);
	guest_hello(again, c->resume);
	(void)guest_told(again);
}

uint64_t guest_session(const struct guest *c)
{
	return c->socket.session->id.v;
}

const char *guest_told(struct guest *c)
{
	struct span rest = span_from(span_str(c->socket.said), c->socket.looked);
	struct buf out;

	buf_init(&out, sizeof c->told - 1);
	while (rest.len) {
		if (out.len)
			buf_put_str(&out, "; ");
		show_message(c, &out, span_until(&rest, '\n'));
	}
	must(!out.over);
	c->socket.looked = strlen(c->socket.said);
	snprintf(c->told, sizeof c->told, "%.*s", SPAN_ARGS(buf_span(&out)));
	buf_fini(&out);
	return c->told;
}

/* Its user is the caller's. */
static struct access_answer answer_of(const struct guest *c, enum access_refusal refusal)
{
	struct span user = span_str(c->user);

	return (struct access_answer){
		.refusal = refusal,
		.user = user_new(user, user, SPAN("x@example.org")),
		.role = SPAN("editor"),
	};
}

static void show_message(struct guest *c, struct buf *out, struct span line)
{
	struct span name, value;
	enum json_kind kind;
	size_t at = 0;

	if (span_starts(line, "~")) {
		buf_put_str(out, "~");
		line = span_from(line, 1);
	}
	assert_int_equal(json_check(line, &kind), OK);
	while (json_member(line, &at, &name, &value)) {
		if (span_is(name, "resume"))
			snprintf(c->resume, sizeof c->resume, "%.*s", SPAN_ARGS(text_of(value)));
		if (!is_shown(name, value))
			continue;
		if (!span_is(name, "type")) {
			buf_put_u8(out, ' ');
			buf_put_span(out, name);
			buf_put_u8(out, '=');
		}
		show_value(out, value);
	}
}

static void show_value(struct buf *out, struct span value)
{
	struct span item;
	size_t at = 0;

	if (json_kind(value) != JSON_ARRAY) {
		buf_put_span(out, json_kind(value) == JSON_STRING ? text_of(value) : value);
		return;
	}
	for (bool first = true; json_element(value, &at, &item); first = false) {
		if (!first)
			buf_put_u8(out, '+');
		show_item(out, item);
	}
}

static void show_item(struct buf *out, struct span item)
{
	struct span name, value;
	size_t at = 0;

	while (json_member(item, &at, &name, &value)) {
		if (span_is(name, "id") || span_is(name, "seq"))
			show_value(out, value);
		if (span_is(name, "connections"))
			show_states(out, value);
	}
}

static void show_states(struct buf *out, struct span connections)
{
	struct span one, name, value;
	size_t at = 0;

	while (json_element(connections, &at, &one))
		for (size_t in = 0; json_member(one, &in, &name, &value);)
			if (span_is(name, "state") && !span_is(value, "{}"))
				buf_put_span(out, value);
}

static struct span text_of(struct span value)
{
	return span_of(value.p + 1, value.len - 2);
}

/* Not what is the same each time, or never. */
static bool is_shown(struct span name, struct span value)
{
	static const char *const hidden[] = {"room", "reason",  "trace",  "resume",
					     "user", "ping_ms", "limits", "from",
					     "at",   "event",   "count"};

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (span_is(name, hidden[i]))
			return false;
	return !span_is(value, "[]");
}
