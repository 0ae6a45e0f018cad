/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/history.h"

#include <string.h>

#include "common/mem.h"

struct history_event {
	struct list of_room, of_pool;
	struct history *history;
	struct store_event event; /* borrows `bytes` */
	size_t size;
	uint8_t bytes[];
};

static struct history_event *event_new(const struct store_event *);
static void copy(struct span *text, uint8_t **at);
static void drop(struct history_event *);
static void drop_oldest(struct history *);
static struct history_event *first_of(const struct history *);
static bool is_of(struct span types, struct span type);
static bool page_forward(const struct history *, const struct store_range *, struct store_page *,
			 struct store_event *);
static bool page_backward(const struct history *, const struct store_range *, struct store_page *,
			  struct store_event *);

void history_pool_init(struct history_pool *pool, size_t max_bytes)
{
	*pool = (struct history_pool){.max_bytes = max_bytes};
	list_init(&pool->events);
}

void history_init(struct history *h, struct history_pool *pool)
{
	*h = (struct history){.pool = pool};
	list_init(&h->events);
}

void history_clear(struct history *h)
{
	while (!list_is_empty(&h->events))
		drop(first_of(h));
	h->last = 0;
}

void history_add(struct history *h, const struct store_event *event)
{
	struct history_event *e = event_new(event);

	if (event->seq != h->last + 1)
		history_clear(h);
	e->history = h;
	list_add_last(&h->events, &e->of_room);
	list_add_last(&h->pool->events, &e->of_pool);
	h->count++;
	h->bytes += e->size;
	h->pool->bytes += e->size;
	h->last = event->seq;
	while (h->count > HISTORY_ROOM_EVENTS || (h->count > 1 && h->bytes > HISTORY_ROOM_BYTES))
		drop(first_of(h));
	drop_oldest(h);
}

bool history_covers(const struct history *h, uint64_t seq)
{
	return h->count > 0 && seq <= h->last && first_of(h)->event.seq <= seq + 1;
}

const struct store_event *history_after(const struct history *h, uint64_t seq)
{
	LIST_EACH (&h->events, it, ahead) {
		const struct history_event *e = container_of(it, struct history_event, of_room);

		if (e->event.seq > seq)
			return &e->event;
	}
	return NULL;
}

const struct store_event *history_next(const struct history *h, const struct store_event *event)
{
	const struct history_event *e = container_of(event, struct history_event, event);

	return e->of_room.next == &h->events
		       ? NULL
		       : &container_of(e->of_room.next, struct history_event, of_room)->event;
}

bool history_page(const struct history *h, const struct store_range *range, struct store_page *page,
		  struct store_event *events)
{
	page->room = range->room.key;
	page->head = h->last;
	page->events = events;
	page->count = 0;
	page->more = false;
	if (h->count == 0)
		return false;
	return range->before > 0 ? page_backward(h, range, page, events)
				 : page_forward(h, range, page, events);
}

static struct history_event *event_new(const struct store_event *from)
{
	size_t texts = from->producer.len + from->type.len + from->actor.len + from->name.len +
		       from->field.len + from->body.len;
	struct history_event *e = mem_new(sizeof(*e) + texts);
	uint8_t *at = e->bytes;

	e->size = sizeof(*e) + texts;
	e->event = *from;
	copy(&e->event.producer, &at);
	copy(&e->event.type, &at);
	copy(&e->event.actor, &at);
	copy(&e->event.name, &at);
	copy(&e->event.field, &at);
	copy(&e->event.body, &at);
	return e;
}

static void copy(struct span *text, uint8_t **at)
{
	if (text->len > 0)
		memcpy(*at, text->p, text->len);
	text->p = *at;
	*at += text->len;
}

/* Always the first of its room, because rooms and pool are in the same order. */
static void drop(struct history_event *e)
{
	struct history *h = e->history;

	list_remove(&e->of_room);
	list_remove(&e->of_pool);
	h->count--;
	h->bytes -= e->size;
	h->pool->bytes -= e->size;
	mem_free(e);
}

static void drop_oldest(struct history *h)
{
	while (h->pool->bytes > h->pool->max_bytes)
		drop(container_of(h->pool->events.next, struct history_event, of_pool));
}

static struct history_event *first_of(const struct history *h)
{
	return container_of(h->events.next, struct history_event, of_room);
}

static bool is_of(struct span types, struct span type)
{
	struct span rest = types;

	if (types.len == 0)
		return true;
	while (rest.len > 0)
		if (span_eq(span_until(&rest, ','), type))
			return true;
	return false;
}

static bool page_forward(const struct history *h, const struct store_range *range,
			 struct store_page *page, struct store_event *events)
{
	size_t bytes = 0;

	if (range->after > h->last || !history_covers(h, range->after))
		return range->after >= h->last; /* nothing is there yet */
	for (const struct store_event *e = history_after(h, range->after); e;
	     e = history_next(h, e)) {
		if (!is_of(range->types, e->type))
			continue;
		page->more = page->count == range->limit || bytes >= HISTORY_BYTES_MAX;
		if (page->more)
			break;
		events[page->count++] = *e;
		bytes += e->body.len;
	}
	return true;
}

/* Whole only if it was filled, or there is nothing before what is here. */
static bool page_backward(const struct history *h, const struct store_range *range,
			  struct store_page *page, struct store_event *events)
{
	size_t bytes = 0;

	for (struct list *it = h->events.prev; it != &h->events; it = it->prev) {
		const struct store_event *e =
			&container_of(it, struct history_event, of_room)->event;

		if (e->seq >= range->before || !is_of(range->types, e->type))
			continue;
		page->more = page->count == range->limit || bytes >= HISTORY_BYTES_MAX;
		if (page->more)
			break;
		memmove(events + 1, events, page->count * sizeof(*events));
		events[0] = *e;
		page->count++;
		bytes += e->body.len;
	}
	return page->more || first_of(h)->event.seq == 1;
}
