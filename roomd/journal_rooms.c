/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal knows of rooms: made when somebody listens or publishes, forgotten when nobody
 * does. */
#include "roomd/journal_inside.h"

#include <string.h>

#include "common/mem.h"
#include "proto/slot.h"

static void want(struct journal *, struct journal_room *);

bool journal_watch(struct journal *j, struct span room, struct store_head *head)
{
	struct journal_room *r = journal_room(j, room);

	r->watched = true;
	*head = (struct store_head){r->head, r->first};
	return r->state == ROOM_READY;
}

void journal_unwatch(struct journal *j, struct span room)
{
	struct journal_room *r = map_find(&j->rooms, room);

	if (!r)
		return;
	r->watched = false;
	journal_forget(j, r);
}

bool journal_has_staged(const struct journal *j, struct span room)
{
	const struct journal_room *r = map_find(&j->rooms, room);

	return r && r->count > 0;
}

/* Nothing is under way in a room of which nothing is known. */
bool journal_shows(const struct journal *j, struct span room, uint64_t epoch, uint64_t *most)
{
	const struct journal_room *r = map_find(&j->rooms, room);
	unsigned slot = slot_of(room);

	*most = r && r->state == ROOM_READY ? r->head : UINT64_MAX;
	return tenure_state(&j->tenure, slot) == TENURE_OPEN &&
	       j->tenure.slots[slot].epoch == epoch;
}

struct span journal_key(const struct journal_room *r)
{
	return span_of(r->key, r->key_len);
}

struct journal_room *journal_room(struct journal *j, struct span key)
{
	struct journal_room *r = map_find(&j->rooms, key);

	if (r)
		return r;
	r = mem_new(sizeof(*r));
	r->key = mem_copy(key.p, key.len);
	r->key_len = key.len;
	r->slot = slot_of(key);
	list_init(&r->events);
	list_init(&r->of_heads);
	list_init(&r->of_slot);
	list_add_last(&j->slots[r->slot], &r->of_slot);
	map_add(&j->rooms, journal_key(r), r);
	want(j, r);
	return r;
}

void journal_forget(struct journal *j, struct journal_room *r)
{
	if (r->watched || r->count > 0)
		return;
	(void)map_remove(&j->rooms, journal_key(r));
	list_remove(&r->of_slot);
	list_remove(&r->of_heads);
	mem_free(r->key);
	mem_free(r);
}

void journal_room_reset(struct journal *j, struct journal_room *r)
{
	r->state = ROOM_UNLOADED;
	want(j, r);
}

void journal_slot_reset(struct journal *j, unsigned slot)
{
	LIST_EACH (&j->slots[slot], it, ahead)
		journal_room_reset(j, container_of(it, struct journal_room, of_slot));
}

static void want(struct journal *j, struct journal_room *r)
{
	list_remove(&r->of_heads);
	list_add_last(&j->wanted, &r->of_heads);
}
