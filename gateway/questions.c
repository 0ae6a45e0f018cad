/* SPDX-License-Identifier: Apache-2.0 */
/* A question stays here until it is answered; it is sent again whenever the way to the room's owner
 * is another than the one it went, and every second. A PUBLISH is said again under its own number,
 * so it is stored once however often that happens: the producer is this run of the gateway. */
#include "gateway/questions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/router.h"

#define PATIENCE_NS (5 * NS_PER_S)
#define RETRY_NS (100 * NS_PER_MS) /* after an owner said that it is none */
#define AGAIN_NS (1 * NS_PER_S)    /* without an answer */
#define QUESTIONS_MAX 4096
#define BODIES_MAX (64u << 20) /* bytes of all questions */

struct question {
	struct list node;
	uint64_t ask;
	question_fn *fn;
	void *owner;
	const struct link *link; /* the way it went; NULL: not sent */
	uint64_t generation;
	int64_t until_ns, retry_ns, sent_ns;
	bool inspect, refused;
	size_t key_len, type_len, actor_len, body_len;
	uint8_t bytes[]; /* room key, type, actor, body */
};

struct questions {
	struct router *router;
	char producer[24];
	struct map by_ask;
	struct list all; /* oldest first */
	uint64_t last_ask;
	size_t bytes;
	int64_t now_ns;
};

static void add(struct questions *, const struct question *blank, struct span key,
		const struct question_event *);
static size_t copy(struct question *, size_t at, struct span);
static void send(struct questions *, struct question *);
static void put_publish(const struct questions *, const struct question *, struct buf *);
static void on_answer(struct questions *, const struct msg_answer *);
static void on_refused(struct questions *, const struct msg_refused *);
static struct question *find_publish(const struct questions *, struct span producer, uint64_t pseq);
static void finish(struct questions *, struct question *, enum err, const struct roster *);
static void finish_inspect(struct questions *, struct question *, struct span members);
static struct span key_of(const struct question *);

struct questions *questions_new(struct router *router, int64_t now_ns)
{
	struct questions *q = mem_new(sizeof *q);

	q->router = router;
	snprintf(q->producer, sizeof q->producer, "%016" PRIx64, router_setup(router)->self.v);
	q->now_ns = now_ns;
	map_init(&q->by_ask);
	list_init(&q->all);
	return q;
}

void questions_free(struct questions **pq)
{
	struct questions *q = *pq;

	if (!q)
		return;
	*pq = NULL;
	LIST_EACH (&q->all, it, ahead)
		mem_free(container_of(it, struct question, node));
	map_fini(&q->by_ask);
	mem_free(q);
}

void questions_publish(struct questions *q, struct span room_key, const struct question_event *e,
		       question_fn *fn, void *owner)
{
	add(q, &(struct question){.fn = fn, .owner = owner}, room_key, e);
}

void questions_inspect(struct questions *q, struct span room_key, question_fn *fn, void *owner)
{
	add(q, &(struct question){.fn = fn, .owner = owner, .inspect = true}, room_key,
	    &(struct question_event){SPAN_NONE, SPAN_NONE, SPAN_NONE});
}

void questions_forget(struct questions *q, const void *owner)
{
	LIST_EACH (&q->all, it, ahead) {
		struct question *one = container_of(it, struct question, node);

		if (one->owner == owner)
			one->fn = NULL;
	}
}

void questions_on_ways(struct questions *q, int64_t now_ns)
{
	q->now_ns = now_ns;
	LIST_EACH (&q->all, it, ahead)
		send(q, container_of(it, struct question, node));
}

void questions_on_answer(struct questions *q, const struct message *m, int64_t now_ns)
{
	struct question *one;

	q->now_ns = now_ns;
	if (m->type == MESSAGE_ANSWER) {
		on_answer(q, &m->answer);
	} else if (m->type == MESSAGE_REFUSED) {
		on_refused(q, &m->refused);
	} else if (m->type == MESSAGE_ACK) {
		one = find_publish(q, m->ack.producer, m->ack.pseq);
		if (one)
			finish(q, one, OK, NULL);
	}
}

void questions_tick(struct questions *q, int64_t now_ns)
{
	q->now_ns = now_ns;
	LIST_EACH (&q->all, it, ahead) {
		struct question *one = container_of(it, struct question, node);

		if (one->refused)
			finish(q, one, ERR_OVERLOADED, NULL);
		else if (now_ns >= one->until_ns)
			finish(q, one, ERR_SHARD_AWAY, NULL);
		else if (now_ns >= one->retry_ns)
			send(q, one);
	}
}

static void add(struct questions *q, const struct question *blank, struct span key,
		const struct question_event *e)
{
	size_t len = e->type.len + e->actor.len + e->body.len;
	bool refused = q->by_ask.len >= QUESTIONS_MAX || q->bytes + len > BODIES_MAX;
	struct question *one = mem_new(sizeof *one + key.len + (refused ? 0 : len));

	*one = *blank;
	one->ask = ++q->last_ask;
	one->refused = refused; /* said at the next tick: never from inside this call */
	one->until_ns = q->now_ns + PATIENCE_NS;
	one->key_len = copy(one, 0, key);
	if (!refused) {
		one->type_len = copy(one, key.len, e->type);
		one->actor_len = copy(one, key.len + e->type.len, e->actor);
		one->body_len = copy(one, key.len + e->type.len + e->actor.len, e->body);
		q->bytes += len;
	}
	list_init(&one->node);
	list_add_last(&q->all, &one->node);
	map_add_u64(&q->by_ask, one->ask, one);
	metrics_add(METRIC_questions, 1);
	if (!refused)
		send(q, one);
}

static size_t copy(struct question *one, size_t at, struct span bytes)
{
	if (bytes.len)
		memcpy(one->bytes + at, bytes.p, bytes.len);
	return bytes.len;
}

/* Over the way of this moment, unless it went that way already; a PUBLISH: a moment ago. */
static void send(struct questions *q, struct question *one)
{
	struct link *way = router_way(q->router, key_of(one));
	bool is_fresh = one->link == way && way && one->generation == link_generation(way) &&
			(one->inspect || q->now_ns < one->sent_ns + AGAIN_NS);

	if (!way || one->refused || is_fresh)
		return;
	one->link = way;
	one->generation = link_generation(way);
	one->sent_ns = q->now_ns;
	if (one->inspect)
		message_put_inspect(link_out(way),
				    &(struct msg_inspect){.ask = one->ask, .room = key_of(one)});
	else
		put_publish(q, one, link_out(way));
}

static void put_publish(const struct questions *q, const struct question *one, struct buf *out)
{
	const uint8_t *type = one->bytes + one->key_len, *actor = type + one->type_len;

	message_put_publish(out, &(struct msg_publish){
					 .room = key_of(one),
					 .producer = span_str(q->producer),
					 .pseq = one->ask,
					 .type = span_of(type, one->type_len),
					 .actor = span_of(actor, one->actor_len),
					 .body = span_of(actor + one->actor_len, one->body_len),
				 });
}

static void on_answer(struct questions *q, const struct msg_answer *m)
{
	struct question *one = map_find_u64(&q->by_ask, m->ask);

	if (!one || !one->inspect)
		return;
	if (m->code == ERR_NOT_OWNER || m->code == ERR_SHARD_AWAY) {
		one->link = NULL;
		one->retry_ns = q->now_ns + RETRY_NS;
	} else if (m->code) {
		finish(q, one, ERR_SHARD_AWAY, NULL);
	} else {
		finish_inspect(q, one, m->members);
	}
}

/* What may be retried is, until our own patience ends. */
static void on_refused(struct questions *q, const struct msg_refused *m)
{
	struct question *one = find_publish(q, m->producer, m->pseq);
	int64_t wait_ns =
		m->retry_after_ms < 1000 ? (int64_t)m->retry_after_ms * NS_PER_MS : NS_PER_S;

	if (!one)
		return;
	if (m->code > INT32_MAX || !err_retryable((enum err)m->code)) {
		finish(q, one, ERR_DB_REFUSED, NULL);
		return;
	}
	one->link = NULL;
	one->retry_ns = q->now_ns + (wait_ns > RETRY_NS ? wait_ns : RETRY_NS);
}

static struct question *find_publish(const struct questions *q, struct span producer, uint64_t pseq)
{
	struct question *one =
		span_is(producer, q->producer) ? map_find_u64(&q->by_ask, pseq) : NULL;

	return one && !one->inspect ? one : NULL;
}

/* Unlinked first: the owner may ask again from inside its callback. */
static void finish(struct questions *q, struct question *one, enum err e,
		   const struct roster *roster)
{
	(void)map_remove_u64(&q->by_ask, one->ask);
	list_remove(&one->node);
	q->bytes -= one->type_len + one->actor_len + one->body_len;
	if (e)
		metrics_add(METRIC_questions_failed, 1);
	if (one->fn)
		one->fn(one->owner, e, roster);
	mem_free(one);
}

static void finish_inspect(struct questions *q, struct question *one, struct span members)
{
	struct item_member m;
	struct roster roster;
	bool first;

	roster_init(&roster);
	while (item_next_member(&members, &m))
		(void)roster_put(&roster, &m, (incarnation_id){0}, &first);
	finish(q, one, OK, &roster);
	roster_fini(&roster);
}

static struct span key_of(const struct question *one)
{
	return span_of(one->bytes, one->key_len);
}
