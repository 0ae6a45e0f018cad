/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/publisher.h"

#include <string.h>

#include "common/mem.h"
#include "gateway/gateway.h"
#include "gateway/native.h"
#include "gateway/questions.h"
#include "gateway/telling.h"

struct publish {
	struct list node;
	uint64_t n, base;
	size_t type_len, field_len, body_len;
	uint8_t bytes[]; /* type, field, body */
};

static enum err check(const struct native_visit *, const struct frame *);
static bool fits(const struct publisher *, size_t len);
static bool is_waiting(const struct publisher *, uint64_t n);
static void add(struct publisher *, const struct frame *);
static size_t copy(struct publish *, size_t at, struct span);
static void send_first(struct native_visit *);
static void on_answer(void *owner, const struct answer *);
static void refuse_rest(struct native_visit *);
static void drop_first(struct publisher *);
static struct publish *first_of(const struct publisher *);
static void say_ack(struct native_visit *, uint64_t n, uint64_t seq);
static void say_refused(struct native_visit *, uint64_t n, const struct answer *);

void publisher_init(struct publisher *p)
{
	list_init(&p->waiting);
}

void publisher_fini(struct publisher *p)
{
	while (p->count > 0)
		drop_first(p);
	debts_clear(&p->debts);
}

void publisher_forgive(struct publisher *p)
{
	debts_clear(&p->debts);
}

enum err publisher_take(struct native_visit *v, const struct frame *f)
{
	struct publisher *p = &v->publisher;
	uint64_t retry_after_ms = 0;
	enum err e;

	if (is_waiting(p, f->n))
		return OK; /* its answer is on the way */
	e = check(v, f);
	if (!e) {
		retry_after_ms = visit_admit(&v->visit, f->publish.data.len, SPAN_NONE);
		e = retry_after_ms ? ERR_TOO_FAST : OK;
	}
	if (e)
		return publisher_refuse(v, f->n, e, retry_after_ms);
	debts_settle_up_to(&p->debts, f->n);
	add(p, f);
	if (p->count == 1)
		send_first(v);
	return OK;
}

enum err publisher_refuse(struct native_visit *v, uint64_t n, enum err why, uint64_t retry_after_ms)
{
	struct publisher *p = &v->publisher;

	if (is_waiting(p, n))
		return OK; /* what was said of it first counts */
	if (err_retryable(why) && !debts_add(&p->debts, n))
		return ERR_TOO_FAST;
	if (!err_retryable(why))
		debts_settle(&p->debts, n);
	say_refused(v, n,
		    &(struct answer){.err = why,
				     .retry_after_ns = (int64_t)retry_after_ms * NS_PER_MS});
	return OK;
}

static enum err check(const struct native_visit *v, const struct frame *f)
{
	const struct publisher *p = &v->publisher;
	const struct native *native = native_of(v->visit.session);

	if (visit_is_viewer(&v->visit))
		return ERR_READ_ONLY;
	if (native->last_n && f->n > native->last_n + PENDING_PER_CONNECTION)
		return ERR_OUT_OF_ORDER;
	if (debts_forbid(&p->debts, f->n))
		return ERR_OUT_OF_ORDER;
	return fits(p, f->publish.data.len) ? OK : ERR_OVERLOADED;
}

/* One that is larger than all together may be is taken when it is the only one. */
static bool fits(const struct publisher *p, size_t len)
{
	return p->count < PENDING_PER_CONNECTION &&
	       (p->count == 0 || p->bytes + len <= PENDING_BYTES_MAX);
}

static bool is_waiting(const struct publisher *p, uint64_t n)
{
	LIST_EACH (&p->waiting, it, ahead)
		if (container_of(it, struct publish, node)->n == n)
			return true;
	return false;
}

static void add(struct publisher *p, const struct frame *f)
{
	const struct frame_publish *m = &f->publish;
	struct publish *one = mem_new(sizeof *one + m->event.len + f->field.len + m->data.len);

	one->n = m->n;
	one->base = m->base.is_given ? m->base.v + 1 : 0;
	one->type_len = copy(one, 0, m->event);
	one->field_len = copy(one, m->event.len, f->field);
	one->body_len = copy(one, m->event.len + f->field.len, m->data);
	list_init(&one->node);
	list_add_last(&p->waiting, &one->node);
	p->count++;
	p->bytes += one->body_len;
}

static size_t copy(struct publish *one, size_t at, struct span bytes)
{
	if (bytes.len)
		memcpy(one->bytes + at, bytes.p, bytes.len);
	return bytes.len;
}

static void send_first(struct native_visit *v)
{
	const struct publish *one = first_of(&v->publisher);
	const struct session *s = v->visit.session;
	const uint8_t *field = one->bytes + one->type_len;
	char producer[PRODUCER_LEN + 1];

	if (v->visit.attendee)
		router_wake(v->visit.attendee, session_now(s));
	producer_write(s->id, producer);
	questions_publish(s->set->setup.questions, visit_room(&v->visit),
			  &(struct question_event){
				  .producer = span_str(producer),
				  .pseq = one->n,
				  .type = span_of(one->bytes, one->type_len),
				  .actor = user_id(s->user),
				  .name = user_name(s->user),
				  .field = span_of(field, one->field_len),
				  .body = span_of(field + one->field_len, one->body_len),
				  .shape = BODY_DATA,
				  .base = one->base,
			  },
			  on_answer, v);
}

static void on_answer(void *owner, const struct answer *a)
{
	struct native_visit *v = owner;
	struct publisher *p = &v->publisher;
	uint64_t n = first_of(p)->n;

	drop_first(p);
	if (a->err == OK) {
		say_ack(v, n, a->seq);
	} else if (!err_retryable(a->err)) {
		say_refused(v, n, a);
	} else {
		(void)debts_add(&p->debts, n); /* those under way are fewer than may be owed */
		say_refused(v, n, a);
		refuse_rest(v);
	}
	if (p->count > 0)
		send_first(v);
}

/* What came after it must not be stored before it. */
static void refuse_rest(struct native_visit *v)
{
	struct publisher *p = &v->publisher;

	while (p->count > 0) {
		uint64_t n = first_of(p)->n;

		drop_first(p);
		(void)debts_add(&p->debts, n);
		say_refused(v, n, &(struct answer){.err = ERR_OUT_OF_ORDER});
	}
}

static void drop_first(struct publisher *p)
{
	struct publish *one = first_of(p);

	list_remove(&one->node);
	p->count--;
	p->bytes -= one->body_len;
	mem_free(one);
}

static struct publish *first_of(const struct publisher *p)
{
	must(p->count > 0);
	return container_of(p->waiting.next, struct publish, node);
}

static void say_ack(struct native_visit *v, uint64_t n, uint64_t seq)
{
	struct buf *text = session_scratch(v->visit.session);

	frame_put_ack(text, &(struct told_ack){visit_room(&v->visit), n, seq});
	session_say(v->visit.session, buf_span(text));
}

static void say_refused(struct native_visit *v, uint64_t n, const struct answer *a)
{
	native_refuse(v->visit.session,
		      &(struct told_refused){
			      .request = span_str(frame_rows[FRAME_PUBLISH].name),
			      .room = visit_room(&v->visit),
			      .n = n,
			      .code = a->err,
			      .retry_after_ms = (uint64_t)(a->retry_after_ns / NS_PER_MS),
			      .seq = a->seq,
			      .data = a->body,
		      });
}
