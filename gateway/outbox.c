/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/outbox.h"

#include "common/mem.h"

struct entry {
	struct list of_outbox;
	struct list of_droppables; /* on no list when it may not be dropped */
	struct payload *payload;
	size_t sent;
};

static unsigned replace(struct outbox *o, uint64_t key);
static bool make_room(struct outbox *o, size_t bytes, unsigned *dropped);
static void settle(struct outbox *o, struct entry *e);
static size_t cost(const struct entry *e);
static void entry_free(struct outbox *o, struct entry *e);

void outbox_init(struct outbox *o, size_t max_bytes)
{
	list_init(&o->entries);
	list_init(&o->droppables);
	map_init(&o->by_key);
	o->bytes = 0;
	o->max_bytes = max_bytes;
}

void outbox_fini(struct outbox *o)
{
	LIST_EACH (&o->entries, node, ahead)
		entry_free(o, container_of(node, struct entry, of_outbox));
	must(o->bytes == 0);
	map_fini(&o->by_key);
}

enum err outbox_push(struct outbox *o, struct payload *payload, size_t sent, bool droppable,
		     struct outbox_loss *loss)
{
	bool is_whole = sent == 0;

	must(sent <= payload->len);
	*loss = (struct outbox_loss){.replaced = is_whole ? replace(o, payload->key) : 0};
	if (!payload->owed &&
	    !make_room(o, payload->len - sent + OUTBOX_ENTRY_COST, &loss->dropped)) {
		if (!droppable || !is_whole)
			return ERR_TOO_SLOW;
		loss->dropped++;
		return OK;
	}
	struct entry *e = mem_new(sizeof *e);

	e->payload = payload_ref(payload);
	e->sent = sent;
	list_init(&e->of_outbox);
	list_add_last(&o->entries, &e->of_outbox);
	list_init(&e->of_droppables);
	if (droppable && is_whole)
		list_add_last(&o->droppables, &e->of_droppables);
	if (payload->key && is_whole)
		map_add_u64(&o->by_key, payload->key, e);
	o->bytes += cost(e);
	return OK;
}

bool outbox_is_empty(const struct outbox *o)
{
	return list_is_empty(&o->entries);
}

struct payload *outbox_first(const struct outbox *o, size_t *sent)
{
	must(!outbox_is_empty(o));
	const struct entry *e = container_of(o->entries.next, struct entry, of_outbox);

	*sent = e->sent;
	return e->payload;
}

void outbox_sent(struct outbox *o, size_t sent)
{
	must(!outbox_is_empty(o));
	struct entry *e = container_of(o->entries.next, struct entry, of_outbox);

	must(sent >= e->sent && sent <= e->payload->len);
	if (sent == e->payload->len) {
		entry_free(o, e);
		return;
	}
	o->bytes -= cost(e);
	e->sent = sent;
	o->bytes += cost(e);
	if (sent > 0)
		settle(o, e);
}

/* How many: at most one waits under a key. */
static unsigned replace(struct outbox *o, uint64_t key)
{
	struct entry *e = key ? map_find_u64(&o->by_key, key) : NULL;

	if (!e)
		return 0;
	entry_free(o, e);
	return 1;
}

/* Gives up droppable entries until `bytes` more fit. False: not even then, and nothing was given up
 * in vain. */
static bool make_room(struct outbox *o, size_t bytes, unsigned *dropped)
{
	size_t kept = o->bytes;

	LIST_EACH (&o->droppables, node, ahead) {
		if (kept + bytes <= o->max_bytes)
			break;
		kept -= cost(container_of(node, struct entry, of_droppables));
	}
	if (kept + bytes > o->max_bytes)
		return false;
	while (o->bytes + bytes > o->max_bytes) {
		entry_free(o, container_of(o->droppables.next, struct entry, of_droppables));
		++*dropped;
	}
	return true;
}

static size_t cost(const struct entry *e)
{
	if (e->payload->owed)
		return 0;
	return e->payload->len - e->sent + OUTBOX_ENTRY_COST;
}

/* It will leave: it has begun to, or does so now. */
static void settle(struct outbox *o, struct entry *e)
{
	list_remove(&e->of_droppables);
	if (e->payload->key && map_find_u64(&o->by_key, e->payload->key) == e)
		(void)map_remove_u64(&o->by_key, e->payload->key);
}

static void entry_free(struct outbox *o, struct entry *e)
{
	settle(o, e);
	o->bytes -= cost(e);
	list_remove(&e->of_outbox);
	payload_free(&e->payload);
	mem_free(e);
}
