/* SPDX-License-Identifier: Apache-2.0 */
/* Publishes: known by room, producer and number, and in order within their lane. */
#include <string.h>

#include "gateway/questions_inside.h"
#include "gateway/router.h"

static struct question *add_publish(struct questions *, struct span key,
				    const struct msg_publish *);
static struct lane *find_or_add_lane(struct questions *, struct span key, size_t room_len);
static void put_key(struct buf *, struct span room, struct span producer, uint64_t pseq);
static bool is_own(const struct questions *, const struct lane *);

void questions_publish(struct questions *q, struct span room_key, const struct question_event *e,
		       question_fn *fn, void *owner)
{
	bool is_named = e->producer.len > 0;
	const struct msg_publish m = {
		.room = room_key,
		.producer = is_named ? e->producer : span_str(q->producer),
		.pseq = is_named ? e->pseq : ++q->last_ask,
		.type = e->type,
		.actor = e->actor,
		.body = e->body,
		.name = e->name,
		.shape = e->shape,
		.field = e->field,
		.base = e->base,
	};
	struct buf key;

	buf_init(&key, QUESTION_HEAD_MAX);
	put_key(&key, room_key, m.producer, m.pseq);
	must(!key.over); /* a room key and a producer: whoever asks has checked their lengths */
	struct question *one = map_find(&q->by_publish, buf_span(&key));
	if (!one)
		one = add_publish(q, buf_span(&key), &m);
	questions_join(q, one, &(struct asker){.fn = fn, .owner = owner});
	buf_fini(&key);
}

struct question *questions_find_publish(const struct questions *q, const struct msg_ack *m)
{
	struct question *one = NULL;
	struct buf key;

	buf_init(&key, QUESTION_HEAD_MAX);
	put_key(&key, m->room, m->producer, m->pseq);
	if (!key.over)
		one = map_find(&q->by_publish, buf_span(&key));
	buf_fini(&key);
	return one;
}

void questions_on_refused(struct questions *q, const struct msg_refused *m)
{
	enum err e = m->code > INT32_MAX ? ERR_BAD_MESSAGE : (enum err)m->code;
	struct question *one =
		questions_find_publish(q, &(struct msg_ack){m->room, m->producer, m->pseq, m->seq});

	if (!one)
		return;
	if (!err_retryable(e)) {
		questions_finish(q, one,
				 &(struct answer){.err = e, .seq = m->seq, .body = m->body});
		return;
	}
	one->why = e;
	one->wait_ns = m->retry_after_ms < 1000 ? (int64_t)m->retry_after_ms * NS_PER_MS : NS_PER_S;
	if (one->wait_ns < QUESTION_RETRY_NS)
		one->wait_ns = QUESTION_RETRY_NS;
	lane_refuse(one->lane, &one->publish, q->now_ns + one->wait_ns);
}

void questions_say_lane(struct questions *q, struct lane *lane)
{
	lane_say(lane, router_way(q->router, lane->room), q->now_ns);
}

void questions_leave_lane(struct questions *q, struct question *one)
{
	struct lane *lane = one->lane;

	(void)map_remove(&q->by_publish, span_of(one->bytes, one->key_len));
	list_remove(&one->publish.of_lane);
	if (list_is_empty(&lane->publishes)) {
		(void)map_remove(&q->by_lane, lane_key(lane));
		lane_free(&lane);
	} else if (lane->is_blocked) {
		questions_say_lane(q, lane);
	}
}

/* Those after it in its lane: they are younger, so their turn comes within this tick. */
void questions_hold_back(struct questions *q, const struct question *one)
{
	if (is_own(q, one->lane))
		return;
	for (const struct list *it = one->publish.of_lane.next; it != &one->lane->publishes;
	     it = it->next) {
		struct question *next = container_of(it, struct question, publish.of_lane);

		LIST_EACH (&next->askers, of_next, ahead) {
			struct asker *a = container_of(of_next, struct asker, node);

			a->until_ns = q->now_ns;
			if (!a->late)
				a->late = ERR_OUT_OF_ORDER;
		}
	}
}

static struct question *add_publish(struct questions *q, struct span key,
				    const struct msg_publish *m)
{
	struct buf record;

	buf_init(&record, m->body.len + QUESTION_HEAD_MAX);
	message_put_publish(&record, m);
	must(!record.over);
	struct question *one = questions_add(q, key, &record);
	buf_fini(&record);
	map_add(&q->by_publish, span_of(one->bytes, one->key_len), one);
	one->publish.record = span_of(one->bytes + key.len, one->record_len);
	one->lane = find_or_add_lane(q, span_of(key.p, key.len - sizeof m->pseq), m->room.len);
	lane_add(one->lane, &one->publish, router_way(q->router, m->room), q->now_ns);
	return one;
}

static struct lane *find_or_add_lane(struct questions *q, struct span key, size_t room_len)
{
	struct lane *lane = map_find(&q->by_lane, key);

	if (lane)
		return lane;
	lane = lane_new(key, room_len);
	list_add_last(&q->lanes, &lane->node);
	map_add(&q->by_lane, lane_key(lane), lane);
	return lane;
}

/* Without its number it is the key of a lane. Rooms hold no NUL. */
static void put_key(struct buf *key, struct span room, struct span producer, uint64_t pseq)
{
	buf_put_span(key, room);
	buf_put_u8(key, 0);
	buf_put_span(key, producer);
	buf_put(key, &pseq, sizeof pseq);
}

static bool is_own(const struct questions *q, const struct lane *lane)
{
	return span_is(span_from(lane_key(lane), lane->room.len + 1), q->producer);
}
