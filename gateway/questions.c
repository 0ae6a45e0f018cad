/* SPDX-License-Identifier: Apache-2.0 */
/* A question is one record, kept until it is answered and said again whenever the way to the room's
 * owner is another than the one it went. A PUBLISH is known by its own number, so it is stored once
 * however often it is said; the others by the number of the question, and may be acted on twice. */
#include "gateway/questions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/questions_inside.h"
#include "gateway/router.h"

#define PATIENCE_NS (5 * NS_PER_S)
#define QUESTIONS_MAX 16384     /* counted by who waits for them */
#define RECORDS_MAX (64u << 20) /* bytes of all questions */

static void ask(struct questions *, struct span room, const struct buf *record,
		const struct asker *);
static void send(struct questions *, struct question *);
static void on_code(struct questions *, struct question *, uint64_t code);
static void on_roster(struct questions *, struct question *, const struct msg_answer *);
static void expire(struct questions *, struct question *);
static void tell(struct questions *, struct asker *, const struct answer *);
static void unmap(struct questions *, struct question *);
static void forget(struct questions *, struct question *);
static int64_t clock_of(const struct questions *);
static bool is_full(const struct questions *, size_t bytes);
static struct span key_of(const struct question *);

struct questions *questions_new(struct router *router, int64_t now_ns)
{
	struct questions *q = mem_new(sizeof *q);

	q->router = router;
	snprintf(q->producer, sizeof q->producer, "%016" PRIx64, router_setup(router)->self.v);
	q->now_ns = now_ns;
	map_init(&q->by_ask);
	map_init(&q->by_publish);
	map_init(&q->by_lane);
	list_init(&q->lanes);
	list_init(&q->all);
	return q;
}

void questions_free(struct questions **pq)
{
	struct questions *q = *pq;

	if (!q)
		return;
	*pq = NULL;
	LIST_EACH (&q->all, it, ahead) {
		struct question *one = container_of(it, struct question, node);

		LIST_EACH (&one->askers, of_one, ahead_of_one)
			mem_free(container_of(of_one, struct asker, node));
		unmap(q, one);
		forget(q, one);
	}
	map_fini(&q->by_ask);
	map_fini(&q->by_publish);
	map_fini(&q->by_lane);
	mem_free(q);
}

void questions_inspect(struct questions *q, struct span room_key, question_fn *fn, void *owner)
{
	struct buf record;

	buf_init(&record, QUESTION_HEAD_MAX);
	message_put_inspect(&record, &(struct msg_inspect){++q->last_ask, room_key});
	ask(q, room_key, &record, &(struct asker){.fn = fn, .owner = owner});
	buf_fini(&record);
}

void questions_read(struct questions *q, const struct msg_read *m, question_fn *fn, void *owner)
{
	struct msg_read mine = *m;
	struct buf record;

	mine.ask = ++q->last_ask;
	buf_init(&record, m->types.len + QUESTION_HEAD_MAX);
	message_put_read(&record, &mine);
	ask(q, m->room, &record, &(struct asker){.fn = fn, .owner = owner});
	buf_fini(&record);
}

void questions_kick(struct questions *q, const struct msg_kick *m, question_fn *fn, void *owner)
{
	struct msg_kick mine = *m;
	struct buf record;

	mine.ask = ++q->last_ask;
	buf_init(&record, m->why.len + QUESTION_HEAD_MAX);
	message_put_kick(&record, &mine);
	ask(q, m->room, &record, &(struct asker){.fn = fn, .owner = owner});
	buf_fini(&record);
}

void questions_forget(struct questions *q, const void *owner)
{
	LIST_EACH (&q->all, it, ahead) {
		struct question *one = container_of(it, struct question, node);

		LIST_EACH (&one->askers, of_one, ahead_of_one) {
			struct asker *a = container_of(of_one, struct asker, node);

			if (a->owner == owner)
				a->fn = NULL;
		}
	}
}

void questions_on_ways(struct questions *q, int64_t now_ns)
{
	q->now_ns = now_ns;
	LIST_EACH (&q->all, it, ahead)
		send(q, container_of(it, struct question, node));
	LIST_EACH (&q->lanes, it, ahead)
		questions_say_lane(q, container_of(it, struct lane, node));
}

void questions_on_answer(struct questions *q, const struct message *m, int64_t now_ns)
{
	struct question *one = NULL;

	q->now_ns = now_ns;
	if (m->type == MESSAGE_REFUSED) {
		questions_on_refused(q, &m->refused);
	} else if (m->type == MESSAGE_ACK) {
		one = questions_find_publish(q, &m->ack);
		if (one)
			questions_finish(q, one, &(struct answer){.seq = m->ack.seq});
	} else if (m->type == MESSAGE_ANSWER) {
		one = map_find_u64(&q->by_ask, m->answer.ask);
		if (one && m->answer.code)
			on_code(q, one, m->answer.code);
		else if (one)
			on_roster(q, one, &m->answer);
	} else if (m->type == MESSAGE_HISTORY) {
		one = map_find_u64(&q->by_ask, m->history.ask);
		if (one && m->history.code)
			on_code(q, one, m->history.code);
		else if (one)
			questions_finish(q, one, &(struct answer){.history = &m->history});
	}
}

bool questions_is_calm(const struct questions *q)
{
	return list_is_empty(&q->all) && list_is_empty(&q->lanes);
}

void questions_tick(struct questions *q, int64_t now_ns)
{
	q->now_ns = now_ns;
	LIST_EACH (&q->all, it, ahead) {
		struct question *one = container_of(it, struct question, node);

		send(q, one);
		expire(q, one);
	}
	LIST_EACH (&q->lanes, it, ahead)
		questions_say_lane(q, container_of(it, struct lane, node));
}

/* `record` bears the number last_ask. */
static void ask(struct questions *q, struct span room, const struct buf *record,
		const struct asker *asker)
{
	must(!record->over);
	struct question *one = questions_add(q, room, record);

	one->ask = q->last_ask;
	map_add_u64(&q->by_ask, one->ask, one);
	questions_join(q, one, asker);
	send(q, one);
}

/* One too many stays without its record, for its asker to be told so. */
struct question *questions_add(struct questions *q, struct span key, const struct buf *record)
{
	size_t len = is_full(q, record->len) ? 0 : record->len;
	struct question *one = mem_new(sizeof *one + key.len + len);

	one->asked_ns = clock_of(q);
	one->key_len = key.len;
	one->record_len = len;
	memcpy(one->bytes, key.p, key.len);
	if (len)
		memcpy(one->bytes + key.len, record->p, len);
	q->bytes += len;
	list_init(&one->node);
	list_add_last(&q->all, &one->node);
	list_init(&one->askers);
	return one;
}

/* Who cannot be taken is told at the next tick: never from inside this call. */
void questions_join(struct questions *q, struct question *one, const struct asker *asker)
{
	bool refused = one->record_len == 0 || is_full(q, 0);
	struct asker *a = mem_new(sizeof *a);

	*a = *asker;
	a->until_ns = refused ? q->now_ns : q->now_ns + PATIENCE_NS;
	a->late = refused ? ERR_OVERLOADED : OK;
	list_init(&a->node);
	list_add_last(&one->askers, &a->node);
	q->asked++;
	metrics_add(METRIC_questions, 1);
}

/* Over the way of this moment, unless it went that way already, or goes with its lane. */
static void send(struct questions *q, struct question *one)
{
	if (one->lane || !one->record_len || q->now_ns < one->retry_ns)
		return;
	struct link *way = router_way(q->router, key_of(one));
	if (!way || (one->link == way && one->generation == link_generation(way)))
		return;
	one->link = way;
	one->generation = link_generation(way);
	buf_put(link_out(way), one->bytes + one->key_len, one->record_len);
}

/* What may be retried is, until the patience of who asked ends. */
static void on_code(struct questions *q, struct question *one, uint64_t code)
{
	enum err e = code > INT32_MAX ? ERR_BAD_MESSAGE : (enum err)code;

	if (!err_retryable(e)) {
		questions_finish(q, one, &(struct answer){.err = e});
		return;
	}
	one->why = e;
	one->link = NULL;
	one->retry_ns = q->now_ns + QUESTION_RETRY_NS;
}

static void on_roster(struct questions *q, struct question *one, const struct msg_answer *a)
{
	struct span members = a->members;
	struct item_member m;
	struct roster roster;
	bool first;

	roster_init(&roster);
	while (item_next_member(&members, &m))
		(void)roster_put(&roster, &m, (incarnation_id){0}, &first);
	questions_finish(
		q, one,
		&(struct answer){.roster = &roster, .is_awake = a->awake, .count = a->count});
	roster_fini(&roster);
}

static void expire(struct questions *q, struct question *one)
{
	enum err known = one->why && one->why != ERR_NOT_OWNER ? one->why : ERR_SHARD_AWAY;

	LIST_EACH (&one->askers, it, ahead) {
		struct asker *a = container_of(it, struct asker, node);

		if (q->now_ns >= a->until_ns)
			tell(q, a,
			     &(struct answer){.err = a->late ? a->late : known,
					      .retry_after_ns =
						      one->wait_ns ? one->wait_ns : NS_PER_S});
	}
	if (!list_is_empty(&one->askers))
		return;
	if (one->lane)
		questions_hold_back(q, one);
	unmap(q, one);
	forget(q, one);
}

/* Out of the maps first: who is told may ask again, or forget what else it has asked. */
void questions_finish(struct questions *q, struct question *one, const struct answer *answer)
{
	if (!answer->err)
		metrics_observe_ns(one->lane ? METRIC_publish : METRIC_question,
				   clock_of(q) - one->asked_ns);
	unmap(q, one);
	while (!list_is_empty(&one->askers))
		tell(q, container_of(one->askers.next, struct asker, node), answer);
	forget(q, one);
}

static void tell(struct questions *q, struct asker *a, const struct answer *answer)
{
	list_remove(&a->node);
	q->asked--;
	if (answer->err)
		metrics_add(METRIC_questions_failed, 1);
	if (a->fn)
		a->fn(a->owner, answer);
	mem_free(a);
}

static void unmap(struct questions *q, struct question *one)
{
	if (one->lane)
		questions_leave_lane(q, one);
	else
		(void)map_remove_u64(&q->by_ask, one->ask);
}

static void forget(struct questions *q, struct question *one)
{
	list_remove(&one->node);
	q->bytes -= one->record_len;
	mem_free(one);
}

/* now_ns is that of the last tick. */
static int64_t clock_of(const struct questions *q)
{
	int64_t (*clock_ns)(void) = router_setup(q->router)->clock_ns;

	return clock_ns ? clock_ns() : q->now_ns;
}

static bool is_full(const struct questions *q, size_t bytes)
{
	return q->asked >= QUESTIONS_MAX || q->bytes + bytes > RECORDS_MAX;
}

static struct span key_of(const struct question *one)
{
	return span_of(one->bytes, one->key_len);
}
