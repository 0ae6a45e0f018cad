/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms, slots and owners at a gateway: what is attached where, what waits meanwhile, and whose
 * records are believed. Two shards at the other end, without a bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/questions.h"
#include "gateway/router.h"
#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)
#define ROOM SPAN("submission:s1")

struct world {
	struct fake_shards shards;
	struct fake_shard *a, *b; /* incarnations 100 and 101 */
	struct router *router;
	struct questions *questions;
	struct attendee *who;
	unsigned shown, pulls, answers;
	enum err answer;
	size_t answer_users;
	uint64_t version;
};

static void show(void *session, struct payload *p, bool droppable)
{
	(void)p, (void)droppable;
	((struct world *)session)->shown++;
}

static void welcomed(void *session)
{
	(void)session;
}

static void pull_view(void *owner)
{
	((struct world *)owner)->pulls++;
}

static void on_ways(void *owner, int64_t now_ns)
{
	struct world *w = owner;

	if (w->questions)
		questions_on_ways(w->questions, now_ns);
}

static void on_answer(void *owner, const struct message *m, int64_t now_ns)
{
	questions_on_answer(((struct world *)owner)->questions, m, now_ns);
}

static void on_answered(void *owner, enum err e, const struct roster *roster)
{
	struct world *w = owner;

	w->answers++;
	w->answer = e;
	w->answer_users = roster ? roster_users(roster) : 0;
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	fake_shards_init(&w->shards);
	w->a = &w->shards.of[0];
	w->b = &w->shards.of[1];
	w->router = router_new(&(struct router_setup){
		.self = {7},
		.name = "gateway-1",
		.bus = fake_bus(&w->shards),
		.heartbeat_ns = MS(100),
		.silence_ns = MS(600),
		.isolated_ns = MS(5000),
		.sink = {show, welcomed},
		.pull_view = pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = w,
	});
	w->questions = questions_new(w->router, 0);
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	if (w->who)
		router_leave(w->router, &w->who, MS(100000));
	questions_free(&w->questions);
	router_free(&w->router);
	fake_shards_fini(&w->shards);
	test_free(w);
	return 0;
}

static void put_shard(struct world *w, unsigned i, enum member_state state)
{
	struct view_member m = {.id = {100 + i}, .kind = MEMBER_SHARD, .state = state};

	snprintf(m.endpoint, sizeof m.endpoint, "fake:%u", i);
	router_put_member(w->router, &m);
}

/* Both shards live; the room's slot is owned by `owner` under `epoch`. */
static void view_says(struct world *w, uint64_t owner, uint64_t epoch, int64_t now_ns)
{
	router_view_begin(w->router);
	put_shard(w, 0, MEMBER_ACTIVE);
	put_shard(w, 1, MEMBER_ACTIVE);
	router_put_slot(w->router, slot_of(ROOM), (incarnation_id){owner}, epoch);
	router_view_end(w->router, ++w->version, now_ns);
	router_flush(w->router, now_ns);
}

static void enter(struct world *w, int64_t now_ns)
{
	const struct item_member m = {.session = 1, .conn_gen = 1, .user = SPAN("u1"), .fresh = 1};

	w->who = router_enter(w->router, ROOM, w, &m, now_ns);
	router_flush(w->router, now_ns);
}

static void cast(struct world *w, const char *body, int64_t now_ns)
{
	struct msg_cast m = {.body = span_str(body)};

	(void)!router_cast(w->who, &m, now_ns);
	router_flush(w->router, now_ns);
}

static void say_attached(struct fake_shard *s, uint64_t epoch, int64_t now_ns)
{
	message_put_attached(fake_out(s), &(struct msg_attached){.room = ROOM, .epoch = epoch});
	fake_say(s, now_ns);
}

static void say_welcomed(struct fake_shard *s, int64_t now_ns)
{
	struct buf items;

	buf_init(&items, 1024);
	item_put_member(&items,
			&(struct item_member){.session = 1, .conn_gen = 1, .user = SPAN("u1")});
	message_put_member_joined(
		fake_out(s),
		&(struct msg_member_joined){.room = ROOM, .relay = 1, .members = buf_span(&items)});
	message_put_welcomed(
		fake_out(s),
		&(struct msg_welcomed){.room = ROOM, .relay = 2, .count = 2, .session = 1});
	fake_say(s, now_ns);
	buf_fini(&items);
}

static void say_hold(struct fake_shard *s, uint64_t epoch, int64_t now_ns)
{
	struct buf slots;

	buf_init(&slots, 1024);
	item_put_grant(&slots, &(struct item_grant){.slot = slot_of(ROOM), .epoch = epoch});
	message_put_hold(fake_out(s), &(struct msg_hold){.move = 9, .slots = buf_span(&slots)});
	fake_say(s, now_ns);
	buf_fini(&slots);
}

static void say_moved(struct fake_shard *s, uint64_t owner, uint64_t epoch, int64_t now_ns)
{
	struct buf slots;
	char endpoint[] = "fake:?";

	endpoint[5] = (char)('0' + (owner - 100));
	buf_init(&slots, 1024);
	item_put_grant(&slots, &(struct item_grant){.slot = slot_of(ROOM), .epoch = epoch});
	message_put_moved(fake_out(s), &(struct msg_moved){.view = 50,
							   .owner = owner,
							   .endpoint = span_str(endpoint),
							   .slots = buf_span(&slots)});
	fake_say(s, now_ns);
	buf_fini(&slots);
}

static void say_not_owner(struct fake_shard *s, int64_t now_ns)
{
	message_put_not_owner(fake_out(s), &(struct msg_not_owner){.room = ROOM, .epoch = 1});
	fake_say(s, now_ns);
}

static void say_cast_out(struct fake_shard *s, int64_t now_ns)
{
	message_put_cast_out(
		fake_out(s),
		&(struct msg_cast_out){.room = ROOM, .relay = 9, .session = 5, .body = SPAN("{}")});
	fake_say(s, now_ns);
}

/* The room is attached at shard a under epoch 1, and its one client welcomed. */
static void room_is_attached(struct world *w)
{
	view_says(w, 100, 1, 0);
	enter(w, 0);
	say_attached(w->a, 1, 0);
	say_welcomed(w->a, 0);
	fake_skip(w->a);
	fake_skip(w->b);
	w->shown = 0;
}

static unsigned next_type(struct fake_shard *s)
{
	return fake_next(s).type;
}

static void expect_cast(struct fake_shard *s, const char *body)
{
	struct message m = fake_next(s);

	assert_int_equal(m.type, MESSAGE_CAST);
	assert_true(span_is(m.cast.body, body));
}

static void first_client_attaches_the_room_at_its_owner(void **state)
{
	struct world *w = *state;
	struct item_member who;
	view_says(w, 101, 4, 0);

	enter(w, 0);

	assert_int_equal(next_type(w->b), MESSAGE_HELLO);
	struct message m = fake_next(w->b);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.epoch, 4);
	assert_true(item_next_member(&m.attach.members, &who));
	assert_int_equal(who.fresh, 1);
	assert_int_equal(next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(next_type(w->a), 0);
}

static void room_without_an_owner_is_attached_once_there_is_one(void **state)
{
	struct world *w = *state;
	enter(w, 0);

	view_says(w, 100, 1, MS(10));

	assert_int_equal(next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(next_type(w->a), MESSAGE_ATTACH);
}

static void second_client_joins_over_the_same_link(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	const struct item_member m = {.session = 2, .conn_gen = 1, .user = SPAN("u2"), .fresh = 1};

	struct attendee *second = router_enter(w->router, ROOM, w, &m, 0);
	router_flush(w->router, 0);
	unsigned join = next_type(w->a);
	router_leave(w->router, &second, 0);
	router_flush(w->router, 0);

	assert_int_equal(join, MESSAGE_JOIN);
	assert_int_equal(next_type(w->a), MESSAGE_LEAVE);
	assert_int_equal(router_rooms(w->router), 1);
}

static void last_client_leaves_and_the_room_is_detached(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	router_leave(w->router, &w->who, 0);
	router_flush(w->router, 0);

	assert_int_equal(next_type(w->a), MESSAGE_LEAVE);
	struct message m = fake_next(w->a);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.members.len, 0);
	assert_int_equal(router_rooms(w->router), 0);
}

static void casts_wait_for_attached_and_keep_their_order(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	enter(w, 0);
	fake_skip(w->a);

	cast(w, "{1}", MS(1));
	cast(w, "{2}", MS(2));
	unsigned before = next_type(w->a);
	say_attached(w->a, 1, MS(3));
	router_flush(w->router, MS(3));
	cast(w, "{3}", MS(4));

	assert_int_equal(before, 0);
	expect_cast(w->a, "{1}");
	expect_cast(w->a, "{2}");
	expect_cast(w->a, "{3}");
}

static void casts_that_wait_longer_than_3_s_are_dropped(void **state)
{
	struct world *w = *state;
	enter(w, 0);
	cast(w, "{old}", 0);
	cast(w, "{new}", MS(2000));

	router_tick(w->router, MS(3100));
	view_says(w, 100, 1, MS(3100));
	say_attached(w->a, 1, MS(3100));
	router_flush(w->router, MS(3100));

	assert_int_equal(next_type(w->a), MESSAGE_HELLO);
	assert_int_equal(next_type(w->a), MESSAGE_ATTACH);
	expect_cast(w->a, "{new}");
	assert_int_equal(next_type(w->a), 0);
}

static void one_client_may_not_make_more_than_64_KiB_wait(void **state)
{
	struct world *w = *state;
	static char body[40 << 10];
	memset(body, 'x', sizeof body - 1);
	struct msg_cast m = {.body = span_str(body)};
	enter(w, 0);

	enum err first = router_cast(w->who, &m, 0);
	enum err second = router_cast(w->who, &m, 0);

	assert_int_equal(first, OK);
	assert_int_equal(second, ERR_OVERLOADED);
}

static void leave_while_unattached_is_said_after_attached(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	view_says(w, 101, 2, MS(1)); /* moved: attaching at b */
	fake_skip(w->b);

	router_leave(w->router, &w->who, MS(2));
	router_flush(w->router, MS(2));
	unsigned before = next_type(w->b);
	say_attached(w->b, 2, MS(3));
	router_flush(w->router, MS(3));

	assert_int_equal(before, 0);
	assert_int_equal(next_type(w->b), MESSAGE_LEAVE);
	assert_int_equal(router_rooms(w->router), 0);
}

static void moved_attaches_at_the_new_owner_at_once(void **state)
{
	struct world *w = *state;
	struct item_member who;
	room_is_attached(w);

	say_moved(w->a, 101, 2, MS(1));
	router_flush(w->router, MS(1));

	struct message m = fake_next(w->b);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.epoch, 2);
	assert_true(item_next_member(&m.attach.members, &who));
	assert_int_equal(who.fresh, 0);
	assert_int_equal(w->pulls, 1);
}

static void moved_to_a_shard_not_in_the_view_opens_a_link_to_it(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	say_moved(w->a, 102, 2, MS(1));
	router_flush(w->router, MS(1));

	struct fake_shard *c = &w->shards.of[2];
	assert_int_equal(next_type(c), MESSAGE_HELLO);
	assert_int_equal(next_type(c), MESSAGE_ATTACH);
}

static void listing_older_than_a_move_does_not_cut_the_new_owner(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	say_moved(w->a, 102, 2, MS(1));

	view_says(w, 100, 1, MS(2));

	assert_non_null(w->shards.of[2].link);
	assert_int_equal(w->shards.of[2].opened, 1);
}

static void records_of_the_old_owner_are_dropped(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	say_moved(w->a, 101, 2, MS(1));

	say_cast_out(w->a, MS(2));
	unsigned before_attached = w->shown;
	say_cast_out(w->b, MS(3));
	unsigned unattached = w->shown;
	say_attached(w->b, 2, MS(4));
	say_cast_out(w->b, MS(5));

	assert_int_equal(before_attached, 0);
	assert_int_equal(unattached, 0);
	assert_int_equal(w->shown, 1);
}

static void attached_under_an_old_epoch_is_not_believed(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 3, 0);
	enter(w, 0);

	say_attached(w->a, 2, MS(1));
	say_welcomed(w->a, MS(1));

	assert_int_equal(w->shown, 0);
}

static void hold_is_answered_and_nothing_follows_until_the_move(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	say_hold(w->a, 1, MS(1));
	cast(w, "{held}", MS(2));
	struct message held = fake_next(w->a);
	unsigned after = next_type(w->a);
	say_cast_out(w->a, MS(3)); /* the old owner still speaks */
	say_moved(w->a, 101, 2, MS(4));
	say_attached(w->b, 2, MS(5));
	router_flush(w->router, MS(5));

	assert_int_equal(held.type, MESSAGE_HELD);
	assert_int_equal(held.held.move, 9);
	assert_int_equal(after, 0);
	assert_int_equal(w->shown, 1);
	assert_int_equal(next_type(w->b), MESSAGE_ATTACH);
	expect_cast(w->b, "{held}");
}

static void hold_without_a_move_ends_after_3_s(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	say_hold(w->a, 1, MS(1));
	cast(w, "{held}", MS(1000));
	fake_skip(w->a);

	router_tick(w->router, MS(3010));
	router_flush(w->router, MS(3010));
	struct message m;
	do
		m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_CAST && m.type != MESSAGE_ATTACH);

	assert_int_not_equal(m.type, 0);
}

static void not_owner_is_asked_again_after_a_while_and_the_view_is_pulled(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	enter(w, 0);
	fake_skip(w->a);

	say_not_owner(w->a, MS(1));
	router_tick(w->router, MS(40));
	unsigned early = next_type(w->a);
	router_tick(w->router, MS(60));
	router_flush(w->router, MS(60));

	assert_int_equal(w->pulls, 1);
	assert_int_equal(early, 0);
	assert_int_equal(next_type(w->a), MESSAGE_ATTACH);
}

static void owner_that_keeps_refusing_is_asked_once_a_second_at_last(void **state)
{
	struct world *w = *state;
	unsigned attaches = 0;
	view_says(w, 100, 1, 0);
	enter(w, 0);
	fake_skip(w->a);

	for (int64_t t = 50; t <= 10000; t += 50) {
		router_tick(w->router, MS(t));
		if (next_type(w->a) != MESSAGE_ATTACH)
			continue;
		attaches++;
		say_not_owner(w->a, MS(t));
	}

	assert_in_range(attaches, 10, 16);
}

static void new_link_generation_attaches_the_rooms_again(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	for (int64_t t = 50; t <= 650; t += 50)
		router_tick(w->router, MS(t));
	router_flush(w->router, MS(650));

	assert_int_equal(w->a->opened, 2);
	fake_skip(w->b);
	struct message m;
	do
		m = fake_next(w->a);
	while (m.type && m.type != MESSAGE_ATTACH);
	assert_int_equal(m.type, MESSAGE_ATTACH);
}

static void dead_shard_loses_its_link_and_the_new_owner_gets_the_rooms(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	router_view_begin(w->router);
	put_shard(w, 0, MEMBER_DEAD);
	put_shard(w, 1, MEMBER_ACTIVE);
	router_put_slot(w->router, slot_of(ROOM), (incarnation_id){101}, 2);
	router_view_end(w->router, 9, MS(1));
	router_flush(w->router, MS(1));

	assert_null(w->a->link);
	assert_int_equal(next_type(w->b), MESSAGE_ATTACH);
	assert_int_equal(w->shown, 0);
}

static void view_that_says_what_is_attached_already_changes_nothing(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	enter(w, 0);
	say_attached(w->a, 2, 0); /* the shard knew of epoch 2 first */
	fake_skip(w->a);

	view_says(w, 100, 2, MS(1));

	assert_int_equal(next_type(w->a), 0);
}

static void solicit_is_answered_by_attach_or_done(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	message_put_solicit(fake_out(w->a), &(struct msg_solicit){.room = ROOM});
	message_put_solicit(fake_out(w->a),
			    &(struct msg_solicit){.room = SPAN("submission:other")});
	fake_say(w->a, MS(1));
	router_flush(w->router, MS(1));

	assert_int_equal(next_type(w->a), MESSAGE_ATTACH);
	struct message m = fake_next(w->a);
	assert_int_equal(m.type, MESSAGE_SOLICIT_DONE);
	assert_true(span_is(m.solicit_done.room, "submission:other"));
}

static void solicit_of_a_shard_that_is_not_the_owner_here_waits_for_the_view(void **state)
{
	struct world *w = *state;
	room_is_attached(w);

	message_put_solicit(fake_out(w->b), &(struct msg_solicit){.room = ROOM});
	fake_say(w->b, MS(1));
	router_flush(w->router, MS(1));
	unsigned before = next_type(w->b);
	view_says(w, 101, 2, MS(2));

	assert_int_equal(before, 0);
	assert_int_equal(w->pulls, 1);
	assert_int_equal(next_type(w->b), MESSAGE_ATTACH);
}

static void publish(struct world *w)
{
	questions_publish(w->questions, ROOM,
			  &(struct question_event){SPAN("broadcast"), SPAN("u1"), SPAN("{}")},
			  on_answered, w);
}

static void ack(struct world *w, struct fake_shard *s, const struct msg_publish *m, int64_t now_ns)
{
	message_put_ack(fake_out(s), &(struct msg_ack){m->room, m->producer, m->pseq, 1});
	fake_say(s, now_ns);
	router_flush(w->router, now_ns);
}

static struct msg_publish next_publish(struct fake_shard *s)
{
	struct message m = fake_next(s);

	while (m.type && m.type != MESSAGE_PUBLISH)
		m = fake_next(s);
	assert_int_equal(m.type, MESSAGE_PUBLISH);
	return m.publish;
}

static void publish_is_said_again_under_its_number_at_the_new_owner(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);

	say_moved(w->a, 101, 2, MS(1));
	router_flush(w->router, MS(1));
	struct msg_publish first = next_publish(w->a), second = next_publish(w->b);
	ack(w, w->b, &second, MS(2));

	assert_int_equal(first.pseq, second.pseq);
	assert_true(span_eq(first.producer, second.producer));
	assert_true(span_is(first.producer, "0000000000000007"));
	assert_true(span_is(second.actor, "u1"));
	assert_true(span_is(second.body, "{}"));
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, OK);
}

static void publish_refused_for_now_is_said_again_after_the_pause_it_was_told(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_refused(fake_out(w->a), &(struct msg_refused){first.room, first.producer,
								  first.pseq, ERR_OVERLOADED, 300});
	fake_say(w->a, MS(1));
	questions_tick(w->questions, MS(290));
	router_flush(w->router, MS(290));
	assert_int_equal(fake_next(w->a).type, 0);
	questions_tick(w->questions, MS(310));
	router_flush(w->router, MS(310));

	assert_int_equal(next_publish(w->a).pseq, first.pseq);
	assert_int_equal(w->answers, 0);
}

static void publish_refused_for_good_fails(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	message_put_refused(fake_out(w->a), &(struct msg_refused){first.room, first.producer,
								  first.pseq, ERR_DB_REFUSED, 0});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 1);
	assert_int_not_equal(w->answer, OK);
}

static void publish_without_an_answer_is_said_again_after_a_second(void **state)
{
	struct world *w = *state;
	view_says(w, 100, 1, 0);
	publish(w);
	router_flush(w->router, 0);
	struct msg_publish first = next_publish(w->a);

	questions_tick(w->questions, MS(900));
	router_flush(w->router, MS(900));
	assert_int_equal(fake_next(w->a).type, 0);
	questions_tick(w->questions, MS(1100));
	router_flush(w->router, MS(1100));

	assert_int_equal(next_publish(w->a).pseq, first.pseq);
}

/* The owner says HEAD, then the events of the text: "3 4". */
static void say_events(struct world *w, uint64_t head, uint64_t asked, const char *seqs)
{
	if (head != UINT64_MAX)
		message_put_head(fake_out(w->a), &(struct msg_head){ROOM, head, asked});
	for (; *seqs; seqs++)
		if (*seqs != ' ')
			message_put_event(fake_out(w->a),
					  &(struct msg_event){.room = ROOM,
							      .seq = (uint64_t)(*seqs - '0'),
							      .relay = (uint64_t)(*seqs - '0'),
							      .body = SPAN("{}")});
	fake_say(w->a, MS(1));
	router_flush(w->router, MS(1));
}

static void welcome(struct world *w)
{
	message_put_welcomed(fake_out(w->a),
			     &(struct msg_welcomed){.room = ROOM, .relay = 1, .session = 1});
	fake_say(w->a, MS(1));
	w->shown = 0;
}

static void events_are_shown_from_the_head_on_and_each_once(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4 3 4 5");

	assert_int_equal(w->shown, 3);
}

static void events_before_any_head_are_not_shown(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	welcome(w);

	say_events(w, UINT64_MAX, 0, "1");

	assert_int_equal(w->shown, 0);
}

static void event_after_a_gap_attaches_again_and_names_the_next_one(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 5");

	struct message m = fake_next(w->a);
	assert_int_equal(w->shown, 1);
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_int_equal(m.attach.next, 4);
}

static void answer_to_an_older_attach_does_not_turn_events_back(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4");
	say_events(w, 2, 3, "3 4 5");

	assert_int_equal(w->shown, 3);
}

static void head_below_what_was_shown_tells_that_the_database_lost_events(void **state)
{
	struct world *w = *state;
	room_is_attached(w);
	welcome(w);

	say_events(w, 2, 0, "3 4");
	say_events(w, 2, 5, "3");

	assert_int_equal(w->shown, 3);
}

static void inspect_answers_with_a_roster(void **state)
{
	struct world *w = *state;
	struct buf items;
	view_says(w, 100, 1, 0);
	questions_inspect(w->questions, ROOM, on_answered, w);
	buf_init(&items, 1024);
	item_put_member(&items, &(struct item_member){.session = 1, .user = SPAN("u1")});
	item_put_member(&items, &(struct item_member){.session = 2, .user = SPAN("u1")});
	item_put_member(&items, &(struct item_member){.session = 3, .user = SPAN("u2")});

	message_put_answer(fake_out(w->a),
			   &(struct msg_answer){.ask = 1, .members = buf_span(&items)});
	fake_say(w->a, MS(1));

	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer_users, 2);
	buf_fini(&items);
}

static void question_nobody_answers_ends_after_5_s(void **state)
{
	struct world *w = *state;
	questions_inspect(w->questions, ROOM, on_answered, w);

	questions_tick(w->questions, MS(4900));
	unsigned early = w->answers;
	questions_tick(w->questions, MS(5000));

	assert_int_equal(early, 0);
	assert_int_equal(w->answers, 1);
	assert_int_equal(w->answer, ERR_SHARD_AWAY);
}

static void forgotten_question_calls_nobody(void **state)
{
	struct world *w = *state;
	questions_inspect(w->questions, ROOM, on_answered, w);

	questions_forget(w->questions, w);
	questions_tick(w->questions, MS(6000));

	assert_int_equal(w->answers, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(first_client_attaches_the_room_at_its_owner),
		T(room_without_an_owner_is_attached_once_there_is_one),
		T(second_client_joins_over_the_same_link),
		T(last_client_leaves_and_the_room_is_detached),
		T(casts_wait_for_attached_and_keep_their_order),
		T(casts_that_wait_longer_than_3_s_are_dropped),
		T(one_client_may_not_make_more_than_64_KiB_wait),
		T(leave_while_unattached_is_said_after_attached),
		T(moved_attaches_at_the_new_owner_at_once),
		T(moved_to_a_shard_not_in_the_view_opens_a_link_to_it),
		T(listing_older_than_a_move_does_not_cut_the_new_owner),
		T(records_of_the_old_owner_are_dropped),
		T(attached_under_an_old_epoch_is_not_believed),
		T(hold_is_answered_and_nothing_follows_until_the_move),
		T(hold_without_a_move_ends_after_3_s),
		T(not_owner_is_asked_again_after_a_while_and_the_view_is_pulled),
		T(owner_that_keeps_refusing_is_asked_once_a_second_at_last),
		T(new_link_generation_attaches_the_rooms_again),
		T(dead_shard_loses_its_link_and_the_new_owner_gets_the_rooms),
		T(view_that_says_what_is_attached_already_changes_nothing),
		T(solicit_is_answered_by_attach_or_done),
		T(solicit_of_a_shard_that_is_not_the_owner_here_waits_for_the_view),
		T(publish_is_said_again_under_its_number_at_the_new_owner),
		T(publish_refused_for_now_is_said_again_after_the_pause_it_was_told),
		T(publish_refused_for_good_fails),
		T(publish_without_an_answer_is_said_again_after_a_second),
		T(events_are_shown_from_the_head_on_and_each_once),
		T(events_before_any_head_are_not_shown),
		T(event_after_a_gap_attaches_again_and_names_the_next_one),
		T(answer_to_an_older_attach_does_not_turn_events_back),
		T(head_below_what_was_shown_tells_that_the_database_lost_events),
		T(inspect_answers_with_a_roster),
		T(question_nobody_answers_ends_after_5_s),
		T(forgotten_question_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
