/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/pages.h"

#include <string.h>

#include "common/mem.h"
#include "proto/slot.h"

struct page {
	struct list node; /* of pages.waiting or pages.asked */
	struct pages *pages;
	incarnation_id gateway;
	uint64_t ask;
	uint64_t epoch; /* of its slot when the store was asked */
	int64_t until_ns;
	struct store_range range; /* borrows `bytes` */
	uint8_t bytes[];          /* room, types */
};

struct pages {
	struct pages_setup setup;
	struct list waiting, asked; /* of page.node */
	size_t count;
	int64_t now_ns, look_at_ns;
};

static struct page *page_new(struct pages *, const struct msg_read *);
static bool answer_from_memory(struct page *);
static void read_page(struct page *);
static void on_read(void *owner, enum err, const struct store_page *);
static void answer_read(struct page *, const struct store_page *, uint64_t most);
static void answer(struct page *, const struct store_page *, uint64_t most);
static void put_events(struct buf *, const struct store_page *, uint64_t most);
static void wait(struct page *, enum err);
static void refuse(struct page *, enum err);
static void page_free(struct page *);

struct pages *pages_new(const struct pages_setup *setup)
{
	struct pages *all = mem_new(sizeof(*all));

	all->setup = *setup;
	list_init(&all->waiting);
	list_init(&all->asked);
	return all;
}

void pages_free(struct pages **pall)
{
	struct pages *all = *pall;

	if (!all)
		return;
	*pall = NULL;
	LIST_EACH (&all->waiting, it, ahead)
		page_free(container_of(it, struct page, node));
	LIST_EACH (&all->asked, it, ahead)
		page_free(container_of(it, struct page, node));
	mem_free(all);
}

void pages_ask(struct pages *all, struct feed *f, const struct msg_read *m, int64_t now_ns)
{
	all->now_ns = now_ns;
	if (m->types.len > EVENT_TYPES_MAX ||
	    (m->types.len > 0 && memchr(m->types.p, 0, m->types.len))) {
		pages_refuse(f, m->ask, ERR_BAD_FIELD);
		return;
	}
	if (all->count == PAGES_MAX || feed_is_choked(f)) {
		pages_refuse(f, m->ask, ERR_OVERLOADED);
		return;
	}
	struct page *p = page_new(all, m);

	p->gateway = f->gateway;
	if (!answer_from_memory(p))
		read_page(p);
}

void pages_refuse(struct feed *f, uint64_t ask, enum err why)
{
	struct buf *out = feed_out(f);

	if (out)
		message_put_history(out, &(struct msg_history){.ask = ask, .code = why});
}

void pages_turn(struct pages *all, int64_t now_ns)
{
	struct list now;

	all->now_ns = now_ns;
	if (now_ns < all->look_at_ns)
		return;
	all->look_at_ns = now_ns + PAGES_RETRY_NS;
	list_init(&now);
	LIST_EACH (&all->waiting, it, ahead) {
		list_remove(it);
		list_add_last(&now, it);
	}
	LIST_EACH (&now, it, ahead)
		read_page(container_of(it, struct page, node));
}

static struct page *page_new(struct pages *all, const struct msg_read *m)
{
	struct page *p = mem_new(sizeof(*p) + m->room.len + m->types.len);

	list_init(&p->node);
	p->pages = all;
	p->ask = m->ask;
	p->until_ns = all->now_ns + PAGES_HOLD_NS;
	memcpy(p->bytes, m->room.p, m->room.len);
	if (m->types.len > 0)
		memcpy(p->bytes + m->room.len, m->types.p, m->types.len);
	p->range = (struct store_range){
		.room = {slot_of(m->room), span_of(p->bytes, m->room.len)},
		.after = m->after < EVENT_BASE_MAX ? m->after : EVENT_BASE_MAX,
		.before = m->before < EVENT_BASE_MAX ? m->before : EVENT_BASE_MAX,
		.limit = m->limit > 0 && m->limit < HISTORY_EVENTS_MAX ? (unsigned)m->limit
								       : HISTORY_EVENTS_MAX,
		.types = span_of(p->bytes + m->room.len, m->types.len),
	};
	all->count++;
	return p;
}

static bool answer_from_memory(struct page *p)
{
	const struct room *r = room_set_find(p->pages->setup.rooms, p->range.room.key);
	struct store_event events[HISTORY_EVENTS_MAX];
	struct store_page page;
	bool has = r && room_page(r, &p->range, &page, events);

	room_set_count_page(p->pages->setup.rooms, has);
	if (has)
		answer(p, &page, page.head);
	return has;
}

static void read_page(struct page *p)
{
	struct pages *all = p->pages;
	unsigned slot = p->range.room.slot;

	if (!journal_holds(all->setup.journal, slot)) {
		refuse(p, ERR_NOT_OWNER);
	} else if (!store_is_up(all->setup.store) ||
		   !journal_is_open(all->setup.journal, slot, &p->epoch)) {
		wait(p, ERR_DB_AWAY);
	} else {
		list_remove(&p->node);
		list_add_last(&all->asked, &p->node);
		store_read(all->setup.store, &p->range, on_read, p);
	}
}

static void on_read(void *owner, enum err e, const struct store_page *read)
{
	struct page *p = owner;
	uint64_t most;
	bool shows = journal_shows(p->pages->setup.journal, p->range.room.key, p->epoch, &most);

	if (e == ERR_DB_REFUSED)
		refuse(p, e);
	else if (e || !shows)
		wait(p, ERR_DB_AWAY);
	else
		answer_read(p, read, most);
}

static void answer_read(struct page *p, const struct store_page *read, uint64_t most)
{
	struct room *r = room_set_find(p->pages->setup.rooms, p->range.room.key);

	if (r)
		room_on_first(r, read->first);
	answer(p, read, most);
}

static void answer(struct page *p, const struct store_page *read, uint64_t most)
{
	struct feed *f = feed_set_find(p->pages->setup.feeds, p->gateway);
	struct buf *out = f && !feed_is_choked(f) ? feed_out(f) : NULL;
	struct buf events;

	if (!out) {
		refuse(p, ERR_OVERLOADED);
		return;
	}
	buf_init(&events, LINK_BATCH_MAX / 2);
	put_events(&events, read, most);
	if (events.over)
		pages_refuse(f, p->ask, ERR_TOO_BIG);
	else
		message_put_history(out, &(struct msg_history){
						 .ask = p->ask,
						 .first = read->first,
						 .head = read->head < most ? read->head : most,
						 .more = read->more,
						 .events = buf_span(&events),
					 });
	buf_fini(&events);
	page_free(p);
}

static void put_events(struct buf *out, const struct store_page *read, uint64_t most)
{
	for (size_t i = 0; i < read->count; i++) {
		const struct store_event *e = &read->events[i];

		if (e->seq > most)
			break;
		item_put_stored(out, &(struct item_stored){
					     .seq = e->seq,
					     .producer = e->producer,
					     .pseq = e->pseq,
					     .type = e->type,
					     .actor = e->actor,
					     .name = e->name,
					     .at_ms = (uint64_t)e->at_ms,
					     .shape = e->shape,
					     .body = e->body,
				     });
	}
}

static void wait(struct page *p, enum err why)
{
	struct pages *all = p->pages;

	if (all->now_ns >= p->until_ns) {
		refuse(p, why);
		return;
	}
	list_remove(&p->node);
	list_add_last(&all->waiting, &p->node);
}

static void refuse(struct page *p, enum err why)
{
	struct feed *f = feed_set_find(p->pages->setup.feeds, p->gateway);

	if (f)
		pages_refuse(f, p->ask, why);
	page_free(p);
}

static void page_free(struct page *p)
{
	list_remove(&p->node);
	p->pages->count--;
	mem_free(p);
}
