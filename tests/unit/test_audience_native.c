/* SPDX-License-Identifier: Apache-2.0 */
/* What native clients of a room are told of who is there, and what those are told who read too
 * slowly. A transcript line is "A<-type +joined -left ~changed". */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/audience.h"
#include "proto/bridge.h"

#define CLIENTS 3
#define LIST_USERS 1000

struct client {
	struct world *world;
	char letter;
	bool slow;
	struct attendee *attendee;
};

struct world {
	struct audience *audience;
	struct audience_shared shared;
	struct client clients[CLIENTS];
	char transcript[4096];
	int64_t now_ns;
};

/* Each user id in the list of this name. */
static void put_users(char *out, size_t size, struct span text, const char *list, char sign)
{
	char want[32];
	int want_len = snprintf(want, sizeof want, "\"%s\":[", list);
	const char *at = memmem(text.p, text.len, want, (size_t)want_len);
	const char *end =
		at ? memchr(at, ']', (size_t)((const char *)text.p + text.len - at)) : NULL;

	const char *mark = *list == 'l' ? "\"u" : "\"id\":\"u"; /* who has left is his id alone */
	size_t mark_len = strlen(mark);

	for (const char *p = at; p && p + mark_len < end; p++)
		if (!memcmp(p, mark, mark_len))
			snprintf(out + strlen(out), size - strlen(out), " %c%.2s", sign,
				 p + mark_len - 1);
}

static void show(void *session, struct payload *p, bool droppable)
{
	struct client *c = session;
	char line[256];
	struct span text = payload_text(p);

	(void)droppable;
	snprintf(line, sizeof line, "%c<-", c->letter);
	put_users(line, sizeof line, text, "joined", '+');
	put_users(line, sizeof line, text, "left", '-');
	put_users(line, sizeof line, text, "changed", '~');
	strcat(line, "; ");
	strcat(c->world->transcript, line);
}

static void welcomed(void *session)
{
	(void)session;
}

static void listed(void *session, const struct audience_list *list)
{
	(void)session, (void)list;
}

static bool keeps_up(void *session)
{
	return !((struct client *)session)->slow;
}

/* Of the others nothing here makes use. */
static const struct audience_sink sink = {
	.show = show,
	.welcomed = welcomed,
	.listed = listed,
	.keeps_up = keeps_up,
	.list_users = LIST_USERS,
};

static struct item_member member(uint64_t session, const char *user)
{
	return (struct item_member){
		.session = session,
		.conn_gen = 1,
		.user = span_str(user),
		.name = span_str(user),
	};
}

static void comes(struct world *w, uint64_t session, const char *user)
{
	struct item_member m = member(session, user);
	struct buf items;

	buf_init(&items, 65536);
	item_put_member(&items, &m);
	audience_on_member_joined(w->audience,
				  &(struct msg_member_joined){.members = buf_span(&items)});
	buf_fini(&items);
}

static void goes(struct world *w, uint64_t session)
{
	audience_on_member_left(w->audience, &(struct msg_member_left){.session = session});
}

static void sets(struct world *w, uint64_t session, const char *state)
{
	audience_on_cast_out(w->audience,
			     &(struct msg_cast_out){.session = session,
						    .key = SPAN(ROSTER_STATE_KEY),
						    .keep = 1,
						    .body = span_str(state),
						    .shape = BODY_DATA},
			     w->now_ns);
}

/* So much later that changes are told. */
static void tell(struct world *w)
{
	w->now_ns += 100 * NS_PER_MS;
	LIST_EACH (&w->shared.telling, it, ahead)
		audience_tell(audience_of_telling(it), w->now_ns);
}

/* A, B and C are users u1, u2 and u3, each told of the others, and of u4 at another gateway. */
static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	audience_shared_init(&w->shared);
	w->audience = audience_new(ROOM_SUBMISSION, SPAN("s1"), &sink, &w->shared);
	for (unsigned i = 0; i < CLIENTS; i++) {
		char user[3] = {'u', (char)('1' + i), 0};
		struct item_member m = member('A' + i, user);
		struct entrant e = {{m.session}, m.conn_gen, user_new(m.user, m.name, m.email), 0};

		w->clients[i] = (struct client){.world = w, .letter = (char)('A' + i)};
		w->clients[i].attendee = audience_add(w->audience, &w->clients[i], &e);
		user_free(&e.user);
		audience_set_native(w->clients[i].attendee);
		comes(w, 'A' + i, user);
		audience_on_welcomed(w->audience, &(struct msg_welcomed){.session = 'A' + i});
		audience_get_ready(w->clients[i].attendee);
	}
	comes(w, 400, "u4");
	tell(w);
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

static void reads_again(struct client *c)
{
	c->slow = false;
	audience_catch_up(c->attendee);
	tell(c->world);
}

static void slow_reader_is_told_once_of_what_has_become_of_all(void **state)
{
	struct world *w = *state;
	struct client *a = &w->clients[0];
	a->slow = true;

	comes(w, 500, "u5");
	tell(w);
	goes(w, 'B');
	sets(w, 400, "{\"k\":1}");
	tell(w);
	expect(w, "B<- +u5; C<- +u5; B<- -u2 ~u4; C<- -u2 ~u4; ");
	reads_again(a);

	expect(w, "A<- +u5 -u2 ~u4; ");
	comes(w, 600, "u6");
	tell(w);
	expect(w, "A<- +u6; B<- +u6; C<- +u6; ");
}

static void slow_reader_is_not_told_of_who_came_and_went(void **state)
{
	struct world *w = *state;
	struct client *a = &w->clients[0];
	a->slow = true;

	comes(w, 500, "u5");
	tell(w);
	goes(w, 500);
	tell(w);
	w->transcript[0] = '\0';
	reads_again(a);

	expect(w, "");
}

static void who_went_and_came_meanwhile_has_changed(void **state)
{
	struct world *w = *state;
	struct client *a = &w->clients[0];
	a->slow = true;

	goes(w, 'C');
	tell(w);
	comes(w, 700, "u3");
	tell(w);
	w->transcript[0] = '\0';
	reads_again(a);

	expect(w, "A<- ~u3; ");
}

/* What the others are told in the same moment is in what it is told itself. */
static void what_changes_as_it_catches_up_is_told_once(void **state)
{
	struct world *w = *state;
	struct client *a = &w->clients[0];
	a->slow = true;

	comes(w, 500, "u5");
	tell(w);
	w->transcript[0] = '\0';
	a->slow = false;
	goes(w, 500);
	comes(w, 600, "u6");
	audience_catch_up(a->attendee);
	tell(w);
	tell(w);

	expect(w, "B<- +u6 -u5; C<- +u6 -u5; A<- +u6; ");
}

static void list_makes_what_was_missed_worthless(void **state)
{
	struct world *w = *state;
	struct client *a = &w->clients[0];
	a->slow = true;

	comes(w, 500, "u5");
	tell(w);
	w->transcript[0] = '\0';
	a->attendee->listens = false; /* it joins again */
	audience_get_ready(a->attendee);
	tell(w);
	reads_again(a);

	expect(w, "");
	assert_null(a->attendee->missed);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(slow_reader_is_told_once_of_what_has_become_of_all),
		T(slow_reader_is_not_told_of_who_came_and_went),
		T(who_went_and_came_meanwhile_has_changed),
		T(what_changes_as_it_catches_up_is_told_once),
		T(list_makes_what_was_missed_worthless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
