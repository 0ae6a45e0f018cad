/* SPDX-License-Identifier: Apache-2.0 */
/* What roomd/schema/0006_event_fields.sql does. The lock that APPEND holds on its slots until it
 * commits is here the moment at which it runs: check and insert are one step. */
#include <string.h>

#include "common/mem.h"
#include "proto/slot.h"
#include "tests/sim/database.h"
#include "tests/sim/world.h"

static bool passes(const struct database *, const struct statement *, unsigned slot);
static bool passes_now(const struct database *, const struct statement *, unsigned slot);
static bool is_lost(struct database *);
static uint64_t newer(const struct database *, const struct database_event *);
static struct database_event *find(const struct database *, const struct database_event *);
static void insert(struct database *, const struct database_event *, uint64_t seq);
static uint64_t head_of(const struct database *, const char *room);
static uint64_t head_at(const struct database *, const char *room, int64_t at_ns);

#define STALE_NS (20 * NS_PER_MS)

void database_take(struct database *db, struct statement *q)
{
	const struct view_member *by = database_member(db, q->by);
	size_t count = 0;

	q->version = database_bump(db, q->since);
	if (mutant_is(db->world->mutant, MUTANT_TAKE_IDLE))
		return;
	for (size_t i = 0; i < q->slot_count; i++) {
		struct database_slot *slot = &db->slots[q->slots[i].slot];

		if (slot->owner.v != q->by.v || !by ||
		    (by->state != MEMBER_ACTIVE && by->state != MEMBER_DRAINING))
			continue;
		slot->epoch++;
		slot->version = db->slot_version = q->version;
		q->slots[count++] = (struct store_slot){q->slots[i].slot, slot->owner, slot->epoch};
	}
	q->slot_count = count;
}

/* With the lock it makes no difference when owner and epoch are looked at; the mutant has none, and
 * looks now. */
void database_begin(struct database *db, struct statement *q, int64_t until_ns)
{
	for (size_t i = 0; q->kind == STATEMENT_APPEND && i < q->slot_count; i++) {
		struct database_slot *slot = &db->slots[q->slots[i].slot];
		bool passed = passes(db, q, q->slots[i].slot);

		q->slots[i].owner.v = passed;
		if (passed && slot->shared_ns < until_ns &&
		    !mutant_is(db->world->mutant, MUTANT_APPEND_UNSHARED))
			slot->shared_ns = until_ns;
	}
}

int64_t database_free_ns(const struct database *db, const struct statement *q)
{
	int64_t free_ns = 0;

	for (size_t i = 0; q->kind == STATEMENT_ASSIGN && i < q->count; i++)
		if (free_ns < db->slots[q->moves[i].slot].shared_ns)
			free_ns = db->slots[q->moves[i].slot].shared_ns;
	for (size_t i = 0; q->kind == STATEMENT_TAKE && i < q->slot_count; i++)
		if (free_ns < db->slots[q->slots[i].slot].shared_ns)
			free_ns = db->slots[q->slots[i].slot].shared_ns;
	return free_ns;
}

void database_append(struct database *db, struct statement *q)
{
	for (size_t i = 0; i < q->count; i++) {
		struct database_event *e = &q->events[i];
		const struct database_event *known = find(db, e);
		uint64_t seq = e->head + 1;

		if (!passes_now(db, q, slot_of(span_str(e->room))))
			continue;
		for (size_t j = 0; j < i; j++)
			seq += !strcmp(q->events[j].room, e->room) && q->events[j].stored.seq > 0 &&
			       !q->events[j].stored.known;
		e->stored.newer.seq = known ? 0 : newer(db, e);
		if (e->stored.newer.seq > 0)
			continue;
		e->stored = (struct store_stored){.seq = known ? known->seq : seq, .known = known};
		if (!known && !is_lost(db))
			insert(db, e, seq);
	}
}

void database_heads(struct database *db, struct statement *q)
{
	bool stale = mutant_is(db->world->mutant, MUTANT_HEADS_STALE);
	int64_t at_ns = db->world->sim.now_ns - (stale ? STALE_NS : 0);

	for (size_t i = 0; i < q->count; i++)
		q->events[i].head = head_at(db, q->events[i].room, at_ns);
}

void database_read(struct database *db, struct statement *q)
{
	const char *room = q->events[0].room;
	bool backward = q->range.before > 0;
	size_t limit = q->range.limit, count = 0;
	struct database_event *page = mem_new((limit + 1) * sizeof *page);

	memcpy(page[0].room, room, sizeof page[0].room);
	q->head = head_of(db, room);
	q->first = 1;
	for (size_t n = 0; n < db->event_count; n++) {
		const struct database_event *e =
			&db->events[backward ? db->event_count - 1 - n : n];

		if (strcmp(e->room, room) != 0 ||
		    (backward ? e->seq >= q->range.before : e->seq <= q->range.after))
			continue;
		q->more = count == limit;
		if (q->more)
			break;
		if (backward)
			memmove(page + 1, page, count * sizeof *page);
		page[backward ? 0 : count] = *e;
		page[backward ? 0 : count].body = mem_str(e->body);
		count++;
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

static bool passes_now(const struct database *db, const struct statement *q, unsigned slot)
{
	if (!mutant_is(db->world->mutant, MUTANT_APPEND_UNSHARED))
		return passes(db, q, slot);
	for (size_t i = 0; i < q->slot_count; i++)
		if (q->slots[i].slot == slot)
			return q->slots[i].owner.v;
	return false;
}

static bool is_lost(struct database *db)
{
	return mutant_is(db->world->mutant, MUTANT_ACK_EARLY) &&
	       sim_chance(&db->world->sim, SIM_DATABASE, 50);
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

/* 0: nothing that it conflicts with. */
static uint64_t newer(const struct database *db, const struct database_event *than)
{
	for (size_t i = db->event_count; i-- > 0 && than->base > 0;) {
		const struct database_event *e = &db->events[i];

		if (e->seq >= than->base && !strcmp(e->room, than->room) &&
		    !strcmp(e->type, than->type) && !strcmp(e->field, than->field))
			return e->seq;
	}
	return 0;
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
	db->events[db->event_count].stored_ns = db->world->sim.now_ns;
	db->events[db->event_count++].seq = seq;
	publication_on_stored(&db->world->publications, span_str(e->room), seq, span_str(e->body));
}

static uint64_t head_of(const struct database *db, const char *room)
{
	return head_at(db, room, db->world->sim.now_ns);
}

static uint64_t head_at(const struct database *db, const char *room, int64_t at_ns)
{
	uint64_t head = 0;

	for (size_t i = 0; i < db->event_count; i++)
		if (db->events[i].seq > head && db->events[i].stored_ns <= at_ns &&
		    !strcmp(db->events[i].room, room))
			head = db->events[i].seq;
	return head;
}
