/* SPDX-License-Identifier: Apache-2.0 */
/* What roomd/schema/0004_events.sql does. The lock that APPEND holds on its slots until it commits
 * is here the moment at which it runs: check and insert are one step. */
#include <string.h>

#include "common/mem.h"
#include "proto/slot.h"
#include "tests/sim/database.h"
#include "tests/sim/world.h"

static bool passes(const struct database *, const struct statement *, unsigned slot);
static struct database_event *find(const struct database *, const struct database_event *);
static void insert(struct database *, const struct database_event *, uint64_t seq);
static uint64_t head_of(const struct database *, const char *room);

void database_take(struct database *db, struct statement *q)
{
	const struct view_member *by = database_member(db, q->by);
	size_t count = 0;

	q->version = database_bump(db, q->since);
	for (size_t i = 0; i < q->slot_count; i++) {
		struct database_slot *slot = &db->slots[q->slots[i].slot];

		if (slot->owner.v != q->by.v || !by ||
		    (by->state != MEMBER_ACTIVE && by->state != MEMBER_DRAINING))
			continue;
		slot->epoch++;
		slot->version = q->version;
		q->slots[count++] = (struct store_slot){q->slots[i].slot, slot->owner, slot->epoch};
	}
	q->slot_count = count;
}

void database_append(struct database *db, struct statement *q)
{
	for (size_t i = 0; i < q->count; i++) {
		struct database_event *e = &q->events[i];
		const struct database_event *known = find(db, e);
		uint64_t seq = e->head + 1;

		if (!passes(db, q, slot_of(span_str(e->room))))
			continue;
		for (size_t j = 0; j < i; j++)
			seq += !strcmp(q->events[j].room, e->room) && !q->events[j].stored.known;
		e->stored = (struct store_stored){known ? known->seq : seq, known};
		if (!known)
			insert(db, e, seq);
	}
}

void database_heads(struct database *db, struct statement *q)
{
	for (size_t i = 0; i < q->count; i++)
		q->events[i].head = head_of(db, q->events[i].room);
}

void database_read(struct database *db, struct statement *q)
{
	const char *room = q->events[0].room;
	size_t limit = q->limit, count = 0;
	struct database_event *page = mem_new((limit + 1) * sizeof *page);

	memcpy(page[0].room, room, sizeof page[0].room);
	for (size_t i = 0; i < db->event_count && count < limit; i++) {
		const struct database_event *e = &db->events[i];

		if (strcmp(e->room, room) != 0 || e->seq <= q->since)
			continue;
		page[count] = *e;
		page[count++].body = mem_str(e->body);
	}
	database_free_events(&q->events, 1);
	q->events = page;
	q->event_count = count;
	q->count = 1;
}

void database_free_events(struct database_event **pevents, size_t count)
{
	for (size_t i = 0; *pevents && i < count; i++)
		mem_free((*pevents)[i].body);
	mem_free(*pevents);
	*pevents = NULL;
}

static bool passes(const struct database *db, const struct statement *q, unsigned slot)
{
	for (size_t i = 0; i < q->slot_count; i++)
		if (q->slots[i].slot == slot)
			return db->slots[slot].owner.v == q->by.v &&
			       db->slots[slot].epoch == q->slots[i].epoch;
	return false;
}

static struct database_event *find(const struct database *db, const struct database_event *wanted)
{
	for (size_t i = 0; i < db->event_count; i++) {
		struct database_event *e = &db->events[i];

		if (e->pseq == wanted->pseq && !strcmp(e->producer, wanted->producer) &&
		    !strcmp(e->room, wanted->room))
			return e;
	}
	return NULL;
}

/* The primary key: two of one seq are refused there, so a run that gets here has found a fault. */
static void insert(struct database *db, const struct database_event *e, uint64_t seq)
{
	if (seq != head_of(db, e->room) + 1)
		sim_violate(&db->world->sim, "numbered", "%s: %llu is stored after %llu", e->room,
			    (unsigned long long)seq, (unsigned long long)head_of(db, e->room));
	if (db->event_count == db->event_cap) {
		db->event_cap = db->event_cap ? 2 * db->event_cap : 64;
		db->events = mem_grow(db->events, db->event_cap * sizeof *db->events);
	}
	db->events[db->event_count] = *e;
	db->events[db->event_count].body = mem_str(e->body);
	db->events[db->event_count++].seq = seq;
}

static uint64_t head_of(const struct database *db, const char *room)
{
	uint64_t head = 0;

	for (size_t i = 0; i < db->event_count; i++)
		if (db->events[i].seq > head && !strcmp(db->events[i].room, room))
			head = db->events[i].seq;
	return head;
}
