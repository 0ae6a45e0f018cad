/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/outbox.h"

#include "common/mem.h"

struct entry {
	struct list of_outbox;
	struct list of_droppables; /* on no list when it may not be dropped */
	struct payload *payload;
	size_t sent;
};

static bool make_room(struct outbox *o, size_t bytes, unsigned *dropped);
static size_t cost(const struct entry *e);
static void entry_free(struct outbox *o, struct entry *e);

void outbox_init(struct outbox *o, size_t max_bytes)
{
	list_init(&o->entries);
	list_init(&o->droppables);
	o->bytes = 0;
	o->max_bytes = max_bytes;
}

void outbox_fini(struct outbox *o)
{
	LIST_EACH (&o->entries, node, ahead)
		entry_free(o, container_of(node, struct entry, of_outbox));
	must(o->bytes == 0);
}

enum err outbox_push(struct outbox *o, struct payload *payload, size_t sent, bool droppable,
		     unsigned *dropped)
{
	must(sent <= payload->len);
	*dropped = 0;
	if (!make_room(o, payload->len - sent + OUTBOX_ENTRY_COST, dropped)) {
		if (!droppable || sent > 0)
			return ERR_TOO_SLOW;
		++*dropped;
		return OK;
	}
	struct entry *e = mem_new(sizeof *e);

	e->payload = payload_ref(payload);
	e->sent = sent;
	list_add_last(&o->entries, &e->of_outbox);
	list_init(&e->of_droppables);
	if (droppable && sent == 0)
		list_add_last(&o->droppables, &e->of_droppables);
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
	o->bytes -= sent - e->sent;
	e->sent = sent;
	if (sent > 0)
		list_remove(&e->of_droppables);
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
	return e->payload->len - e->sent + OUTBOX_ENTRY_COST;
}

static void entry_free(struct outbox *o, struct entry *e)
{
	o->bytes -= cost(e);
	list_remove(&e->of_outbox);
	list_remove(&e->of_droppables);
	payload_free(&e->payload);
	mem_free(e);
}
