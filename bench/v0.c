/* SPDX-License-Identifier: Apache-2.0 */
/* A client of the v0 dialect; and one of moot-limit, which passes on what v0 clients say and knows
 * nothing else: its connection is in the room when it is open, and who is there is not told. */
#include "bench/crowd.h"
#include "common/json.h"

typedef void handler(struct client *, const struct told *, struct span text);

static void put_path(const struct client *, struct buf *);
static void on_nothing_yet(struct client *);
static void on_text(struct client *, struct span text);
static handler on_connected, on_room_state, on_user_joined, on_user_left, on_cursor, on_event,
	on_ping, on_refused, on_other;
static void on_limit_open(struct client *);
static void on_limit_text(struct client *, struct span text);
static void put_cast(const struct client *, const struct mark *, struct buf *);
static void put_state(const struct client *, bool is_typing, struct buf *);

const struct dialect dialect_v0 = {
	.put_path = put_path,
	.on_open = on_nothing_yet,
	.on_text = on_text,
	.put_cast = put_cast,
	.put_state = put_state,
};

const struct dialect dialect_limit = {
	.server = "limit",
	.put_path = put_path,
	.on_open = on_limit_open,
	.on_text = on_limit_text,
	.put_cast = put_cast,
	.put_state = put_state,
};

static const struct {
	const char *type;
	handler *handle;
} handlers[] = {
	{"cursor_position", on_cursor},  {"text_operation", on_cursor}, {"comment_added", on_event},
	{"approval_added", on_event},    {"room_state", on_room_state}, {"connected", on_connected},
	{"user_joined", on_user_joined}, {"user_left", on_user_left},   {"ping", on_ping},
	{"error", on_refused},           {"typing_start", on_other},    {"typing_stop", on_other},
};

static void put_path(const struct client *c, struct buf *out)
{
	char user[32];

	buf_printf(out, "/api/ws/submissions/bench-%zu?sessionId=%.*s", c->crowd->first + c->room,
		   SPAN_ARGS(client_user(c, user)));
}

static void on_nothing_yet(struct client *c)
{
	(void)c; /* `connected` says when it is in */
}

static void on_text(struct client *c, struct span text)
{
	struct told m;

	if (told_read(text, &m)) {
		account_garbled(c->crowd->account, c->person, text);
		return;
	}
	if (m.seq.len)
		account_relay(c->crowd->account, c->person, told_number(m.seq));
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (told_is(m.type, handlers[i].type)) {
			handlers[i].handle(c, &m, text);
			return;
		}
	on_other(c, &m, text); /* states of native clients, and what is new */
}

static void on_connected(struct client *c, const struct told *m, struct span text)
{
	struct account_entry entry = {.is_native = false};

	(void)text;
	if (c->state != CLIENT_CONNECTING)
		return;
	client_is_in(c, &entry);
	account_relay(c->crowd->account, c->person, told_number(m->seq));
}

static void on_room_state(struct client *c, const struct told *m, struct span text)
{
	struct account *a = c->crowd->account;
	struct span value;
	struct told user;
	size_t person;

	(void)text;
	crowd_count(c->crowd, COUNTER_PRESENCE, 1);
	account_list_begin(a, c->person);
	for (size_t at = 0; m->users.len && json_element(m->users, &at, &value);) {
		told_members(value, &user);
		if (client_person_of(c, told_text(user.userId), &person))
			account_listed(a, c->person, person);
	}
}

static void on_user_joined(struct client *c, const struct told *m, struct span text)
{
	size_t person;

	(void)text;
	crowd_count(c->crowd, COUNTER_PRESENCE, 1);
	if (client_person_of(c, told_text(m->userId), &person))
		account_came(c->crowd->account, c->person, person, c->crowd->now_ns);
}

static void on_user_left(struct client *c, const struct told *m, struct span text)
{
	size_t person;

	(void)text;
	crowd_count(c->crowd, COUNTER_PRESENCE, 1);
	if (client_person_of(c, told_text(m->userId), &person))
		account_went(c->crowd->account, c->person, person, c->crowd->now_ns);
}

static void on_cursor(struct client *c, const struct told *m, struct span text)
{
	struct mark mark;

	if (mark_find(m->data, &mark))
		client_hear(c, &mark);
	else
		account_garbled(c->crowd->account, c->person, text);
}

static void on_event(struct client *c, const struct told *m, struct span text)
{
	struct mark mark;

	crowd_count(c->crowd, COUNTER_SEEN, 1);
	if (!mark_find(m->data, &mark)) {
		account_garbled(c->crowd->account, c->person, text);
		return;
	}
	bool is_news = account_shown(c->crowd->account, c->person, mark.person, mark.number,
				     c->crowd->now_ns);
	if (is_news && !c->is_slow)
		crowd_measure(c->crowd, MEASURE_EVENT, mark.due_ns);
}

static void on_ping(struct client *c, const struct told *m, struct span text)
{
	(void)m;
	(void)text;
	client_say(c, SPAN("{\"type\":\"pong\"}"));
}

static void on_refused(struct client *c, const struct told *m, struct span text)
{
	struct told data;

	(void)text;
	told_members(m->data, &data);
	crowd_refused(c->crowd, told_text(data.code));
}

static void on_other(struct client *c, const struct told *m, struct span text)
{
	(void)m;
	(void)text;
	crowd_count(c->crowd, COUNTER_PRESENCE, 1);
}

static void on_limit_open(struct client *c)
{
	struct account_entry entry = {.is_native = false};

	client_is_in(c, &entry);
}

static void on_limit_text(struct client *c, struct span text)
{
	struct mark mark;

	if (mark_find(text, &mark))
		client_hear(c, &mark);
}

static void put_cast(const struct client *c, const struct mark *mark, struct buf *out)
{
	/* To native clients a cursor is a presence state, not a cast. */
	bool is_alone = c->crowd->scenario->people_v0 == 100 || c->crowd->foreign;

	buf_printf(out, "{\"type\":\"%s\",\"data\":{",
		   is_alone ? "cursor_position" : "text_operation");
	mark_put(out, mark);
	crowd_put_padding(c->crowd, out);
	buf_put_str(out, "}}");
}

static void put_state(const struct client *c, bool is_typing, struct buf *out)
{
	char user[32];

	buf_printf(out, "{\"type\":\"typing_%s\",\"data\":{\"userId\":\"%.*s\"}}",
		   is_typing ? "start" : "stop", SPAN_ARGS(client_user(c, user)));
}
