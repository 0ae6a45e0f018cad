/* SPDX-License-Identifier: Apache-2.0 */
/* When casts of a room are shown, and together with what. A transcript line is "A:text" for what is
 * shown alone, "A[text text]" for what is shown together; casts are texts of two letters, the
 * sender's and a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/audience.h"
#include "proto/bridge.h"

#define CLIENTS 4 /* A, B and C speak v0, D is native */
#define LIST_USERS 1000
#define MS(n) ((n)*NS_PER_MS)

struct client {
	struct world *world;
	char letter;
	bool in_bundle;
	struct attendee *attendee;
};

struct world {
	struct audience *audience;
	struct audience_shared shared;
	struct client clients[CLIENTS];
	char transcript[4096];
	uint64_t relay;
	int64_t now_ns;
};

/* Of a cast its text, of all else the type. */
static void show(void *session, struct payload *p, bool droppable)
{
	struct client *c = session;
	struct span text = payload_text(p);
	const char *at = memmem(text.p, text.len, "\"t\":\"", 5);
	char line[64];
	int len = 2;

	if (!at) {
		at = (const char *)text.p + 9;
		len = (int)((const char *)memchr(at, '"', 40) - at);
	} else {
		at += 5;
		assert_true(droppable);
	}
	if (c->in_bundle)
		snprintf(line, sizeof line, "%.*s ", len, at);
	else
		snprintf(line, sizeof line, "%c:%.*s ", c->letter, len, at);
	strcat(c->world->transcript, line);
}

static void show_bundle(void *session, struct bundle *b)
{
	struct client *c = session;
	char open[] = {c->letter, '[', 0};

	strcat(c->world->transcript, open);
	c->in_bundle = true;
	for (size_t i = 0; i < b->count; i++)
		show(session, b->each[i], true);
	c->in_bundle = false;
	strcat(c->world->transcript, "] ");
}

static void welcomed(void *session)
{
	(void)session;
}

static void listed(void *session, const struct audience_list *list)
{
	(void)session, (void)list;
}

static void event(void *session, uint64_t seq, struct payload *p)
{
	struct client *c = session;
	char line[] = {c->letter, ':', 'E', ' ', 0};

	(void)seq, (void)p;
	strcat(c->world->transcript, line);
}

static bool keeps_up(void *session)
{
	(void)session;
	return true;
}

/* Of the others nothing here makes use. */
static const struct audience_sink sink = {
	.show = show,
	.show_bundle = show_bundle,
	.welcomed = welcomed,
	.listed = listed,
	.event = event,
	.keeps_up = keeps_up,
	.list_users = LIST_USERS,
};

static void comes(struct world *w, uint64_t session, const char *user)
{
	struct item_member m = {
		.session = session, .conn_gen = 1, .user = span_str(user), .name = span_str(user)};
	struct buf items;

	buf_init(&items, 65536);
	item_put_member(&items, &m);
	audience_on_member_joined(
		w->audience,
		&(struct msg_member_joined){.relay = ++w->relay, .members = buf_span(&items)});
	buf_fini(&items);
}

/* When there is something to tell next. */
static int64_t pass(struct world *w, int64_t ns)
{
	int64_t next_ns = INT64_MAX;

	w->now_ns += ns;
	LIST_EACH (&w->shared.telling, it, ahead)
		next_ns = audience_tell(audience_of_telling(it), w->now_ns);
	return next_ns;
}

/* `text`: "A1" is the first of A; `key` empty: it is not coalesced. */
static void cast_to(struct world *w, const char *text, const char *key, const char *to)
{
	char body[64];

	snprintf(body, sizeof body, "{\"type\":\"x\",\"data\":{\"t\":\"%s\"},\"seq\":0}", text);
	audience_on_cast_out(w->audience,
			     &(struct msg_cast_out){.relay = ++w->relay,
						    .session = (uint64_t)text[0],
						    .key = span_str(key),
						    .body = span_str(body),
						    .type = SPAN("x"),
						    .to = span_str(to)},
			     w->now_ns);
}

static void cast(struct world *w, const char *text, const char *key)
{
	cast_to(w, text, key, "");
}

static void stored(struct world *w, uint64_t seq)
{
	audience_on_event(w->audience, &(struct msg_event){.seq = seq,
							   .relay = ++w->relay,
							   .type = SPAN("E"),
							   .producer = SPAN("p"),
							   .body = SPAN("{\"type\":\"E\"}")});
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	audience_shared_init(&w->shared);
	w->now_ns = MS(1000);
	w->audience = audience_new(ROOM_SUBMISSION, SPAN("s1"), &sink, &w->shared);
	for (unsigned i = 0; i < CLIENTS; i++) {
		char user[3] = {'u', (char)('1' + i), 0};
		struct item_member m = {.session = 'A' + i,
					.conn_gen = 1,
					.user = span_str(user),
					.name = span_str(user)};
		struct entrant e = {{m.session}, m.conn_gen, user_new(m.user, m.name, m.email), 0};

		w->clients[i] = (struct client){.world = w, .letter = (char)('A' + i)};
		w->clients[i].attendee = audience_add(w->audience, &w->clients[i], &e);
		user_free(&e.user);
		if (m.session == 'D')
			audience_set_native(w->clients[i].attendee);
		comes(w, m.session, user);
		audience_on_welcomed(w->audience, &(struct msg_welcomed){.relay = w->relay + 1,
									 .count = 2,
									 .session = m.session});
		w->relay += 2;
	}
	audience_get_ready(w->clients[3].attendee);
	pass(w, MS(100));
	pass(w, MS(100));
	w->transcript[0] = '\0';
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < CLIENTS; i++)
		audience_remove(&w->clients[i].attendee);
	audience_free(&w->audience);
	test_free(w);
	return 0;
}

static void expect(struct world *w, const char *transcript)
{
	assert_string_equal(w->transcript, transcript);
	w->transcript[0] = '\0';
}

static void cast_in_a_quiet_room_is_shown_at_once(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	expect(w, "D:A1 B:A1 C:A1 ");
	assert_int_equal(pass(w, MS(30)), INT64_MAX);

	cast(w, "A2", "");

	expect(w, "D:A2 B:A2 C:A2 ");
}

/* At other gateways, those from `first` on; all of them are told. */
static void come_until_there_are(struct world *w, unsigned first, unsigned count)
{
	char user[8];

	for (unsigned i = first; i < count; i++) {
		snprintf(user, sizeof user, "far%u", i);
		comes(w, 1000 + i, user);
		w->transcript[0] = '\0';
	}
	pass(w, MS(500));
	pass(w, MS(500)); /* and it is quiet */
	w->transcript[0] = '\0';
}

static void changes_are_told_the_less_often_the_more_users_there_are(void **state)
{
	static const struct {
		unsigned users;
		int64_t pause_ns;
	} rows[] = {{100, MS(35)}, {500, MS(95)}, {1300, MS(200)}};
	struct world *w = *state;
	unsigned count = CLIENTS;
	char user[16];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		come_until_there_are(w, count, rows[i].users - 1);
		snprintf(user, sizeof user, "now%zu", i);
		comes(w, 9000 + i, user); /* is told at once: the room was quiet */
		pass(w, 0);
		snprintf(user, sizeof user, "next%zu", i);
		comes(w, 9100 + i, user);
		assert_int_equal(pass(w, 0), w->now_ns + rows[i].pause_ns);
		count = rows[i].users + 1;
	}
}

/* So that a delivery costs the same with any number of gateways. */
static void tick_grows_with_the_room_wherever_its_users_are(void **state)
{
	struct world *w = *state;

	come_until_there_are(w, CLIENTS, 500);

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	int64_t next_ns = pass(w, MS(1));
	assert_int_equal(next_ns, w->now_ns + MS(49));
	pass(w, MS(48));
	expect(w, "");
	pass(w, MS(1));
	expect(w, "B:A2 C:A2 D:A2 ");
}

static void casts_within_a_tick_are_shown_together_at_its_end(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	cast(w, "B1", "");
	cast(w, "A3", "");
	int64_t next_ns = pass(w, MS(5));
	assert_int_equal(next_ns, w->now_ns + MS(15));
	expect(w, "");

	pass(w, MS(15));

	expect(w, "A:B1 B[A2 A3 ] C[A2 B1 A3 ] D[A2 B1 A3 ] ");
}

static void tick_follows_tick_as_long_as_there_are_casts(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	cast(w, "A2", "");
	pass(w, MS(20));
	w->transcript[0] = '\0';

	cast(w, "A3", "");
	pass(w, MS(10));
	expect(w, "");
	pass(w, MS(10));
	expect(w, "B:A3 C:A3 D:A3 ");
}

static void newer_cast_of_a_key_replaces_the_one_that_waits(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "cursor");
	w->transcript[0] = '\0';
	cast(w, "A2", "cursor");
	cast(w, "B1", "cursor");
	cast(w, "A3", "typing");
	cast(w, "A4", "cursor");
	pass(w, MS(20));

	expect(w, "A:B1 B[A3 A4 ] C[B1 A3 A4 ] D[B1 A3 A4 ] ");
}

static void event_is_shown_at_once_after_the_casts_before_it(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	stored(w, 1);
	cast(w, "A3", "");
	expect(w, "B:A2 C:A2 D:A2 A:E B:E C:E D:E ");
	pass(w, MS(20));

	expect(w, "B:A3 C:A3 D:A3 ");
}

static void who_comes_in_is_not_shown_the_casts_before_it(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	comes(w, 500, "u5");

	expect(w, "B:A2 C:A2 D:A2 A:user_joined B:user_joined C:user_joined ");
}

static void cast_to_one_is_shown_at_once_and_in_its_place(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	cast_to(w, "A3", "", "u2");

	expect(w, "B:A2 C:A2 D:A2 B:A3 ");
}

static void who_is_gone_when_the_tick_ends_is_shown_nothing(void **state)
{
	struct world *w = *state;

	cast(w, "A1", "");
	w->transcript[0] = '\0';
	cast(w, "A2", "");
	w->clients[1].attendee->deaf = true;
	pass(w, MS(20));

	expect(w, "C:A2 D:A2 ");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(cast_in_a_quiet_room_is_shown_at_once),
		T(changes_are_told_the_less_often_the_more_users_there_are),
		T(tick_grows_with_the_room_wherever_its_users_are),
		T(casts_within_a_tick_are_shown_together_at_its_end),
		T(tick_follows_tick_as_long_as_there_are_casts),
		T(newer_cast_of_a_key_replaces_the_one_that_waits),
		T(event_is_shown_at_once_after_the_casts_before_it),
		T(who_comes_in_is_not_shown_the_casts_before_it),
		T(cast_to_one_is_shown_at_once_and_in_its_place),
		T(who_is_gone_when_the_tick_ends_is_shown_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
