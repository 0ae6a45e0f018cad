/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of roomd/store.h about events, and the taking of slots. */
#include <string.h>

#include "common/mem.h"
#include "tests/sim/store_inside.h"

static void tell_appended(const struct call *);
static void tell_heads(const struct call *);
static void tell_page(const struct call *);
static void copy(char *out, size_t cap, struct span);

void store_take(struct store *s, const struct store_claim *claim, store_assigned_fn *taken,
		void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_TAKE, &c, owner);

	q->since = claim->seen;
	q->slots = mem_new((claim->count + 1) * sizeof *q->slots);
	q->slot_count = claim->count;
	for (size_t i = 0; i < claim->count; i++)
		q->slots[i].slot = claim->slots[i];
	c->assigned = taken;
	store_send(s, q);
}

void store_append(struct store *s, const struct store_batch *batch, store_appended_fn *appended,
		  void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_APPEND, &c, owner);

	q->slots = mem_copy(batch->slots, batch->slot_count * sizeof *batch->slots);
	q->slot_count = batch->slot_count;
	q->events = mem_new(batch->count * sizeof *q->events);
	q->count = c->count = batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		const struct store_append *from = &batch->events[i];
		struct database_event *e = &q->events[i];

		copy(e->room, sizeof e->room, from->room.key);
		copy(e->producer, sizeof e->producer, from->event.producer);
		copy(e->type, sizeof e->type, from->event.type);
		copy(e->field, sizeof e->field, from->event.field);
		copy(e->name, sizeof e->name, from->event.name);
		e->shape = from->event.shape;
		e->base = from->event.base;
		e->pseq = from->event.pseq;
		e->at_ms = from->event.at_ms;
		e->head = from->head;
		e->body = mem_new(from->event.body.len + 1);
		copy(e->body, from->event.body.len + 1, from->event.body);
	}
	c->appended = appended;
	store_send(s, q);
}

void store_heads(struct store *s, const struct store_room *rooms, size_t count,
		 store_heads_fn *heads, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_HEADS, &c, owner);

	q->events = mem_new(count * sizeof *q->events);
	q->count = c->count = count;
	for (size_t i = 0; i < count; i++)
		copy(q->events[i].room, sizeof q->events[i].room, rooms[i].key);
	c->heads = heads;
	store_send(s, q);
}

void store_read(struct store *s, const struct store_range *range, store_page_fn *page, void *owner)
{
	struct call *c;
	struct statement *q = store_ask(s, STATEMENT_READ, &c, owner);

	must(range->types.len == 0);
	q->events = mem_new(sizeof *q->events);
	q->count = 1;
	q->range = *range;
	copy(q->events[0].room, sizeof q->events[0].room, range->room.key);
	copy(c->room, sizeof c->room, range->room.key);
	c->page = page;
	store_send(s, q);
}

/* Everything is kept here. */
void store_forget(struct store *s, int64_t age_ms, unsigned limit, store_done_fn *done, void *owner)
{
	(void)s, (void)age_ms, (void)limit, (void)done, (void)owner;
}

/* Nobody publishes in SQL here: the first question stays open. */
void store_publications(struct store *s, incarnation_id owner, unsigned limit,
			store_publications_fn *publications, void *asker)
{
	(void)s, (void)owner, (void)limit, (void)publications, (void)asker;
}

void store_place(struct store *s, const struct store_room *rooms, size_t count, store_done_fn *done,
		 void *owner)
{
	(void)s, (void)rooms, (void)count, (void)done, (void)owner;
}

void store_take_events(struct call *c)
{
	if (c->kind == STATEMENT_APPEND)
		tell_appended(c);
	else if (c->kind == STATEMENT_HEADS)
		tell_heads(c);
	else
		tell_page(c);
}

static void tell_appended(const struct call *c)
{
	struct store_stored *stored = mem_new(c->count * sizeof *stored);

	for (size_t i = 0; !c->err && i < c->count; i++)
		stored[i] = c->answer->events[i].stored;
	c->appended(c->owner, c->err, c->err ? NULL : stored, c->count);
	mem_free(stored);
}

static void tell_heads(const struct call *c)
{
	struct store_head *heads = mem_new(c->count * sizeof *heads);

	for (size_t i = 0; !c->err && i < c->count; i++)
		heads[i] = (struct store_head){c->answer->events[i].head, 1};
	c->heads(c->owner, c->err, c->err ? NULL : heads, c->count);
	mem_free(heads);
}

static void tell_page(const struct call *c)
{
	size_t count = c->err ? 0 : c->answer->event_count;
	struct store_event *events = mem_new((count + 1) * sizeof *events);
	struct store_page page = {.room = span_str(c->room), .events = events, .count = count};

	for (size_t i = 0; i < count; i++) {
		const struct database_event *e = &c->answer->events[i];

		events[i] = (struct store_event){.seq = e->seq,
						 .producer = span_str(e->producer),
						 .pseq = e->pseq,
						 .type = span_str(e->type),
						 .name = span_str(e->name),
						 .shape = e->shape,
						 .field = span_str(e->field),
						 .body = span_str(e->body),
						 .at_ms = e->at_ms};
	}
	if (!c->err) {
		page.first = c->answer->first;
		page.head = c->answer->head;
		page.more = c->answer->more;
	}
	c->page(c->owner, c->err, &page);
	mem_free(events);
}

static void copy(char *out, size_t cap, struct span text)
{
	must(text.len < cap);
	if (text.len > 0)
		memcpy(out, text.p, text.len);
	out[text.len] = '\0';
}
