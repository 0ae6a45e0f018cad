/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a room on their way to the gateways that show it: each gets the ones after that
 * which it wants next, in order, from the log until it has caught up and as they are stored from
 * then on. As a cast does, an event takes the next relay number of the room: one that comes before
 * all gateways said which number was the last is told later, from the log. */
#include "roomd/room_inside.h"

#include "proto/slot.h"

#define PAGE_EVENTS 64

static void skip_forgotten(struct room *, uint64_t first);
static void place(struct room *, struct attachment *);
static void tell(struct room *, const struct store_event *);
static bool tell_one(struct room *, struct attachment *, const struct store_event *,
		     uint64_t relay);
static void put_event(struct buf *, const struct room *, const struct store_event *,
		      const struct msg_event *how);
static void tell_from_history(struct room *, uint64_t lowest);
static bool find_lowest(const struct room *, uint64_t *lowest, bool *choked);
static void fall_behind(struct room *);

void room_events_attach(struct room *r, struct attachment *a, uint64_t next)
{
	struct store_head head;

	a->event_next = a->event_asked = next;
	a->event_placed = false;
	if (journal_watch(r->env->journal, room_key(r), &head))
		room_on_head(r, &head);
}

void room_on_head(struct room *r, const struct store_head *head)
{
	if (head->seq != r->history.last)
		history_clear(&r->history);
	r->head = head->seq;
	room_on_first(r, head->first);
	r->head_known = true;
	LIST_EACH (&r->presence.attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		if (a->attached && (!a->event_placed || a->event_next > head->seq + 1))
			place(r, a);
	}
	room_events_read(r);
}

/* It only grows; what is heard may be older than what is known. */
void room_on_first(struct room *r, uint64_t first)
{
	if (first > r->first)
		r->first = first;
}

void room_on_event(struct room *r, const struct store_event *e)
{
	room_stir(r, r->env->now_ns);
	history_add(&r->history, e);
	if (!r->head_known)
		return; /* on_head is still to come, and will count it */
	r->head = e->seq;
	if (r->tells)
		tell(r, e);
}

void room_on_page(struct room *r, enum err e, const struct store_page *page)
{
	r->reading = false;
	if (!e)
		skip_forgotten(r, page->first);
	for (size_t i = 0; !e && i < page->count; i++)
		if (r->head_known && page->events[i].seq <= r->head)
			tell(r, &page->events[i]);
	if (e || page->count == 0)
		fall_behind(r);
	else
		room_events_read(r);
}

void room_events_read(struct room *r)
{
	struct store_range range = {
		.room = {slot_of(room_key(r)), room_key(r)},
		.limit = PAGE_EVENTS,
	};
	uint64_t lowest;
	bool choked;

	if (r->reading || !r->head_known || !r->tells)
		return;
	bool lacks = find_lowest(r, &lowest, &choked);

	if (lacks && history_covers(&r->history, lowest - 1)) {
		r->env->history.hits++;
		tell_from_history(r, lowest);
		lacks = find_lowest(r, &lowest, &choked);
	}
	if (lacks && store_is_up(r->env->store)) {
		r->env->history.misses++;
		r->reading = true;
		range.after = lowest - 1;
		store_read(r->env->store, &range, r->env->on_page, r->env->owner);
	} else if (lacks || choked) {
		fall_behind(r);
	}
}

bool room_page(const struct room *r, const struct store_range *range, struct store_page *page,
	       struct store_event *events)
{
	page->first = r->first;
	return r->head_known && history_page(&r->history, range, page, events);
}

/* Whoever wants events that are not kept any more goes on with the first one that is. */
static void skip_forgotten(struct room *r, uint64_t first)
{
	room_on_first(r, first);
	LIST_EACH (&r->presence.attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		if (a->attached && a->event_placed && a->event_next < first)
			place(r, a);
	}
}

/* Of one that wants more than there is, the database has lost events: it is told so. */
static void place(struct room *r, struct attachment *a)
{
	struct buf *out = feed_out(a->feed);

	if (a->event_next == 0 || a->event_next > r->head + 1)
		a->event_next = r->head + 1;
	if (a->event_next < r->first)
		a->event_next = r->first;
	a->event_placed = true;
	if (out)
		message_put_head(out, &(struct msg_head){room_key(r), a->event_next - 1,
							 a->event_asked, r->first});
}

/* To those whose next one it is. */
static void tell(struct room *r, const struct store_event *e)
{
	uint64_t relay = r->presence.relay + 1;
	bool told = false;

	LIST_EACH (&r->presence.attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		if (a->attached && a->event_placed && a->event_next == e->seq)
			told = tell_one(r, a, e, relay) || told;
	}
	if (told)
		r->presence.relay = relay;
}

static bool tell_one(struct room *r, struct attachment *a, const struct store_event *e,
		     uint64_t relay)
{
	struct buf *out = feed_out(a->feed);

	if (!out)
		return false;
	a->event_next++;
	put_event(out, r, e, &(struct msg_event){.relay = relay});
	return true;
}

/* `how`: its number, and to whom. */
static void put_event(struct buf *out, const struct room *r, const struct store_event *e,
		      const struct msg_event *how)
{
	message_put_event(out, &(struct msg_event){
				       .room = room_key(r),
				       .seq = e->seq,
				       .relay = how->relay,
				       .producer = e->producer,
				       .pseq = e->pseq,
				       .type = e->type,
				       .actor = e->actor,
				       .at_ms = (uint64_t)e->at_ms,
				       .body = e->body,
				       .name = e->name,
				       .shape = e->shape,
				       .session = how->session,
			       });
}

void room_put_event(struct buf *out, struct room *r, const struct store_event *e,
		    session_id session)
{
	put_event(out, r, e,
		  &(struct msg_event){.relay = ++r->presence.relay, .session = session.v});
}

/* Those who lack one of these in between are reached by the ones after it, too. */
static void tell_from_history(struct room *r, uint64_t lowest)
{
	for (const struct store_event *e = history_after(&r->history, lowest - 1); e;
	     e = history_next(&r->history, e))
		tell(r, e);
}

/* The first event that somebody lacks who can take it. */
static bool find_lowest(const struct room *r, uint64_t *lowest, bool *choked)
{
	*lowest = r->head + 1;
	*choked = false;
	LIST_EACH (&r->presence.attachments, it, ahead) {
		const struct attachment *a = container_of(it, struct attachment, of_room);

		if (!a->attached || !a->event_placed || a->feed->state != FEED_LIVE ||
		    a->event_next > r->head)
			continue;
		if (feed_is_choked(a->feed))
			*choked = true;
		else if (a->event_next < *lowest)
			*lowest = a->event_next;
	}
	return *lowest <= r->head;
}

static void fall_behind(struct room *r)
{
	if (list_is_empty(&r->links.of_behind))
		list_add_last(&r->env->behind, &r->links.of_behind);
}
