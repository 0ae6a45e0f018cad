/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal asks of the store, one of each kind at a time: TAKE for slots in doubt, HEADS
 * for rooms that need them, APPEND for what is staged. */
#include "roomd/journal_inside.h"

#include "common/log.h"
#include "common/mem.h"

#define RETRY_NS (200 * NS_PER_MS) /* after the store refused */
#define ROOMS_MAX 256              /* of one HEADS */

static void on_taken(void *owner, enum err, uint64_t version, const struct store_slot *, size_t);
static void settle_taken(struct journal *, const struct store_slot *, size_t count);
static void fence(struct journal *, unsigned slot);
static void on_heads(void *owner, enum err, const struct store_head *, size_t count);
static size_t fill_batch(struct journal *);
static bool can_append(const struct journal *, const struct journal_event *);
static bool is_based_on_batch(const struct journal_event *);
static void send_batch(struct journal *, size_t count);
static size_t put_slot(const struct journal *, struct store_slot *, size_t count, unsigned slot);
static void on_appended(void *owner, enum err, const struct store_stored *, size_t count);
static void settle(struct journal *, struct journal_event *, const struct store_stored *);
static void settle_stored(struct journal *, struct journal_event *, const struct store_stored *);
static void settle_conflict(struct journal *, const struct journal_event *,
			    const struct store_newer *);
static void give_back(struct journal *, enum err);
static void give_back_one(struct journal *, struct journal_event *, enum err);
static bool is_held_as_sent(const struct journal *, const struct journal_event *);

/* Not while an append is under way: a TAKE would say nothing of it. */
void journal_take(struct journal *j)
{
	unsigned *slots;
	size_t count = 0;

	if (j->tenure.counts[TENURE_PENDING] == 0 || j->taking || j->appending ||
	    j->now_ns < j->take_at_ns)
		return;
	slots = mem_new(SLOTS * sizeof(*slots));
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		j->retaken[slot] = tenure_state(&j->tenure, slot) == TENURE_PENDING;
		if (j->retaken[slot])
			slots[count++] = slot;
	}
	j->taking = true;
	store_take(j->setup.store,
		   &(struct store_claim){j->setup.self, slots, count, j->view_version}, on_taken,
		   j);
	mem_free(slots);
}

static void on_taken(void *owner, enum err e, uint64_t version, const struct store_slot *slots,
		     size_t count)
{
	struct journal *j = owner;

	j->taking = false;
	if (e) {
		j->take_at_ns = j->now_ns + RETRY_NS;
		return;
	}
	log_info("slots_retaken", kv_u64("count", count), kv_u64("version", version));
	if (count > 0)
		j->setup.hooks.on_taken(j->setup.hooks.owner, version, slots, count);
	settle_taken(j, slots, count);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (j->retaken[slot] && tenure_state(&j->tenure, slot) == TENURE_PENDING)
			fence(j, slot);
}

static void settle_taken(struct journal *j, const struct store_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned slot = slots[i].slot;

		if (tenure_state(&j->tenure, slot) != TENURE_PENDING ||
		    slots[i].epoch <= j->tenure.slots[slot].epoch)
			continue;
		j->tenure.slots[slot].epoch = slots[i].epoch;
		(void)tenure_move(&j->tenure, slot, TENURE_TRUST);
	}
}

static void fence(struct journal *j, unsigned slot)
{
	log_info("slot_fenced", kv_u64("slot", slot));
	journal_lose(j, slot);
	j->setup.hooks.on_fenced(j->setup.hooks.owner, slot);
}

void journal_load(struct journal *j)
{
	struct store_room rooms[ROOMS_MAX];
	size_t count = 0;

	if (j->loading || j->now_ns < j->load_at_ns)
		return;
	LIST_EACH (&j->wanted, it, ahead) {
		struct journal_room *r = container_of(it, struct journal_room, of_heads);

		if (tenure_state(&j->tenure, r->slot) != TENURE_OPEN || count == ROOMS_MAX)
			continue;
		list_remove(it);
		list_add_last(&j->asked, it);
		r->state = ROOM_LOADING;
		r->place = count;
		rooms[count++] = (struct store_room){r->slot, journal_key(r)};
	}
	j->loading = count > 0;
	if (j->loading)
		store_heads(j->setup.store, rooms, count, on_heads, j);
}

/* Rooms whose heads came to be in doubt meanwhile are on the list no more. */
static void on_heads(void *owner, enum err e, const struct store_head *heads, size_t count)
{
	struct journal *j = owner;

	j->loading = false;
	if (e)
		j->load_at_ns = j->now_ns + RETRY_NS;
	while (!list_is_empty(&j->asked)) {
		struct journal_room *r = container_of(j->asked.next, struct journal_room, of_heads);

		list_remove(&r->of_heads);
		if (e) {
			journal_room_reset(j, r);
			continue;
		}
		must(r->place < count);
		r->state = ROOM_READY;
		r->head = heads[r->place].seq;
		r->first = heads[r->place].first;
		if (r->watched)
			j->setup.hooks.on_head(j->setup.hooks.owner, journal_key(r),
					       &heads[r->place]);
	}
}

void journal_append(struct journal *j)
{
	if (j->appending || j->now_ns < j->append_at_ns || list_is_empty(&j->staged))
		return;
	size_t count = fill_batch(j);

	if (count > 0)
		send_batch(j, count);
}

/* From the oldest on. What cannot go holds up its own room, and that only. */
static size_t fill_batch(struct journal *j)
{
	size_t most = j->solo > 0 ? 1 : JOURNAL_BATCH_EVENTS, count = 0, bytes = 0;

	j->batches++;
	LIST_EACH (&j->staged, it, ahead) {
		struct journal_event *e = container_of(it, struct journal_event, node);

		if (count == most)
			break;
		if (!can_append(j, e))
			continue;
		if (is_based_on_batch(e))
			e->room->held_by = j->batches;
		if (e->room->held_by == j->batches)
			continue;
		if (count > 0 && bytes + e->size > JOURNAL_BATCH_BYTES)
			break;
		list_remove(it);
		list_add_last(&j->batch, it);
		e->epoch = j->tenure.slots[e->room->slot].epoch;
		count++;
		bytes += e->size;
	}
	return count;
}

static bool can_append(const struct journal *j, const struct journal_event *e)
{
	return tenure_state(&j->tenure, e->room->slot) == TENURE_OPEN &&
	       e->room->state == ROOM_READY;
}

/* Its base is compared with what is stored, which that of its own batch is not yet. */
static bool is_based_on_batch(const struct journal_event *e)
{
	if (e->event.base == 0)
		return false;
	LIST_EACH (&e->room->events, it, ahead) {
		const struct journal_event *earlier =
			container_of(it, struct journal_event, of_room);

		if (earlier == e)
			break;
		if (earlier->epoch != 0 && span_eq(earlier->event.type, e->event.type) &&
		    span_eq(earlier->event.field, e->event.field))
			return true;
	}
	return false;
}

static void send_batch(struct journal *j, size_t count)
{
	struct store_append *events = mem_new(count * sizeof(*events));
	struct store_slot *slots = mem_new(count * sizeof(*slots));
	struct store_batch batch = {.owner = j->setup.self, .slots = slots, .events = events};

	LIST_EACH (&j->batch, it, ahead) {
		const struct journal_event *e = container_of(it, struct journal_event, node);
		const struct journal_room *r = e->room;

		events[batch.count++] = (struct store_append){
			.room = {r->slot, journal_key(r)}, .head = r->head, .event = e->event};
		batch.slot_count = put_slot(j, slots, batch.slot_count, r->slot);
	}
	must(batch.count == count);
	j->appending = true;
	store_append(j->setup.store, &batch, on_appended, j);
	mem_free(slots);
	mem_free(events);
}

static size_t put_slot(const struct journal *j, struct store_slot *slots, size_t count,
		       unsigned slot)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i].slot == slot)
			return count;
	slots[count] = (struct store_slot){slot, j->setup.self, j->tenure.slots[slot].epoch};
	return count + 1;
}

static void on_appended(void *owner, enum err e, const struct store_stored *stored, size_t count)
{
	struct journal *j = owner;

	j->appending = false;
	if (e == ERR_DB_AWAY)
		j->append_at_ns = j->now_ns + RETRY_NS;
	if (e) {
		give_back(j, e);
		return;
	}
	if (j->solo > 0)
		j->solo--;
	for (size_t i = 0; i < count; i++) {
		must(!list_is_empty(&j->batch));
		settle(j, container_of(j->batch.next, struct journal_event, node), &stored[i]);
	}
}

static void settle(struct journal *j, struct journal_event *e, const struct store_stored *stored)
{
	if (is_held_as_sent(j, e)) {
		if (stored->newer.seq > 0)
			settle_conflict(j, e, &stored->newer);
		else if (stored->seq == 0)
			fence(j, e->room->slot); /* refuses this one too */
		else
			settle_stored(j, e, stored);
	}
	journal_drop(j, e);
}

static void settle_stored(struct journal *j, struct journal_event *e,
			  const struct store_stored *stored)
{
	const struct journal_asker asker = {e->gateway, journal_key(e->room), &e->event};

	e->event.seq = stored->seq;
	if (!stored->known) {
		must(stored->seq == e->room->head + 1);
		e->room->head = stored->seq;
		j->setup.hooks.on_event(j->setup.hooks.owner, asker.room, &e->event);
	}
	j->setup.hooks.on_ack(j->setup.hooks.owner, &asker);
}

static void settle_conflict(struct journal *j, const struct journal_event *e,
			    const struct store_newer *newer)
{
	const struct journal_asker asker = {e->gateway, journal_key(e->room), &e->event};

	j->setup.hooks.on_conflict(j->setup.hooks.owner, &asker, newer);
}

/* Not stored, or perhaps not: in front of what was staged since, in the same order. */
static void give_back(struct journal *j, enum err why)
{
	bool was_alone = j->batch.next->next == &j->batch;
	size_t count = 0;

	while (!list_is_empty(&j->batch)) {
		struct journal_event *e = container_of(j->batch.prev, struct journal_event, node);

		count++;
		if (why == ERR_DB_REFUSED && was_alone && e->room)
			journal_refuse(j, e, ERR_DB_REFUSED);
		if (!e->room || e->refused)
			journal_drop(j, e);
		else
			give_back_one(j, e, why);
	}
	if (why == ERR_DB_REFUSED) /* find the one that it was */
		j->solo = was_alone ? j->solo - (j->solo > 0) : count;
}

static void give_back_one(struct journal *j, struct journal_event *e, enum err why)
{
	unsigned slot = e->room->slot;

	e->epoch = 0;
	list_remove(&e->node);
	list_add_before(j->staged.next, &e->node);
	if (why == ERR_DB_UNKNOWN && tenure_move(&j->tenure, slot, TENURE_DOUBT))
		journal_slot_reset(j, slot);
	else if (why == ERR_DB_REFUSED)
		journal_room_reset(j, e->room);
}

/* False: its slot was lost meanwhile, its publisher told, and this answer says nothing any more. */
static bool is_held_as_sent(const struct journal *j, const struct journal_event *e)
{
	return e->room && j->tenure.slots[e->room->slot].epoch == e->epoch;
}
