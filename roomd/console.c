/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/console.h"

#include "common/log.h"
#include "common/loop.h"
#include "proto/slot.h"
#include "proto/view_text.h"
#include "roomd/survey.h"

#define ROOMS_DEFAULT 32

static admin_answer_fn put_view, put_rooms, drain, move, sleep_now;
static bool read_room(struct span query, struct buf *key);
static bool read_slot(struct span query, struct buf *key, unsigned *slot);

const struct admin_path console_paths[] = {
	{"GET", "/v1/view", put_view},    {"GET", "/v1/rooms", put_rooms},
	{"POST", "/v1/drain", drain},     {"POST", "/v1/move", move},
	{"POST", "/v1/sleep", sleep_now},
};
const size_t console_path_count = ARRAY_LEN(console_paths);

static enum err put_view(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;

	(void)query;
	view_put_json(membership_view(shard_membership(c->shard)), out);
	return OK;
}

/* ?sort=rate|connections|seq&limit=N */
static enum err put_rooms(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;
	enum survey_order order = SURVEY_BY_RATE;
	struct buf name;

	buf_init(&name, 16);
	bool named = request_param(query, "sort", &name) != ERR_NO_PATH;
	bool good = !named || survey_order_of(buf_span(&name), &order);
	buf_fini(&name);
	if (!good) {
		buf_put_str(out, "sort is rate, connections or seq");
		return ERR_BAD_FIELD;
	}
	survey_put(shard_rooms(c->shard), order,
		   admin_number(query, "limit", ROOMS_DEFAULT, SURVEY_MAX), loop_now_ns(c->loop),
		   out);
	return OK;
}

/* As SIGTERM. */
static enum err drain(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;

	(void)query;
	log_info("drain", kv_str("why", "an operator asked for it"));
	shard_drain(c->shard, loop_now_ns(c->loop));
	buf_put_str(out, "{\"draining\":true}");
	return OK;
}

/* ?room=KEY or ?slot=N, and &to=NAME of a shard */
static enum err move(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;
	unsigned slot = 0;
	struct buf key, to;

	buf_init(&key, ROOM_KEY_MAX);
	buf_init(&to, 64);
	enum err e = ERR_BAD_FIELD;
	if (!read_slot(query, &key, &slot) || request_param(query, "to", &to) != OK)
		buf_printf(out, "say room=KEY or slot=0..%u, and to=NAME of a shard", SLOTS - 1);
	else
		e = membership_move(shard_membership(c->shard), slot, buf_span(&to));
	if (e == ERR_NO_PEER)
		buf_put_str(out, "no active shard has that name; the view says which there are");
	else if (e == ERR_NOT_OWNER)
		buf_put_str(out, "ask the shard that owns it");
	else if (e == ERR_NO_CREDIT)
		buf_put_str(out, "it is on the move already; try again");
	else if (e == ERR_OVERLOADED)
		buf_put_str(out, "that shard has its share of slots and would give it back; move "
				 "another one away from it first");
	if (!e) {
		log_info("move", kv_u64("slot", slot), kv_span("to", buf_span(&to)));
		buf_printf(out, "{\"slot\":%u}", slot);
	}
	buf_fini(&key);
	buf_fini(&to);
	return e;
}

/* ?room=KEY */
static enum err sleep_now(void *owner, struct span query, struct buf *out)
{
	struct console *c = owner;
	struct room_set *rooms = shard_rooms(c->shard);
	struct room *r = NULL;
	struct buf key;

	buf_init(&key, ROOM_KEY_MAX);
	enum err e = read_room(query, &key) ? OK : ERR_BAD_FIELD;
	if (e)
		buf_put_str(out, "say room=submission:ID or room=document:ID");
	else if (!membership_owns(shard_membership(c->shard), slot_of(buf_span(&key))))
		e = ERR_NOT_OWNER;
	else
		r = room_set_find(rooms, buf_span(&key));
	if (r && !room_set_hibernates(rooms)) {
		buf_put_str(out, "rooms do not sleep here: room.hibernate is 0");
		e = ERR_BAD_METHOD;
	} else if (r) {
		room_rest_now(r, loop_now_ns(c->loop));
	}
	if (!e)
		buf_printf(out, "{\"was_awake\":%s}", r ? "true" : "false");
	buf_fini(&key);
	return e;
}

static bool read_room(struct span query, struct buf *key)
{
	enum room_kind kind;
	struct span id;

	return request_param(query, "room", key) == OK &&
	       room_key_read(buf_span(key), &kind, &id) == OK;
}

static bool read_slot(struct span query, struct buf *key, unsigned *slot)
{
	uint64_t number = admin_number(query, "slot", SLOTS, SLOTS - 1);
	struct buf zero;

	if (read_room(query, key)) {
		*slot = slot_of(buf_span(key));
		return true;
	}
	buf_init(&zero, 8);
	if (request_param(query, "slot", &zero) == OK && span_is(buf_span(&zero), "0"))
		number = 0;
	buf_fini(&zero);
	*slot = (unsigned)number;
	return number < SLOTS;
}
