/* SPDX-License-Identifier: Apache-2.0 */
/* What a room says to its owner, and when it must wait. JOIN follows ATTACH on the same link at
 * once, because order is kept there; casts and leaves wait for ATTACHED, because a refused ATTACH
 * would lose them while the next one repeats who is here. */
#include "gateway/route.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "gateway/metrics.h"

#define RETRY_FIRST_NS (50 * NS_PER_MS)
#define RETRY_MAX_NS NS_PER_S
#define DOUBLINGS 5        /* of the wait */
#define ANSWER_NS NS_PER_S /* an ATTACH without an answer is sent again */
#define MEMBERS_MAX (LINK_BATCH_MAX / 2)

static bool is_over(const struct route *, const struct link *);
static bool may_send(const struct route *);
static bool is_calm(const struct route *);
static void set_state(struct route *, enum route_state);
static void unsettle(struct route *);
static void send_attach(struct route *);
static void send_join(struct route *, const struct attendee *);
static void put_members(const struct route *, struct buf *items);
static void catch_up(struct route *);
static void send_held(struct route *);
static void send_leaves(struct route *);
static void send_leave(struct route *, struct attendee **);
static void drop_leaver(struct route *, session_id);
static void drop_old_leaves(struct route *, int64_t now_ns);
static void drop_leavers(struct route *);
static struct span key_of(const struct route *);

struct route *route_new(struct span key, struct route_shared *shared)
{
	struct route *r = mem_new(sizeof *r);
	enum room_kind kind;
	struct span id;
	enum err e = room_key_read(key, &kind, &id);

	must(e == OK); /* authorised before: the key was made by room_key_write */
	r->slot = (uint16_t)slot_of(key);
	r->shared = shared;
	r->audience = audience_new(kind, id, shared->sink, &shared->audiences);
	audience_set_route(r->audience, r);
	list_init(&r->of_slot);
	list_init(&r->of_turn);
	held_init(&r->held, &shared->held_bytes);
	unsettle(r);
	return r;
}

void route_free(struct route **pr)
{
	struct route *r = *pr;

	if (!r)
		return;
	*pr = NULL;
	list_remove(&r->of_slot);
	list_remove(&r->of_turn);
	set_state(r, ROUTE_WAITING);
	held_fini(&r->held);
	drop_leavers(r);
	audience_free(&r->audience);
	mem_free(r);
}

void route_attach(struct route *r, struct link *link, uint64_t epoch, int64_t now_ns)
{
	/* Epochs grow by one: under the next one the same owner has only taken its slot again. */
	bool goes_on = route_hears(r, link) && epoch <= r->epoch + 1;

	if (!link || !link_is_open(link) || r->on_hold) {
		route_lose(r, now_ns);
		return;
	}
	unsettle(r);
	audience_flush(r->audience); /* casts of the old owner, under its numbers */
	r->goes_on = goes_on;
	set_state(r, ROUTE_ATTACHING);
	r->link = link;
	r->generation = link_generation(link);
	r->epoch = epoch;
	r->try_ns = now_ns;
	send_attach(r);
}

void route_lose(struct route *r, int64_t now_ns)
{
	r->link = NULL;
	if (route_sleeps(r)) {
		route_stir(r);
		return;
	}
	set_state(r, ROUTE_WAITING);
	if (r->try_ns < now_ns)
		r->try_ns = now_ns;
	unsettle(r);
}

void route_hold(struct route *r)
{
	r->on_hold = true;
	if (!route_sleeps(r))
		unsettle(r);
}

bool route_sleep(struct route *r)
{
	if (r->state == ROUTE_ASLEEP)
		return !r->waking;
	if (!is_calm(r))
		return false;
	list_remove(&r->of_turn);
	set_state(r, ROUTE_ASLEEP);
	return true;
}

bool route_sleeps(const struct route *r)
{
	return r->state == ROUTE_ASLEEP && !r->waking;
}

void route_wake(struct route *r, int64_t now_ns)
{
	if (!route_sleeps(r))
		return;
	metrics_add(METRIC_wakes, 1);
	r->waking = true;
	r->woken_ns = now_ns;
	unsettle(r);
	r->shared->in_haste = true;
}

void route_stir(struct route *r)
{
	if (r->state == ROUTE_ASLEEP && list_is_empty(&r->of_turn))
		list_add_last(&r->shared->stirred, &r->of_turn);
}

void route_on_covered(struct route *r, int64_t now_ns)
{
	if (!r->woken_ns)
		return;
	metrics_observe_ns(METRIC_wake, now_ns - r->woken_ns);
	r->woken_ns = 0;
}

void route_release(struct route *r, int64_t now_ns)
{
	r->on_hold = false;
	r->refusals = 0;
	if (r->state == ROUTE_WAITING)
		r->try_ns = now_ns;
	if (r->unsaid)
		route_attach(r, r->link, r->epoch, now_ns);
	else if (may_send(r))
		catch_up(r);
}

bool route_is_attached_over(const struct route *r, const struct link *link)
{
	return (r->state == ROUTE_ATTACHED || r->state == ROUTE_ASLEEP) && is_over(r, link);
}

bool route_is_attaching_over(const struct route *r, const struct link *link)
{
	return r->state == ROUTE_ATTACHING && is_over(r, link);
}

bool route_hears(const struct route *r, const struct link *link)
{
	return route_is_attached_over(r, link) || (r->goes_on && route_is_attaching_over(r, link));
}

void route_on_attached(struct route *r, const struct msg_attached *m, int64_t now_ns)
{
	if (m->epoch < r->epoch) {
		route_on_refused(r, now_ns); /* it speaks for an epoch that is over */
		return;
	}
	if (r->state != ROUTE_ASLEEP)
		set_state(r, ROUTE_ATTACHED);
	r->epoch = m->epoch;
	r->refusals = 0;
	audience_on_attached(r->audience, m);
	if (may_send(r))
		catch_up(r);
}

void route_on_refused(struct route *r, int64_t now_ns)
{
	int64_t wait_ns = RETRY_FIRST_NS << r->refusals;

	metrics_add(METRIC_attaches_refused, 1);
	if (r->refusals < DOUBLINGS)
		r->refusals++;
	r->try_ns = now_ns + (wait_ns < RETRY_MAX_NS ? wait_ns : RETRY_MAX_NS);
	route_lose(r, now_ns);
}

bool route_on_head(struct route *r, const struct msg_head *m)
{
	bool is_loss = m->next == r->event_next && m->seq + 1 < m->next;

	if (is_loss)
		log_error("events_lost", kv_u64("slot", r->slot), kv_u64("seen", m->next - 1),
			  kv_u64("stored", m->seq));
	if (r->event_next == 0 || is_loss || m->first > r->event_next) /* the last: not kept */
		r->event_next = m->seq + 1;
	r->event_first = m->first;
	if (r->event_next == m->seq + 1)
		audience_on_head(r->audience, m->seq);
	return m->seq < r->event_next; /* lower: the answer to an older ATTACH */
}

bool route_on_event(struct route *r, const struct msg_event *m)
{
	if (m->session) {
		audience_on_event_again(r->audience, m);
		return true;
	}
	if (m->seq < r->event_next) {
		metrics_add(METRIC_events_again, 1);
		return true;
	}
	if (r->event_next == 0 || m->seq > r->event_next) {
		metrics_add(METRIC_event_gaps, 1);
		return false;
	}
	r->event_next++;
	audience_on_event(r->audience, m);
	return true;
}

struct attendee *route_enter(struct route *r, void *session, const struct entrant *e,
			     int64_t now_ns)
{
	struct attendee *who;

	route_wake(r, now_ns);
	drop_leaver(r, e->session);
	who = audience_add(r->audience, session, e);
	send_join(r, who);
	return who;
}

void route_renew(struct route *r, struct attendee *who, uint64_t conn_gen, int64_t now_ns)
{
	route_wake(r, now_ns);
	audience_renew(who, conn_gen);
	send_join(r, who);
}

void route_prove(struct route *r, const struct attendee *who, bool lost, int64_t now_ns)
{
	route_wake(r, now_ns);
	r->unsaid |= r->on_hold;
	if (may_send(r) && who->proved > 0)
		message_put_proved(link_out(r->link), &(struct msg_proved){
							      .room = key_of(r),
							      .session = who->id.v,
							      .seq = who->proved - 1,
							      .lost = lost,
						      });
}

void route_leave(struct route *r, struct attendee **pwho, int64_t now_ns)
{
	struct attendee *who = *pwho;

	*pwho = NULL;
	route_wake(r, now_ns);
	held_disown(&r->held, who);
	who->held_bytes = 0;
	who->owner = NULL;
	who->leaving = true;
	who->left_ns = now_ns;
	if (may_send(r))
		send_leave(r, &who);
	else
		unsettle(r);
}

enum err route_cast(struct route *r, struct attendee *who, struct msg_cast *m, int64_t now_ns)
{
	m->room = key_of(r);
	m->session = who->id.v;
	route_wake(r, now_ns);
	audience_keep(who, m->key, (unsigned)m->keep, m->body);
	if (may_send(r) && held_is_empty(&r->held)) {
		message_put_cast(link_out(r->link), m);
		return OK;
	}
	unsettle(r);
	return held_put(&r->held, who, m, now_ns);
}

bool route_tick(struct route *r, int64_t now_ns)
{
	unsigned dropped = held_expire(&r->held, now_ns);

	if (dropped) {
		metrics_add(METRIC_casts_expired, dropped);
		log_warn("casts_expired", kv_u64("count", dropped));
	}
	if (r->state == ROUTE_WAITING)
		drop_old_leaves(r, now_ns);
	if (r->on_hold)
		return false;
	if (r->waking)
		return true;
	if (r->state == ROUTE_ATTACHING)
		return now_ns - r->try_ns > ANSWER_NS;
	return r->state == ROUTE_WAITING && now_ns >= r->try_ns;
}

bool route_is_settled(const struct route *r)
{
	return may_send(r) && held_is_empty(&r->held);
}

static bool is_over(const struct route *r, const struct link *link)
{
	return link && r->link == link && r->generation == link_generation(link);
}

static bool may_send(const struct route *r)
{
	return r->state == ROUTE_ATTACHED && !r->on_hold;
}

/* Nobody comes, goes or waits. */
static bool is_calm(const struct route *r)
{
	return route_is_settled(r) && audience_is_calm(r->audience);
}

static void set_state(struct route *r, enum route_state state)
{
	r->shared->asleep -= r->state == ROUTE_ASLEEP;
	r->shared->asleep += state == ROUTE_ASLEEP;
	r->state = (uint8_t)state;
	r->waking = false;
}

static void unsettle(struct route *r)
{
	list_remove(&r->of_turn);
	list_add_last(&r->shared->unsettled, &r->of_turn);
}

static void send_attach(struct route *r)
{
	struct buf items;

	metrics_add(METRIC_attaches, 1);
	r->unsaid = false;
	buf_init(&items, MEMBERS_MAX);
	put_members(r, &items);
	message_put_attach(link_out(r->link), &(struct msg_attach){
						      .room = key_of(r),
						      .epoch = r->epoch,
						      .relay = audience_relay(r->audience),
						      .next = r->event_next,
						      .members = buf_span(&items),
					      });
	buf_fini(&items);
}

static void send_join(struct route *r, const struct attendee *who)
{
	struct buf items;

	r->unsaid |= r->on_hold;
	if (r->state == ROUTE_WAITING || r->state == ROUTE_ASLEEP || r->on_hold)
		return; /* the ATTACH to come names it */
	buf_init(&items, MEMBERS_MAX);
	audience_put_member(who, &items);
	message_put_join(link_out(r->link),
			 &(struct msg_join){.room = key_of(r), .members = buf_span(&items)});
	buf_fini(&items);
}

/* Who is here matters more than what they were doing: without the states when all does not fit. */
static void put_members(const struct route *r, struct buf *items)
{
	if (audience_put_members(r->audience, true, items))
		return;
	buf_clear(items);
	if (!audience_put_members(r->audience, false, items))
		log_error("attach_cut", kv_u64("slot", r->slot));
}

/* What waited, in the order in which it came; a leave is last for its connection. */
static void catch_up(struct route *r)
{
	send_held(r);
	send_leaves(r);
}

static void send_held(struct route *r)
{
	struct msg_cast m;

	while (held_peek(&r->held, &m)) {
		m.room = key_of(r);
		message_put_cast(link_out(r->link), &m);
		held_drop(&r->held);
	}
}

static void send_leaves(struct route *r)
{
	LIST_EACH (audience_attendees(r->audience), it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->leaving)
			send_leave(r, &who);
	}
}

static void send_leave(struct route *r, struct attendee **pwho)
{
	struct attendee *who = *pwho;

	message_put_leave(link_out(r->link), &(struct msg_leave){
						     .room = key_of(r),
						     .session = who->id.v,
						     .conn_gen = who->conn_gen,
					     });
	audience_remove(pwho);
	if (audience_is_empty(r->audience)) /* nobody here listens: detach */
		send_attach(r);
}

/* The session comes back before anybody was told that it went: nobody need be told any more. */
static void drop_leaver(struct route *r, session_id id)
{
	LIST_EACH (audience_attendees(r->audience), it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->leaving && who->id.v == id.v)
			audience_remove(&who);
	}
}

/* The next ATTACH lacks it, which says the same without a message to show. One that is under way
 * may still name it: then it is to be said. */
static void drop_old_leaves(struct route *r, int64_t now_ns)
{
	LIST_EACH (audience_attendees(r->audience), it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->leaving && now_ns - who->left_ns > HELD_NS)
			audience_remove(&who);
	}
}

/* The process ends: GOODBYE has said what is to be said of them. */
static void drop_leavers(struct route *r)
{
	LIST_EACH (audience_attendees(r->audience), it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->leaving)
			audience_remove(&who);
	}
}

static struct span key_of(const struct route *r)
{
	return span_str(audience_key(r->audience));
}
