/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/journal_inside.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "proto/slot.h"

static struct journal_event *find(struct journal_room *, const struct store_event *);
static bool has_room(const struct journal *, const struct journal_room *, size_t size);
static struct journal_event *event_new(const struct store_event *, size_t size);
static struct span copy(uint8_t **at, struct span);
static size_t size_of(const struct store_event *);
static void lose_events(struct journal *, struct journal_room *);
static void expire(struct journal *);

struct journal *journal_new(const struct journal_setup *setup)
{
	struct journal *j = mem_new(sizeof(*j));

	j->setup = *setup;
	tenure_init(&j->tenure);
	map_init(&j->rooms);
	list_init(&j->wanted);
	list_init(&j->asked);
	list_init(&j->staged);
	list_init(&j->batch);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		list_init(&j->slots[slot]);
	return j;
}

void journal_free(struct journal **pj)
{
	struct journal *j = *pj;

	if (!j)
		return;
	*pj = NULL;
	LIST_EACH (&j->staged, it, ahead)
		journal_drop(j, container_of(it, struct journal_event, node));
	LIST_EACH (&j->batch, it, ahead)
		journal_drop(j, container_of(it, struct journal_event, node));
	for (unsigned slot = 0; slot < SLOTS; slot++)
		LIST_EACH (&j->slots[slot], it, ahead) {
			struct journal_room *r = container_of(it, struct journal_room, of_slot);

			r->watched = false;
			journal_forget(j, r);
		}
	map_fini(&j->rooms);
	mem_free(j);
}

/* While the slot is being taken again, `epoch` is over by the time anything could be written under
 * it: the answer to the TAKE says which one follows. */
void journal_gain(struct journal *j, unsigned slot, uint64_t epoch)
{
	journal_lose(j, slot);
	(void)tenure_move(&j->tenure, slot, TENURE_GAIN);
	if (!j->taking || !j->retaken[slot])
		(void)tenure_move(&j->tenure, slot, TENURE_TRUST);
	j->tenure.slots[slot].epoch = j->tenure.slots[slot].since = epoch;
}

/* What is under way may be stored or not: whoever publishes it again, elsewhere, will see. */
void journal_lose(struct journal *j, unsigned slot)
{
	(void)tenure_move(&j->tenure, slot, TENURE_LOSE);
	LIST_EACH (&j->slots[slot], it, ahead) {
		struct journal_room *r = container_of(it, struct journal_room, of_slot);

		lose_events(j, r);
		r->state = ROOM_UNLOADED;
		r->watched = false;
		journal_forget(j, r);
	}
}

void journal_hold(struct journal *j, unsigned slot)
{
	(void)tenure_move(&j->tenure, slot, TENURE_HOLD);
}

void journal_resume(struct journal *j, unsigned slot)
{
	if (tenure_move(&j->tenure, slot, TENURE_RESUME))
		journal_slot_reset(j, slot);
}

bool journal_holds(const struct journal *j, unsigned slot)
{
	return tenure_state(&j->tenure, slot) != TENURE_ABSENT;
}

uint64_t journal_since(const struct journal *j, unsigned slot)
{
	return j->tenure.slots[slot].since;
}

bool journal_is_open(const struct journal *j, unsigned slot, uint64_t *epoch)
{
	*epoch = j->tenure.slots[slot].epoch;
	return tenure_state(&j->tenure, slot) == TENURE_OPEN;
}

bool journal_is_writing(const struct journal *j, unsigned slot)
{
	LIST_EACH (&j->batch, it, ahead) {
		const struct journal_event *e = container_of(it, struct journal_event, node);

		if (e->room && e->room->slot == slot)
			return true;
	}
	return false;
}

void journal_on_connection(struct journal *j)
{
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (tenure_move(&j->tenure, slot, TENURE_DOUBT))
			journal_slot_reset(j, slot);
}

enum err journal_stage(struct journal *j, const struct journal_asker *asker, int64_t now_ns)
{
	struct journal_room *r = journal_room(j, asker->room);
	struct journal_event *e = find(r, asker->event);
	size_t size = size_of(asker->event);

	if (!e && !has_room(j, r, size)) {
		journal_forget(j, r);
		return ERR_OVERLOADED;
	}
	bool is_said_again = e && !e->refused;

	if (!e) {
		e = event_new(asker->event, size);
		e->room = r;
		list_add_last(&r->events, &e->of_room);
		list_add_last(&j->staged, &e->node);
		r->count++;
		r->bytes += size;
		j->count++;
		j->bytes += size;
	}
	e->gateway = asker->gateway;
	if (!is_said_again)
		e->until_ns = now_ns + JOURNAL_HOLD_NS;
	e->refused = false;
	return OK;
}

void journal_turn(struct journal *j, uint64_t view_version, int64_t now_ns)
{
	j->now_ns = now_ns;
	j->view_version = view_version;
	expire(j);
	if (!store_is_up(j->setup.store))
		return;
	journal_take(j);
	journal_load(j);
	journal_append(j);
}

size_t journal_staged(const struct journal *j)
{
	return j->count;
}

size_t journal_staged_bytes(const struct journal *j)
{
	return j->bytes;
}

int64_t journal_staged_ns(const struct journal *j)
{
	const struct list *oldest = list_is_empty(&j->batch) ? &j->staged : &j->batch;

	if (list_is_empty(oldest))
		return 0;
	return container_of(oldest->next, struct journal_event, node)->until_ns - JOURNAL_HOLD_NS;
}

void journal_refuse(struct journal *j, struct journal_event *e, enum err why)
{
	const struct journal_asker asker = {e->gateway, journal_key(e->room), &e->event};

	if (!e->refused)
		j->setup.hooks.on_refused(j->setup.hooks.owner, &asker, why);
	e->refused = true;
}

void journal_drop(struct journal *j, struct journal_event *e)
{
	struct journal_room *r = e->room;

	list_remove(&e->node);
	list_remove(&e->of_room);
	j->count--;
	j->bytes -= e->size;
	if (r) {
		r->count--;
		r->bytes -= e->size;
		journal_forget(j, r);
	}
	mem_free(e);
}

static struct journal_event *find(struct journal_room *r, const struct store_event *wanted)
{
	LIST_EACH (&r->events, it, ahead) {
		struct journal_event *e = container_of(it, struct journal_event, of_room);

		if (e->event.pseq == wanted->pseq && span_eq(e->event.producer, wanted->producer))
			return e;
	}
	return NULL;
}

static bool has_room(const struct journal *j, const struct journal_room *r, size_t size)
{
	return r->count < JOURNAL_ROOM_EVENTS &&
	       (r->count == 0 || r->bytes + size <= JOURNAL_ROOM_BYTES) &&
	       (j->count == 0 || j->bytes + size <= JOURNAL_BYTES);
}

static struct journal_event *event_new(const struct store_event *from, size_t size)
{
	struct journal_event *e = mem_new(sizeof(*e) + size);
	uint8_t *at = e->bytes;

	list_init(&e->node);
	list_init(&e->of_room);
	e->size = size;
	e->event = *from;
	e->event.producer = copy(&at, from->producer);
	e->event.type = copy(&at, from->type);
	e->event.actor = copy(&at, from->actor);
	e->event.name = copy(&at, from->name);
	e->event.field = copy(&at, from->field);
	e->event.body = copy(&at, from->body);
	return e;
}

static struct span copy(uint8_t **at, struct span bytes)
{
	struct span out = span_of(*at, bytes.len);

	if (bytes.len > 0)
		memcpy(*at, bytes.p, bytes.len);
	*at += bytes.len;
	return out;
}

static size_t size_of(const struct store_event *e)
{
	return e->producer.len + e->type.len + e->actor.len + e->name.len + e->field.len +
	       e->body.len;
}

static void lose_events(struct journal *j, struct journal_room *r)
{
	LIST_EACH (&r->events, it, ahead) {
		struct journal_event *e = container_of(it, struct journal_event, of_room);

		journal_refuse(j, e, ERR_NOT_OWNER);
		list_remove(&e->of_room);
		r->count--;
		r->bytes -= e->size;
		e->room = NULL;
		if (e->epoch == 0) /* the store was not asked */
			journal_drop(j, e);
	}
}

/* The oldest are first, but for those that were said again after a refusal. */
static void expire(struct journal *j)
{
	LIST_EACH (&j->staged, it, ahead) {
		struct journal_event *e = container_of(it, struct journal_event, node);

		if (j->now_ns < e->until_ns)
			continue;
		journal_refuse(j, e, ERR_DB_AWAY);
		journal_drop(j, e);
	}
	LIST_EACH (&j->batch, it, ahead) {
		struct journal_event *e = container_of(it, struct journal_event, node);

		if (e->room && j->now_ns >= e->until_ns)
			journal_refuse(j, e, ERR_DB_AWAY);
	}
}
