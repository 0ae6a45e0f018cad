/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/publications.h"

#include "common/log.h"
#include "common/mem.h"
#include "proto/slot.h"

#define PAGE_ROWS 128
#define POLL_NS (1 * NS_PER_S) /* a notification may be lost with its connection */
/* Longer than anything stays in the journal: whatever became of the page, the table has what is
 * left. */
#define PATIENCE_NS (JOURNAL_HOLD_NS + NS_PER_S)

struct publications {
	incarnation_id self;
	struct store *store;
	struct journal *journal;
	bool asking, hinted;
	size_t under_way; /* staged, and neither stored nor refused yet */
	int64_t now_ns, poll_at_ns, staged_ns;
};

static void on_rows(void *owner, enum err, const struct store_publication *, size_t count);
static size_t place(struct publications *, const struct store_publication *, size_t count);
static void on_placed(void *owner, enum err, uint64_t version);
static bool stage(struct publications *, const struct store_publication *);

struct publications *publications_new(incarnation_id self, struct store *store,
				      struct journal *journal)
{
	struct publications *o = mem_new(sizeof *o);

	o->self = self;
	o->store = store;
	o->journal = journal;
	return o;
}

void publications_free(struct publications **po)
{
	mem_free(*po);
	*po = NULL;
}

void publications_on_hint(struct publications *o)
{
	o->hinted = true;
}

void publications_on_settled(struct publications *o, const struct journal_asker *asker)
{
	if (asker->event->publication && o->under_way > 0)
		o->under_way--;
}

void publications_turn(struct publications *o, int64_t now_ns)
{
	o->now_ns = now_ns;
	if (o->asking || !store_is_up(o->store) || (!o->hinted && now_ns < o->poll_at_ns))
		return;
	if (o->under_way > 0 && now_ns < o->staged_ns + PATIENCE_NS)
		return;
	o->under_way = 0;
	o->asking = true;
	o->hinted = false;
	o->poll_at_ns = now_ns + POLL_NS;
	store_publications(o->store, o->self, PAGE_ROWS, on_rows, o);
}

static void on_rows(void *owner, enum err e, const struct store_publication *rows, size_t count)
{
	struct publications *o = owner;

	o->asking = false;
	if (e || count == 0 || place(o, rows, count) > 0)
		return;
	o->hinted = true; /* there may be more */
	o->staged_ns = o->now_ns;
	for (size_t i = 0; i < count; i++)
		if (!stage(o, &rows[i]))
			return; /* nothing may overtake it: all that is left comes with the next
				   page */
}

/* Before anything is staged: a row without a slot may be of the same room as one with it. */
static size_t place(struct publications *o, const struct store_publication *rows, size_t count)
{
	struct store_room rooms[PAGE_ROWS];
	size_t unplaced = 0;

	for (size_t i = 0; i < count && unplaced < PAGE_ROWS; i++)
		if (!rows[i].placed)
			rooms[unplaced++] =
				(struct store_room){slot_of(rows[i].room), rows[i].room};
	if (unplaced > 0) {
		o->asking = true;
		store_place(o->store, rooms, unplaced, on_placed, o);
	}
	return unplaced;
}

static void on_placed(void *owner, enum err e, uint64_t version)
{
	struct publications *o = owner;

	(void)version;
	o->asking = false;
	o->hinted = e == OK;
}

static bool stage(struct publications *o, const struct store_publication *row)
{
	const struct journal_asker asker = {.room = row->room, .event = &row->event};

	if (!journal_holds(o->journal, slot_of(row->room)))
		return true; /* another's by now */
	enum err e = journal_stage(o->journal, &asker, o->now_ns);

	if (e)
		log_debug("publication_waits", kv_str("why", err_name(e)));
	else
		o->under_way++;
	return e == OK;
}
