/* SPDX-License-Identifier: Apache-2.0 */
/* What each client of a room is shown, and in which order. A transcript line is
 * "A<-type(user)#number". All of it twice: the second time the copy of the roster is folded before
 * each thing that happens, and nobody sees a difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/audience.h"
#include "proto/bridge.h"

#define CLIENTS 8

struct client {
	struct world *world;
	char letter;
	struct attendee *attendee;
};

struct world {
	struct audience *audience;
	struct audience_shared shared;
	struct client clients[CLIENTS];
	char transcript[4096];
	struct payload *last;
	unsigned shown, payloads;
	size_t longest;
	int64_t now_ns;
};

/* The text after `"name":` up to the next comma, quote or brace. */
static void member_of(struct span text, const char *name, char out[64])
{
	char want[64];
	const char *all = (const char *)text.p;
	int want_len = snprintf(want, sizeof want, "\"%s\":", name);
	const char *at = memmem(all, text.len, want, (size_t)want_len);
	size_t len = 0;

	out[0] = '\0';
	if (!at)
		return;
	for (at += want_len; len < 63 && at < all + text.len; at++) {
		if (*at == ',' || *at == '}')
			break;
		if (*at != '"')
			out[len++] = *at;
	}
	out[len] = '\0';
}

static void show(void *session, struct payload *p, bool droppable)
{
	struct client *c = session;
	struct world *w = c->world;
	struct span text = payload_text(p);
	char type[64], user[64], seq[64], line[256];

	member_of(text, "type", type);
	member_of(text, "userId", user);
	member_of(text, "seq", seq);
	snprintf(line, sizeof line, "%c<-%s(%s)#%s%s ", c->letter, type, user, seq,
		 droppable ? "~" : "");
	if (strlen(w->transcript) + strlen(line) < sizeof w->transcript)
		strcat(w->transcript, line);
	w->shown++;
	w->payloads += p != w->last;
	w->last = p;
	w->longest = text.len > w->longest ? text.len : w->longest;
}

static void show_bundle(void *session, struct bundle *b)
{
	for (size_t i = 0; i < b->count; i++)
		show(session, b->each[i], true);
}

static void welcomed(void *session)
{
	(void)session;
}

static void kicked(void *session, struct span why)
{
	struct client *c = session;
	struct world *w = c->world;
	char line[64];

	snprintf(line, sizeof line, "%c<-kicked(%.*s) ", c->letter, SPAN_ARGS(why));
	strcat(w->transcript, line);
}

static bool is_folding;

static void rest(struct world *w)
{
	if (!is_folding)
		return;
	audience_fold(&w->shared); /* was used */
	audience_fold(&w->shared);
}

static int fold_from_now_on(void **state)
{
	(void)state;
	is_folding = true;
	return 0;
}

static const struct audience_sink sink = {show, show_bundle, welcomed, kicked};

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	audience_shared_init(&w->shared);
	w->audience = audience_new(ROOM_SUBMISSION, SPAN("s1"), &sink, &w->shared);
	for (unsigned i = 0; i < CLIENTS; i++)
		w->clients[i] = (struct client){w, (char)('A' + i), NULL};
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < CLIENTS; i++)
		if (w->clients[i].attendee)
			audience_remove(&w->clients[i].attendee);
	audience_free(&w->audience);
	test_free(w);
	return 0;
}

static struct item_member member(uint64_t session, const char *user)
{
	return (struct item_member){
		.session = session,
		.conn_gen = 1,
		.user = span_str(user),
		.name = span_str(user),
		.email = SPAN("x@example.org"),
		.since_ms = session,
	};
}

static struct client *here(struct world *w, char letter)
{
	return &w->clients[letter - 'A'];
}

/* Sessions of clients are numbered by their letter. */
static void enter(struct world *w, char letter, const char *user)
{
	struct item_member m = member((uint64_t)letter, user);
	struct entrant e = {{m.session}, 1, user_new(m.user, m.name, m.email), (int64_t)m.since_ms};

	rest(w);
	here(w, letter)->attendee = audience_add(w->audience, here(w, letter), &e);
	user_free(&e.user);
}

static void joined(struct world *w, uint64_t session, const char *user, uint64_t relay)
{
	struct item_member m = member(session, user);
	struct buf items;

	rest(w);
	buf_init(&items, 65536);
	item_put_member(&items, &m);
	audience_on_member_joined(
		w->audience,
		&(struct msg_member_joined){.relay = relay, .members = buf_span(&items)});
	buf_fini(&items);
}

static void left(struct world *w, uint64_t session, uint64_t relay)
{
	rest(w);
	audience_on_member_left(w->audience,
				&(struct msg_member_left){.relay = relay, .session = session});
}

static void welcome(struct world *w, char letter, uint64_t relay, uint64_t count)
{
	rest(w);
	audience_on_welcomed(w->audience, &(struct msg_welcomed){.relay = relay,
								 .count = count,
								 .session = (uint64_t)letter});
}

static void room_state(struct world *w, uint64_t relay)
{
	rest(w);
	audience_on_room_state(w->audience, &(struct msg_room_state){.relay = relay});
}

static void roster(struct world *w, bool covered, uint64_t relay, const struct item_member *members,
		   size_t count)
{
	struct buf items;

	rest(w);
	buf_init(&items, LINK_BATCH_MAX);
	for (size_t i = 0; i < count; i++)
		item_put_member(&items, &members[i]);
	audience_on_roster(w->audience, &(struct msg_roster){.covered = covered,
							     .relay = relay,
							     .members = buf_span(&items)});
	buf_fini(&items);
}

static void cast_out(struct world *w, uint64_t session, uint64_t relay, unsigned keep,
		     const char *body)
{
	rest(w);
	w->now_ns += 100 * NS_PER_MS; /* the room is quiet between two casts */
	audience_on_cast_out(w->audience,
			     &(struct msg_cast_out){.relay = relay,
						    .session = session,
						    .key = SPAN("typing"),
						    .keep = keep,
						    .body = span_str(body)},
			     w->now_ns);
}

static void expect(struct world *w, const char *transcript)
{
	size_t len = strlen(w->transcript);

	if (len)
		w->transcript[len - 1] = '\0';
	assert_string_equal(w->transcript, transcript);
	w->transcript[0] = '\0';
}

/* A of u1 is in the room and has been shown it. */
static void a_is_in(struct world *w)
{
	enter(w, 'A', "u1");
	joined(w, 'A', "u1", 1);
	welcome(w, 'A', 2, 2);
	w->transcript[0] = '\0';
}

static void joiner_is_shown_the_list_then_connected(void **state)
{
	struct world *w = *state;
	enter(w, 'A', "u1");

	joined(w, 'A', "u1", 1);
	welcome(w, 'A', 2, 2);
	room_state(w, 4);

	expect(w, "A<-room_state(system)#2 A<-connected(u1)#3");
	assert_int_equal(audience_relay(w->audience), 4);
}

static void others_are_shown_user_joined_and_one_list(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'B', "u2");

	joined(w, 'B', "u2", 5);
	welcome(w, 'B', 6, 2);
	room_state(w, 8);
	room_state(w, 9);

	expect(w, "A<-user_joined(u2)#5 B<-room_state(system)#6 B<-connected(u2)#7 "
		  "A<-room_state(system)#8");
}

static void second_tab_of_a_user_shows_no_user_joined(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'C', "u1");

	joined(w, 'C', "u1", 0);
	welcome(w, 'C', 5, 2);
	left(w, 'C', 0);

	expect(w, "C<-room_state(system)#5 C<-connected(u1)#6");
}

static void last_tab_of_a_user_shows_user_left(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	w->transcript[0] = '\0';

	left(w, 500, 6);
	room_state(w, 7);

	expect(w, "A<-user_left(u2)#6 A<-room_state(system)#7");
}

static void who_came_and_went_before_any_list_is_not_shown_to_leave(void **state)
{
	struct world *w = *state;
	a_is_in(w);

	joined(w, 99, "u9", 0);
	left(w, 99, 5);
	expect(w, "");

	joined(w, 99, "u9", 0);
	room_state(w, 6);
	left(w, 99, 7);
	expect(w, "A<-room_state(system)#6 A<-user_left(u9)#7");
}

static void unwelcomed_client_is_shown_nothing_of_the_room(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 0);

	joined(w, 500, "u3", 5);
	cast_out(w, 500, 6, 0, "{\"type\":\"typing_start\"}");
	room_state(w, 7);
	left(w, 500, 8);

	assert_null(strstr(w->transcript, "B<-"));
}

static void lost_client_is_shown_nothing_and_the_rest_go_on(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 5);
	welcome(w, 'B', 6, 2);
	w->transcript[0] = '\0';

	here(w, 'B')->attendee->deaf = true;
	cast_out(w, 500, 8, 0, "{\"type\":\"typing_start\"}");
	here(w, 'B')->attendee->leaving = true;
	left(w, 'B', 9);

	expect(w, "A<-typing_start()#8~ A<-user_left(u2)#9");
}

static void cast_goes_to_all_but_its_sender_in_one_payload(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 5);
	welcome(w, 'B', 6, 2);
	enter(w, 'C', "u3");
	joined(w, 'C', "u3", 8);
	welcome(w, 'C', 9, 2);
	w->transcript[0] = '\0';
	unsigned payloads = w->payloads;

	cast_out(w, 'A', 11, 0, "{\"type\":\"typing_start\",\"userId\":\"u1\"}");

	expect(w, "B<-typing_start(u1)#11~ C<-typing_start(u1)#11~");
	assert_int_equal(w->payloads, payloads + 1);
}

static void cast_of_the_application_reaches_everybody_and_is_never_dropped(void **state)
{
	struct world *w = *state;
	a_is_in(w);

	cast_out(w, 0, 5, 0, "{\"type\":\"comment_added\"}");

	expect(w, "A<-comment_added()#5");
}

static void late_joiner_is_shown_what_others_left(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u3", 5);
	cast_out(w, 500, 6, 1, "{\"type\":\"typing_start\",\"userId\":\"u3\"}");
	audience_keep(here(w, 'A')->attendee, SPAN("editing"), 1,
		      SPAN("{\"type\":\"editing_started\",\"userId\":\"u1\"}"));
	w->transcript[0] = '\0';
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 7);

	welcome(w, 'B', 8, 4);

	expect(w, "A<-user_joined(u2)#7 B<-room_state(system)#8 B<-connected(u2)#9 "
		  "B<-editing_started(u1)#10 B<-typing_start(u3)#11");
}

static void event_again(struct world *w, char letter, uint64_t relay)
{
	audience_on_event_again(w->audience, &(struct msg_event){
						     .relay = relay,
						     .seq = 1,
						     .session = (uint64_t)letter,
						     .shape = BODY_V0,
						     .body = SPAN("{\"type\":\"comment_added\"}"),
					     });
}

static void who_is_welcomed_twice_is_shown_the_room_and_what_he_missed_once(void **state)
{
	struct world *w = *state;
	enter(w, 'A', "u1");
	joined(w, 'A', "u1", 0);

	welcome(w, 'A', 1, 2);
	event_again(w, 'A', 3);
	welcome(w, 'A', 4, 2);
	event_again(w, 'A', 6);

	expect(w, "A<-room_state(system)#1 A<-connected(u1)#2 A<-comment_added()#3");
}

static void forgotten_state_is_not_shown_to_late_joiners(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u3", 5);
	cast_out(w, 500, 6, 1, "{\"type\":\"typing_start\"}");
	cast_out(w, 500, 7, 2, "{\"type\":\"typing_stop\"}");
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 8);
	w->transcript[0] = '\0';

	welcome(w, 'B', 9, 2);

	expect(w, "B<-room_state(system)#9 B<-connected(u2)#10");
}

static void attaching_again_with_the_same_people_shows_nothing(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	room_state(w, 6);
	w->transcript[0] = '\0';
	const struct item_member both[] = {member('A', "u1"), member(500, "u2")};

	audience_on_attached(w->audience, &(struct msg_attached){.relay = 6});
	roster(w, false, 7, both, 1);
	roster(w, true, 7, both, 2);

	expect(w, "");
}

static void uncovered_roster_takes_nobody_away(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	room_state(w, 6);
	const struct item_member me = member('A', "u1");
	w->transcript[0] = '\0';

	roster(w, false, 7, &me, 1);
	room_state(w, 8);

	expect(w, "");
}

/* After a crash: the new owner has not heard of u2's tab at another gateway. */
static void user_with_another_tab_elsewhere_neither_comes_nor_goes(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	const struct item_member me = member('A', "u1");
	w->transcript[0] = '\0';

	roster(w, false, 7, &me, 1);
	joined(w, 501, "u2", 8);
	left(w, 501, 9);

	expect(w, "");
	assert_int_equal(audience_relay(w->audience), 9);
}

/* After a crash: the new owner has not heard of the session's connection at another gateway. */
static void session_that_moves_does_not_join_again(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	struct item_member again = member(500, "u2");
	struct buf items;
	w->transcript[0] = '\0';

	again.conn_gen = 2;
	buf_init(&items, 65536);
	item_put_member(&items, &again);
	audience_on_member_joined(
		w->audience, &(struct msg_member_joined){.relay = 8, .members = buf_span(&items)});
	buf_fini(&items);

	expect(w, "");
	assert_int_equal(audience_relay(w->audience), 8);
}

/* The link of the session's gateway was cut on the way back when he was shown, and the room moved
 * before it heard of that. */
static void who_is_shown_already_does_not_join_again(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	w->transcript[0] = '\0';

	joined(w, 500, "u2", 8);

	expect(w, "");
	assert_int_equal(audience_relay(w->audience), 8);
}

/* u3 came by a roster that only adds. B's welcome lists him; A has seen neither that nor anything
 * else of him. Then his session moves, and its new owner takes it for his first. */
static void user_joined_is_shown_to_those_who_were_not_shown_him(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	const struct item_member more[] = {member('A', "u1"), member(500, "u3")};
	roster(w, false, 5, more, 2);
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 6);
	welcome(w, 'B', 7, 2);
	w->transcript[0] = '\0';

	joined(w, 500, "u3", 9);
	joined(w, 500, "u3", 10);

	expect(w, "A<-user_joined(u3)#9");
}

/* The other way round: who was shown him by his own welcome is shown that he leaves. */
static void user_left_is_shown_to_those_who_were_shown_him(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	const struct item_member more[] = {member('A', "u1"), member(500, "u3")};
	roster(w, false, 5, more, 2);
	enter(w, 'B', "u2");
	joined(w, 'B', "u2", 6);
	welcome(w, 'B', 7, 2);
	w->transcript[0] = '\0';

	left(w, 500, 9);

	expect(w, "B<-user_left(u3)#9");
}

static void covered_roster_that_differs_shows_one_list(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	joined(w, 500, "u2", 5);
	room_state(w, 6);
	const struct item_member me = member('A', "u1");
	w->transcript[0] = '\0';

	roster(w, true, 7, &me, 1);
	roster(w, true, 8, &me, 1);

	expect(w, "A<-room_state(system)#7");
}

static void joiner_of_a_room_of_300_is_shown_them_all(void **state)
{
	struct world *w = *state;
	char user[8];
	enter(w, 'A', "u1");
	joined(w, 'A', "u1", 1);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(user, sizeof user, "v%u", i);
		joined(w, 1000 + i, user, 2 + i);
	}

	welcome(w, 'A', 302, 2);

	expect(w, "A<-room_state(system)#302 A<-connected(u1)#303");
	assert_true(w->longest > (size_t)300 * 50);
}

static void nothing_is_rendered_when_nobody_listens(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	here(w, 'A')->attendee->deaf = true;
	unsigned shown = w->shown;

	cast_out(w, 500, 5, 0, "not even json: it must not be looked at");
	room_state(w, 6);

	assert_int_equal(w->shown, shown);
	assert_int_equal(audience_relay(w->audience), 6);
}

static void attach_names_everybody_and_marks_the_unwelcomed(void **state)
{
	struct world *w = *state;
	struct item_member m;
	struct item_kept k;
	struct buf items;
	a_is_in(w);
	audience_keep(here(w, 'A')->attendee, SPAN("typing"), 1, SPAN("{}"));
	enter(w, 'B', "u2");
	buf_init(&items, 65536);

	assert_true(audience_put_members(w->audience, true, &items));

	struct span rest = buf_span(&items);
	assert_true(item_next_member(&rest, &m));
	assert_int_equal(m.session, 'A');
	assert_int_equal(m.fresh, 0);
	assert_true(item_next_kept(&m.kept, &k));
	assert_true(span_is(k.key, "typing"));
	assert_true(item_next_member(&rest, &m));
	assert_int_equal(m.session, 'B');
	assert_int_equal(m.fresh, 1);
	assert_false(item_next_member(&rest, &m));
	buf_fini(&items);
}

static void kick_reaches_the_connections_of_its_user_that_are_here(void **state)
{
	struct world *w = *state;
	a_is_in(w);
	enter(w, 'B', "u2");
	enter(w, 'C', "u2");
	w->transcript[0] = '\0';

	audience_on_kicked(w->audience,
			   &(struct msg_kicked){.user = SPAN("u2"), .why = SPAN("spam")});
	audience_on_kicked(w->audience, &(struct msg_kicked){.session = 'A', .why = SPAN("you")});
	audience_on_kicked(w->audience, &(struct msg_kicked){.user = SPAN("u3")});

	assert_string_equal(w->transcript, "B<-kicked(spam) C<-kicked(spam) A<-kicked(you) ");
}

static void members_that_do_not_fit_are_cut_whole(void **state)
{
	struct world *w = *state;
	struct item_member m;
	struct buf items;
	unsigned count = 0;
	a_is_in(w);
	enter(w, 'B', "u2");
	enter(w, 'C', "u3");
	buf_init(&items, 80);

	bool whole = audience_put_members(w->audience, true, &items);

	assert_false(whole);
	for (struct span rest = buf_span(&items); item_next_member(&rest, &m);)
		count++;
	assert_in_range(count, 1, 2);
	buf_fini(&items);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(joiner_is_shown_the_list_then_connected),
		T(others_are_shown_user_joined_and_one_list),
		T(second_tab_of_a_user_shows_no_user_joined),
		T(last_tab_of_a_user_shows_user_left),
		T(who_came_and_went_before_any_list_is_not_shown_to_leave),
		T(unwelcomed_client_is_shown_nothing_of_the_room),
		T(lost_client_is_shown_nothing_and_the_rest_go_on),
		T(cast_goes_to_all_but_its_sender_in_one_payload),
		T(cast_of_the_application_reaches_everybody_and_is_never_dropped),
		T(late_joiner_is_shown_what_others_left),
		T(who_is_welcomed_twice_is_shown_the_room_and_what_he_missed_once),
		T(forgotten_state_is_not_shown_to_late_joiners),
		T(attaching_again_with_the_same_people_shows_nothing),
		T(uncovered_roster_takes_nobody_away),
		T(user_with_another_tab_elsewhere_neither_comes_nor_goes),
		T(session_that_moves_does_not_join_again),
		T(who_is_shown_already_does_not_join_again),
		T(user_joined_is_shown_to_those_who_were_not_shown_him),
		T(user_left_is_shown_to_those_who_were_shown_him),
		T(covered_roster_that_differs_shows_one_list),
		T(joiner_of_a_room_of_300_is_shown_them_all),
		T(nothing_is_rendered_when_nobody_listens),
		T(attach_names_everybody_and_marks_the_unwelcomed),
		T(kick_reaches_the_connections_of_its_user_that_are_here),
		T(members_that_do_not_fit_are_cut_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) +
	       cmocka_run_group_tests(tests, fold_from_now_on, NULL);
}
