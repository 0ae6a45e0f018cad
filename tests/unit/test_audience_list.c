/* SPDX-License-Identifier: Apache-2.0 */
/* Large rooms: the list of who is there comes in pages, and above presence.list not at all. Two
 * native clients are here, A and B; everybody else is at another gateway. A transcript line is
 * "A<-joined members/count", or "A<-+named/count" of a presence message, count 0 when it has none.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/audience.h"

#define LIST_USERS 1000
#define PAGE_USERS 200
#define CLIENTS 2

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
	char transcript[1024];
	uint64_t last; /* session of who came last */
	int64_t now_ns;
};

static unsigned occurrences(struct span text, const char *of)
{
	const uint8_t *p = text.p, *end = text.p + text.len;
	unsigned count = 0;

	while (p && (p = memmem(p, (size_t)(end - p), of, strlen(of)))) {
		p += strlen(of);
		count++;
	}
	return count;
}

static unsigned count_in(struct span text)
{
	const uint8_t *p = memmem(text.p, text.len, "\"count\":", 8);
	unsigned count = 0;

	for (p = p ? p + 8 : NULL; p && p < text.p + text.len && *p >= '0' && *p <= '9'; p++)
		count = 10 * count + *p - '0';
	return count;
}

static void note(struct client *c, const char *what, unsigned named, size_t count)
{
	size_t len = strlen(c->world->transcript);

	snprintf(c->world->transcript + len, sizeof c->world->transcript - len, "%c<-%s%u/%zu ",
		 c->letter, what, named, count);
}

static void show(void *session, struct payload *p, bool droppable)
{
	assert_false(droppable);
	note(session, "+", occurrences(payload_text(p), "\"email\":"), count_in(payload_text(p)));
}

static void welcomed(void *session)
{
	(void)session;
}

static void listed(void *session, const struct audience_list *list)
{
	assert_int_equal(list->is_unlisted, list->users > 0 && list->members.len == 0);
	note(session, "joined ", occurrences(list->members, "\"email\":"), list->users);
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

static void comes(struct world *w, uint64_t session)
{
	struct item_member m = {.session = session, .conn_gen = 1};
	struct buf items;
	char user[24];

	snprintf(user, sizeof user, "u%" PRIu64, session);
	m.user = m.name = span_str(user);
	buf_init(&items, 65536);
	item_put_member(&items, &m);
	audience_on_member_joined(w->audience,
				  &(struct msg_member_joined){.members = buf_span(&items)});
	buf_fini(&items);
}

static void come(struct world *w, unsigned count)
{
	while (count--)
		comes(w, ++w->last);
}

static void go(struct world *w, unsigned count)
{
	while (count--)
		audience_on_member_left(w->audience,
					&(struct msg_member_left){.session = w->last--});
}

static void enter(struct world *w, char letter)
{
	struct client *c = &w->clients[letter - 'A'];
	char user[] = {letter, 0};
	struct entrant e = {{(uint64_t)letter << 32},
			    1,
			    user_new(span_str(user), span_str(user), SPAN_NONE),
			    0};

	*c = (struct client){.world = w, .letter = letter};
	c->attendee = audience_add(w->audience, c, &e);
	user_free(&e.user);
	audience_set_native(c->attendee);
	audience_on_welcomed(w->audience, &(struct msg_welcomed){.session = c->attendee->id.v});
	audience_get_ready(c->attendee);
}

/* So much later that changes are told. */
static void tell(struct world *w)
{
	w->now_ns += NS_PER_S;
	LIST_EACH (&w->shared.telling, it, ahead)
		audience_tell(audience_of_telling(it), w->now_ns);
}

static void expect(struct world *w, const char *transcript)
{
	assert_string_equal(w->transcript, transcript);
	w->transcript[0] = '\0';
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	audience_shared_init(&w->shared);
	w->audience = audience_new(ROOM_SUBMISSION, SPAN("s1"), &sink, &w->shared);
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

static void list_of_one_page_is_in_joined(void **state)
{
	struct world *w = *state;
	come(w, PAGE_USERS);

	enter(w, 'A');
	tell(w);

	expect(w, "A<-joined 200/200 ");
}

static void longer_list_follows_in_pages_to_all_who_come_in_together(void **state)
{
	struct world *w = *state;
	come(w, 2 * PAGE_USERS + 1);

	enter(w, 'A');
	enter(w, 'B');
	tell(w);

	expect(w, "A<-joined 200/401 A<-+200/0 A<-+1/0 B<-joined 200/401 B<-+200/0 B<-+1/0 ");
}

static void each_is_told_once_of_who_comes_later(void **state)
{
	struct world *w = *state;
	enter(w, 'A');
	tell(w);
	come(w, PAGE_USERS);
	enter(w, 'B');

	tell(w);

	expect(w, "A<-joined 0/0 A<-+200/0 B<-joined 200/200 ");
}

static void room_that_grows_too_large_is_counted_from_then_on(void **state)
{
	struct world *w = *state;
	come(w, LIST_USERS);
	enter(w, 'A');
	tell(w);
	expect(w, "A<-joined 200/1000 A<-+200/0 A<-+200/0 A<-+200/0 A<-+200/0 ");

	come(w, 1);
	tell(w);
	come(w, 2);
	tell(w);
	enter(w, 'B');
	tell(w);

	expect(w, "A<-+0/1001 A<-+0/1003 B<-joined 0/1003 ");
}

static void who_comes_and_goes_in_a_counted_room_is_no_news(void **state)
{
	struct world *w = *state;
	come(w, LIST_USERS + 1);
	enter(w, 'A');
	tell(w);
	expect(w, "A<-joined 0/1001 ");

	come(w, 1);
	go(w, 1);
	tell(w);

	expect(w, "");
}

static void counted_room_is_listed_again_when_a_quarter_has_left(void **state)
{
	struct world *w = *state;
	come(w, LIST_USERS + 1);
	enter(w, 'A');
	tell(w);
	expect(w, "A<-joined 0/1001 ");

	go(w, LIST_USERS / 4);
	tell(w);
	go(w, 1);
	tell(w);

	expect(w, "A<-+0/751 A<-+200/0 A<-+200/0 A<-+200/0 A<-+150/0 ");
}

static void slow_reader_of_a_counted_room_is_told_the_last_number(void **state)
{
	struct world *w = *state;
	come(w, LIST_USERS + 1);
	enter(w, 'A');
	tell(w);
	expect(w, "A<-joined 0/1001 ");
	w->clients[0].slow = true;

	come(w, 1);
	tell(w);
	come(w, 1);
	tell(w);
	expect(w, "");
	w->clients[0].slow = false;
	audience_catch_up(w->clients[0].attendee);
	tell(w);

	expect(w, "A<-+0/1003 ");
}

static void slow_reader_is_told_that_the_room_is_counted(void **state)
{
	struct world *w = *state;
	come(w, 1);
	enter(w, 'A');
	tell(w);
	w->clients[0].slow = true;
	come(w, 1);
	tell(w);
	expect(w, "A<-joined 1/1 ");

	come(w, LIST_USERS);
	tell(w);
	w->clients[0].slow = false;
	audience_catch_up(w->clients[0].attendee);
	tell(w);

	expect(w, "A<-+0/1002 ");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(list_of_one_page_is_in_joined),
		T(longer_list_follows_in_pages_to_all_who_come_in_together),
		T(each_is_told_once_of_who_comes_later),
		T(room_that_grows_too_large_is_counted_from_then_on),
		T(who_comes_and_goes_in_a_counted_room_is_no_news),
		T(counted_room_is_listed_again_when_a_quarter_has_left),
		T(slow_reader_of_a_counted_room_is_told_the_last_number),
		T(slow_reader_is_told_that_the_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
