/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/held.h"

#include <string.h>

#include "common/mem.h"

struct held_cast {
	struct list node;
	struct attendee *sender; /* NULL: disowned */
	uint64_t session;
	int64_t at_ns;
	unsigned keep;
	uint64_t shape;
	size_t key_len, type_len, to_len, body_len;
	uint8_t bytes[]; /* key, type, to, body */
};

static struct held_cast *first_of(const struct held *);
static size_t copy(struct held_cast *, size_t at, struct span);
static size_t size_of(const struct held_cast *);
static void drop(struct held *, struct held_cast *);

void held_init(struct held *h, size_t *total_bytes)
{
	list_init(&h->casts);
	h->total_bytes = total_bytes;
}

void held_fini(struct held *h)
{
	while (!held_is_empty(h))
		drop(h, first_of(h));
}

bool held_is_empty(const struct held *h)
{
	return list_is_empty(&h->casts);
}

enum err held_put(struct held *h, struct attendee *sender, const struct msg_cast *m, int64_t now_ns)
{
	size_t len = m->key.len + m->type.len + m->to.len + m->body.len;

	if ((sender->held_bytes && sender->held_bytes + len > HELD_PER_SESSION) ||
	    *h->total_bytes + len > HELD_IN_ALL)
		return ERR_OVERLOADED;
	struct held_cast *c = mem_new(sizeof *c + len);
	c->sender = sender;
	c->session = m->session;
	c->at_ns = now_ns;
	c->keep = (unsigned)m->keep;
	c->shape = m->shape;
	c->key_len = copy(c, 0, m->key);
	c->type_len = copy(c, c->key_len, m->type);
	c->to_len = copy(c, c->key_len + c->type_len, m->to);
	c->body_len = copy(c, c->key_len + c->type_len + c->to_len, m->body);
	sender->held_bytes += (uint32_t)len;
	*h->total_bytes += len;
	list_init(&c->node);
	list_add_last(&h->casts, &c->node);
	return OK;
}

bool held_peek(const struct held *h, struct msg_cast *out)
{
	if (held_is_empty(h))
		return false;
	const struct held_cast *c = first_of(h);
	const uint8_t *type = c->bytes + c->key_len, *to = type + c->type_len;

	*out = (struct msg_cast){
		.session = c->session,
		.key = span_of(c->bytes, c->key_len),
		.keep = c->keep,
		.body = span_of(to + c->to_len, c->body_len),
		.type = span_of(type, c->type_len),
		.shape = c->shape,
		.to = span_of(to, c->to_len),
	};
	return true;
}

void held_drop(struct held *h)
{
	drop(h, first_of(h));
}

unsigned held_expire(struct held *h, int64_t now_ns)
{
	unsigned count = 0;

	while (!held_is_empty(h) && now_ns - first_of(h)->at_ns > HELD_NS) {
		drop(h, first_of(h));
		count++;
	}
	return count;
}

void held_disown(struct held *h, const struct attendee *who)
{
	LIST_EACH (&h->casts, it, ahead) {
		struct held_cast *c = container_of(it, struct held_cast, node);

		if (c->sender == who)
			c->sender = NULL;
	}
}

static struct held_cast *first_of(const struct held *h)
{
	return container_of(h->casts.next, struct held_cast, node);
}

static size_t copy(struct held_cast *c, size_t at, struct span bytes)
{
	if (bytes.len)
		memcpy(c->bytes + at, bytes.p, bytes.len);
	return bytes.len;
}

static size_t size_of(const struct held_cast *c)
{
	return c->key_len + c->type_len + c->to_len + c->body_len;
}

static void drop(struct held *h, struct held_cast *c)
{
	size_t len = size_of(c);

	*h->total_bytes -= len;
	if (c->sender)
		c->sender->held_bytes -= (uint32_t)len;
	list_remove(&c->node);
	mem_free(c);
}
