/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/world.h"

static void show(void *session, struct payload *p, bool droppable)
{
	(void)p, (void)droppable;
	((struct world *)session)->shown++;
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

void world_on_answered(void *owner, const struct answer *a)
{
	struct world *w = owner;

	w->answers++;
	w->answer = a->err;
	w->answer_seq = a->seq;
	w->answer_users = a->roster ? roster_users(a->roster) : 0;
	w->answer_head = a->history ? a->history->head : 0;
	snprintf(w->answer_body, sizeof w->answer_body, "%.*s", SPAN_ARGS(a->body));
}

static int open_world(void **state, int64_t cork_ns)
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
		.cork_ns = cork_ns,
		.sink = {show, show_bundle, welcomed},
		.pull_view = pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = w,
	});
	w->questions = questions_new(w->router, 0);
	*state = w;
	return 0;
}

int world_open(void **state)
{
	return open_world(state, 0);
}

int world_open_corked(void **state)
{
	return open_world(state, MS(3) / 2);
}

int world_close(void **state)
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

void world_put_shard(struct world *w, unsigned i, enum member_state state)
{
	struct view_member m = {.id = {100 + i}, .kind = MEMBER_SHARD, .state = state};

	snprintf(m.endpoint, sizeof m.endpoint, "fake:%u", i);
	router_put_member(w->router, &m);
}

/* Both shards live; the room's slot is owned by `owner` under `epoch`. */
void world_view_says(struct world *w, uint64_t owner, uint64_t epoch, int64_t now_ns)
{
	router_view_begin(w->router);
	world_put_shard(w, 0, MEMBER_ACTIVE);
	world_put_shard(w, 1, MEMBER_ACTIVE);
	router_put_slot(w->router, slot_of(ROOM), (incarnation_id){owner}, epoch);
	router_view_end(w->router, ++w->version, now_ns);
	router_flush(w->router, now_ns);
}

struct attendee *world_let_in(struct world *w, uint64_t session, const char *user, int64_t now_ns)
{
	struct entrant e = {{session}, 1, user_new(span_str(user), SPAN_NONE, SPAN_NONE), 0};
	struct attendee *who = router_enter(w->router, ROOM, w, &e, now_ns);

	user_free(&e.user);
	return who;
}

void world_enter(struct world *w, int64_t now_ns)
{
	w->who = world_let_in(w, 1, "u1", now_ns);
	router_flush(w->router, now_ns);
}

void world_cast(struct world *w, const char *body, int64_t now_ns)
{
	struct msg_cast m = {.body = span_str(body)};

	(void)!router_cast(w->who, &m, now_ns);
	router_flush(w->router, now_ns);
}

void world_say_attached(struct fake_shard *s, uint64_t epoch, int64_t now_ns)
{
	message_put_attached(fake_out(s), &(struct msg_attached){.room = ROOM, .epoch = epoch});
	fake_say(s, now_ns);
}

void world_say_welcomed(struct fake_shard *s, int64_t now_ns)
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

void world_say_hold(struct fake_shard *s, uint64_t epoch, int64_t now_ns)
{
	struct buf slots;

	buf_init(&slots, 1024);
	item_put_grant(&slots, &(struct item_grant){.slot = slot_of(ROOM), .epoch = epoch});
	message_put_hold(fake_out(s), &(struct msg_hold){.move = 9, .slots = buf_span(&slots)});
	fake_say(s, now_ns);
	buf_fini(&slots);
}

void world_say_moved(struct fake_shard *s, uint64_t owner, uint64_t epoch, int64_t now_ns)
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

void world_say_not_owner(struct fake_shard *s, int64_t now_ns)
{
	message_put_not_owner(fake_out(s), &(struct msg_not_owner){.room = ROOM, .epoch = 1});
	fake_say(s, now_ns);
}

void world_say_cast_out(struct fake_shard *s, int64_t now_ns)
{
	message_put_cast_out(
		fake_out(s),
		&(struct msg_cast_out){.room = ROOM, .relay = 9, .session = 5, .body = SPAN("{}")});
	fake_say(s, now_ns);
}

/* The room is attached at shard a under epoch 1, and its one client welcomed. */
void world_room_is_attached(struct world *w)
{
	world_view_says(w, 100, 1, 0);
	world_enter(w, 0);
	world_say_attached(w->a, 1, 0);
	world_say_welcomed(w->a, 0);
	fake_skip(w->a);
	fake_skip(w->b);
	w->shown = 0;
}

unsigned world_next_type(struct fake_shard *s)
{
	return fake_next(s).type;
}

void world_expect_cast(struct fake_shard *s, const char *body)
{
	struct message m = fake_next(s);

	assert_int_equal(m.type, MESSAGE_CAST);
	assert_true(span_is(m.cast.body, body));
}
