/* SPDX-License-Identifier: Apache-2.0 */
/* A question stays here until it is answered; it is sent again whenever the way to the room's owner
 * is another than the one it went. So an answer is never lost, but a BROADCAST may be said twice
 * when the owner died between showing and answering it. */
#include "gateway/questions.h"

#include <string.h>

#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/router.h"

#define PATIENCE_NS (5 * NS_PER_S)
#define RETRY_NS (100 * NS_PER_MS) /* after an owner said that it is none */
#define QUESTIONS_MAX 4096
#define BODIES_MAX (64u << 20) /* bytes of all questions */

struct question {
	struct list node;
	uint64_t ask;
	question_fn *fn;
	void *owner;
	const struct link *link; /* the way it went; NULL: not sent */
	uint64_t generation;
	int64_t until_ns, retry_ns;
	bool inspect, refused;
	size_t key_len, body_len;
	uint8_t bytes[]; /* room key, body */
};

struct questions {
	struct router *router;
	struct map by_ask;
	struct list all; /* oldest first */
	uint64_t last_ask;
	size_t bytes;
	int64_t now_ns;
};

static void add(struct questions *, bool inspect, struct span key, struct span body,
		struct question *blank);
static void send(struct questions *, struct question *);
static void finish(struct questions *, struct question *, enum err, const struct roster *);
static void finish_inspect(struct questions *, struct question *, struct span members);
static struct span key_of(const struct question *);

struct questions *questions_new(struct router *router, int64_t now_ns)
{
	struct questions *q = mem_new(sizeof *q);

	q->router = router;
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

void questions_broadcast(struct questions *q, struct span room_key, struct span body,
			 question_fn *fn, void *owner)
{
	add(q, false, room_key, body, &(struct question){.fn = fn, .owner = owner});
}

void questions_inspect(struct questions *q, struct span room_key, question_fn *fn, void *owner)
{
	add(q, true, room_key, SPAN_NONE, &(struct question){.fn = fn, .owner = owner});
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

void questions_on_answer(struct questions *q, const struct msg_answer *m, int64_t now_ns)
{
	struct question *one = map_find_u64(&q->by_ask, m->ask);

	q->now_ns = now_ns;
	if (!one)
		return;
	if (m->code == ERR_NOT_OWNER || m->code == ERR_SHARD_AWAY) {
		one->link = NULL;
		one->retry_ns = now_ns + RETRY_NS;
		return;
	}
	if (m->code)
		finish(q, one, ERR_SHARD_AWAY, NULL);
	else if (one->inspect)
		finish_inspect(q, one, m->members);
	else
		finish(q, one, OK, NULL);
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
		else if (!one->link && now_ns >= one->retry_ns)
			send(q, one);
	}
}

static void add(struct questions *q, bool inspect, struct span key, struct span body,
		struct question *blank)
{
	bool refused = q->by_ask.len >= QUESTIONS_MAX || q->bytes + body.len > BODIES_MAX;
	size_t body_len = refused ? 0 : body.len;
	struct question *one = mem_new(sizeof *one + key.len + body_len);

	*one = *blank;
	one->ask = ++q->last_ask;
	one->inspect = inspect;
	one->refused = refused; /* said at the next tick: never from inside this call */
	one->until_ns = q->now_ns + PATIENCE_NS;
	one->key_len = key.len;
	one->body_len = body_len;
	memcpy(one->bytes, key.p, key.len);
	if (body_len)
		memcpy(one->bytes + key.len, body.p, body_len);
	q->bytes += body_len;
	list_init(&one->node);
	list_add_last(&q->all, &one->node);
	map_add_u64(&q->by_ask, one->ask, one);
	metrics_add(METRIC_questions, 1);
	if (!refused)
		send(q, one);
}

/* Over the way of this moment, unless that is the one it went already. */
static void send(struct questions *q, struct question *one)
{
	struct link *way = router_way(q->router, key_of(one));

	if (!way || one->refused || (one->link == way && one->generation == link_generation(way)))
		return;
	one->link = way;
	one->generation = link_generation(way);
	if (one->inspect)
		message_put_inspect(link_out(way),
				    &(struct msg_inspect){.ask = one->ask, .room = key_of(one)});
	else
		message_put_broadcast(
			link_out(way),
			&(struct msg_broadcast){
				.ask = one->ask,
				.room = key_of(one),
				.body = span_of(one->bytes + one->key_len, one->body_len),
			});
}

/* Unlinked first: the owner may ask again from inside its callback. */
static void finish(struct questions *q, struct question *one, enum err e,
		   const struct roster *roster)
{
	(void)map_remove_u64(&q->by_ask, one->ask);
	list_remove(&one->node);
	q->bytes -= one->body_len;
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
