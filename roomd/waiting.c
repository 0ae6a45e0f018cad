/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/waiting.h"

#include "common/mem.h"
#include "proto/limits.h"

static void put(struct buf *, const struct message *);

void waiting_init(struct waiting *w)
{
	*w = (struct waiting){.count = 0};
	list_init(&w->records);
}

void waiting_fini(struct waiting *w)
{
	LIST_EACH (&w->records, it, ahead) {
		waiting_remove(w, container_of(it, struct waiting_record, node));
	}
}

enum err waiting_add(struct waiting *w, incarnation_id gateway, const struct message *m)
{
	if (w->count >= WAITING_RECORDS_MAX)
		return ERR_OVERLOADED;
	struct waiting_record *r = mem_new(sizeof(*r));

	list_init(&r->node);
	r->gateway = gateway;
	r->type = m->type;
	buf_init(&r->bytes, LINK_BATCH_MAX);
	put(&r->bytes, m);
	if (r->bytes.over || w->bytes + r->bytes.len > WAITING_BYTES_MAX) {
		buf_fini(&r->bytes);
		mem_free(r);
		return ERR_OVERLOADED;
	}
	list_add_last(&w->records, &r->node);
	w->count++;
	w->bytes += r->bytes.len;
	return OK;
}

struct waiting_record *waiting_first(const struct waiting *w)
{
	if (list_is_empty(&w->records))
		return NULL;
	return container_of(w->records.next, struct waiting_record, node);
}

void waiting_read(const struct waiting_record *r, struct message *out)
{
	struct span rest = buf_span(&r->bytes);

	must(message_next(&rest, out) == OK && out->type == r->type);
}

void waiting_remove(struct waiting *w, struct waiting_record *r)
{
	list_remove(&r->node);
	w->count--;
	w->bytes -= r->bytes.len;
	buf_fini(&r->bytes);
	mem_free(r);
}

static void put(struct buf *out, const struct message *m)
{
	switch ((int)m->type) {
	case MESSAGE_JOIN:
		message_put_join(out, &m->join);
		break;
	case MESSAGE_LEAVE:
		message_put_leave(out, &m->leave);
		break;
	case MESSAGE_CAST:
		message_put_cast(out, &m->cast);
		break;
	case MESSAGE_INSPECT:
		message_put_inspect(out, &m->inspect);
		break;
	case MESSAGE_KICK:
		message_put_kick(out, &m->kick);
		break;
	default:
		must_failed("a record that never waits", __FILE__, __LINE__);
	}
}
