/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a room as one native session is told them: those it missed are read from the log by
 * its own cursor, then each is passed on as it comes. One that reads too slowly falls back to the
 * log instead of holding a queue. */
#include "common/log.h"
#include "gateway/metrics.h"
#include "gateway/native.h"
#include "gateway/questions.h"
#include "gateway/route.h"
#include "gateway/socket.h"
#include "gateway/telling.h"

#define RETRY_NS (500 * NS_PER_MS)
#define PAGE_EVENTS 128

static void on_page(void *owner, const struct answer *);
static void show_page(struct native_visit *, const struct msg_history *);
static void show(struct native_visit *, const struct item_stored *);
static bool is_choked(const struct native_visit *);

/* Seq of the last event that its room was shown here; 0: none, or not known. */
uint64_t native_cursor_head(const struct native_visit *v)
{
	uint64_t next = audience_route(v->visit.attendee)->event_next;

	return next ? next - 1 : 0;
}

struct told_gap native_cursor_gap(const struct native_visit *v, uint64_t head)
{
	uint64_t first = audience_route(v->visit.attendee)->event_first;

	if (!v->has_since || v->since >= head || first <= v->since + 1)
		return (struct told_gap){0};
	return (struct told_gap){v->since + 1, first - 1};
}

void native_cursor_follow(struct native_visit *v, uint64_t head)
{
	struct told_gap gap = native_cursor_gap(v, head);
	bool known = audience_route(v->visit.attendee)->event_next > 0;

	v->next = known ? head + 1 : 0;
	if (v->has_since) /* another gateway may have shown it more than this one knows of yet */
		v->next = gap.to ? gap.to + 1 : v->since + 1;
	v->state = v->next && v->next <= head ? NATIVE_BEHIND : NATIVE_LIVE;
	if (v->has_since && !known)
		v->state = NATIVE_BEHIND;
	native_visit_keep_busy(v);
	if (v->state == NATIVE_BEHIND)
		native_cursor_advance(v, session_now(v->visit.session));
}

void native_visit_on_event(void *owner, uint64_t seq, struct payload *p)
{
	struct native_visit *v = owner;

	if (v->state != NATIVE_LIVE || (v->next && seq < v->next))
		return;
	if ((v->next && seq > v->next) || is_choked(v)) {
		metrics_add(METRIC_events_deferred, 1);
		v->next = v->next ? v->next : seq;
		v->state = NATIVE_BEHIND;
		native_visit_keep_busy(v);
		return;
	}
	v->next = seq + 1;
	session_deliver(v->visit.session, p, false);
}

/* One that does not is looked at until it does. */
bool native_visit_keeps_up(void *owner)
{
	struct native_visit *v = owner;

	if (is_choked(v))
		native_visit_keep_busy(v);
	return !is_choked(v);
}

void native_cursor_advance(struct native_visit *v, int64_t now_ns)
{
	struct session *s = v->visit.session;
	uint64_t head = native_cursor_head(v);

	if (v->reading || now_ns < v->retry_ns || is_choked(v) ||
	    !audience_route(v->visit.attendee)->event_next)
		return;
	if (v->next > head) {
		v->state = NATIVE_LIVE;
		return;
	}
	v->reading = true;
	questions_read(s->set->setup.questions,
		       &(struct msg_read){.room = visit_room(&v->visit),
					  .after = v->next - 1,
					  .limit = PAGE_EVENTS},
		       on_page, v);
}

static void on_page(void *owner, const struct answer *a)
{
	struct native_visit *v = owner;
	int64_t now_ns = session_now(v->visit.session);

	v->reading = false;
	v->retry_ns = a->err ? now_ns + RETRY_NS : 0;
	if (v->state != NATIVE_BEHIND || a->err)
		return;
	if (a->history->first > v->next) {
		audience_route(v->visit.attendee)->event_first = a->history->first;
		native_visit_end(
			v,
			ERR_GONE); /* since it joined: it has to join anew, and is told the gap */
		return;
	}
	show_page(v, a->history);
	native_cursor_advance(v, now_ns);
}

/* A page without the event that is wanted: the log is not as far as what was shown already. */
static void show_page(struct native_visit *v, const struct msg_history *m)
{
	struct span events = m->events;
	struct item_stored e;
	uint64_t before = v->next;

	while (item_next_stored(&events, &e) && e.seq == v->next)
		show(v, &e);
	if (v->next == before)
		v->retry_ns = session_now(v->visit.session) + RETRY_NS;
}

static void show(struct native_visit *v, const struct item_stored *e)
{
	struct session *s = v->visit.session;
	struct buf type, *text = session_scratch(s);

	buf_init(&type, EVENT_TYPE_MAX);
	struct told_event told = telling_of(e, &type);

	told.room = visit_room(&v->visit);
	told.replay = true;
	told.n = told.from.session == s->id.v ? e->pseq : 0;
	frame_put_event(text, &told);
	session_say(s, buf_span(text));
	buf_fini(&type);
	v->next = e->seq + 1;
}

/* So much waits for its client that it falls behind, until less does. */
static bool is_choked(const struct native_visit *v)
{
	const struct session *s = v->visit.session;
	size_t max = (size_t)s->set->setup.opt->limits_outbox / 4;

	return s->socket && socket_queued_bytes(s->socket) > max;
}
