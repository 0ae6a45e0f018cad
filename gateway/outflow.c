/* SPDX-License-Identifier: Apache-2.0 */
/* The library never writes short: it copies what the kernel does not take. So nothing is written
 * while it holds such a copy, and long messages leave in frames of CHUNK bytes, which bounds it. */
#include "gateway/outflow.h"

#include <libwebsockets.h>
#include <string.h>

#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/outbox.h"

#define CHUNK (64u * 1024)

_Static_assert(PAYLOAD_HEADROOM >= LWS_PRE, "the library writes its header into the head-room");

static size_t write_chunks(struct outflow *o, struct payload *p, size_t sent);
static bool write_chunk(struct outflow *o, struct payload *p, size_t at, size_t len);
static enum err enqueue(struct outflow *o, struct payload *p, size_t sent, bool droppable,
			size_t max_bytes);

enum err outflow_send(struct outflow *o, struct payload *p, bool droppable, size_t max_bytes)
{
	size_t sent = o->outbox ? 0 : write_chunks(o, p, 0);

	return sent == p->len ? OK : enqueue(o, p, sent, droppable, max_bytes);
}

void outflow_on_writable(struct outflow *o)
{
	while (o->outbox && !o->broken && !lws_partial_buffered(o->wsi)) {
		size_t sent;
		struct payload *p = outbox_first(o->outbox, &sent);

		outbox_sent(o->outbox, write_chunks(o, p, sent));
		if (outbox_is_empty(o->outbox))
			outflow_drop(o);
	}
	if (o->outbox && !o->broken)
		lws_callback_on_writable(o->wsi);
}

void outflow_drop(struct outflow *o)
{
	if (!o->outbox)
		return;
	outbox_fini(o->outbox);
	mem_free(o->outbox);
	o->outbox = NULL;
}

bool outflow_is_empty(const struct outflow *o)
{
	return !o->outbox && !lws_partial_buffered(o->wsi);
}

size_t outflow_bytes(const struct outflow *o)
{
	return o->outbox ? o->outbox->bytes : 0;
}

/* Returns how much of the payload is out when the kernel, or the payload, has had enough. */
static size_t write_chunks(struct outflow *o, struct payload *p, size_t sent)
{
	while (sent < p->len && !lws_partial_buffered(o->wsi)) {
		size_t len = p->len - sent < CHUNK ? p->len - sent : CHUNK;

		if (!write_chunk(o, p, sent, len)) {
			o->broken = true;
			return p->len;
		}
		sent += len;
	}
	if (sent == p->len) {
		metrics_add(METRIC_frames_sent, 1);
		metrics_add(METRIC_bytes_sent, p->len);
	}
	return sent;
}

/* The frame header is written before the chunk: into the head-room, or over the end of the chunk
 * before, which others may still need. */
static bool write_chunk(struct outflow *o, struct payload *p, size_t at, size_t len)
{
	uint8_t *text = p->bytes + PAYLOAD_HEADROOM + at, before[LWS_PRE];
	int how = at == 0 ? LWS_WRITE_TEXT : LWS_WRITE_CONTINUATION;

	if (at + len < p->len)
		how |= LWS_WRITE_NO_FIN;
	memcpy(before, text - LWS_PRE, LWS_PRE);
	int rc = lws_write(o->wsi, text, len, (enum lws_write_protocol)how);

	memcpy(text - LWS_PRE, before, LWS_PRE);
	return rc >= (int)len;
}

static enum err enqueue(struct outflow *o, struct payload *p, size_t sent, bool droppable,
			size_t max_bytes)
{
	unsigned dropped;
	bool fresh = !o->outbox;

	if (fresh) {
		o->outbox = mem_new(sizeof *o->outbox);
		outbox_init(o->outbox, max_bytes);
	}
	enum err e = outbox_push(o->outbox, p, sent, droppable, &dropped);

	metrics_add(METRIC_frames_dropped, dropped);
	if (outbox_is_empty(o->outbox))
		outflow_drop(o);
	else if (fresh)
		lws_callback_on_writable(o->wsi);
	return e;
}
