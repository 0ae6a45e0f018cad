/* SPDX-License-Identifier: Apache-2.0 */
/* The library never writes short: it copies what the kernel does not take. So nothing is written
 * while it holds such a copy, and long messages leave in frames of CHUNK bytes, which bounds it.
 * It writes each frame by itself; several at once are written past it, which it does not notice:
 * whole frames, when it holds nothing, and only if the kernel takes all of them. */
#include "gateway/outflow.h"

#include <errno.h>
#include <libwebsockets.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "gateway/cork.h"
#include "gateway/metrics.h"
#include "gateway/outbox.h"

#define CHUNK (64u * 1024)

_Static_assert(PAYLOAD_HEADROOM >= LWS_PRE, "the library writes its header into the head-room");

struct backlog {
	struct outbox outbox;
	struct outflow *outflow;
	struct list of_all;
	int64_t moved_ns;
};

static enum err send_now(struct outflow *, struct backlogs *, struct payload *, bool droppable,
			 int64_t now_ns);
static bool has_room(const struct outflow *, size_t bytes);
static void on_moved(struct backlogs *, struct backlog *, int64_t now_ns);
static size_t write_chunks(struct outflow *o, struct payload *p, size_t sent);
static bool write_chunk(struct outflow *o, struct payload *p, size_t at, size_t len);
static struct backlog *backlog_new(struct outflow *, struct backlogs *, int64_t now_ns);
static void count(struct backlogs *, size_t less, size_t more);

void backlogs_init(struct backlogs *all, size_t max_bytes)
{
	list_init(&all->all);
	list_init(&all->corked);
	all->max_bytes = max_bytes;
}

struct outflow *backlogs_first(const struct backlogs *all, int64_t *moved_ns)
{
	if (list_is_empty(&all->all))
		return NULL;
	const struct backlog *b = container_of(all->all.next, struct backlog, of_all);

	*moved_ns = b->moved_ns;
	return b->outflow;
}

enum err outflow_send(struct outflow *o, struct backlogs *all, struct payload *p, bool droppable,
		      int64_t now_ns)
{
	if (droppable || o->backlog) {
		enum err e = outflow_uncork(o, all, now_ns);

		return e ? e : send_now(o, all, p, droppable, now_ns);
	}
	if (!o->cork) {
		o->cork = cork_new(o);
		list_add_last(&all->corked, &o->cork->of_all);
	}
	cork_add(o->cork, p);
	return cork_is_full(o->cork) ? outflow_uncork(o, all, now_ns) : OK;
}

enum err outflow_uncork(struct outflow *o, struct backlogs *all, int64_t now_ns)
{
	struct cork *c = o->cork;
	enum err e = OK;

	if (!c)
		return OK;
	o->cork = NULL;
	if (c->bundle.count == 1 || !outflow_send_bundle(o, &c->bundle))
		for (size_t i = 0; !e && i < c->bundle.count; i++)
			e = send_now(o, all, c->bundle.each[i], false, now_ns);
	cork_free(&c);
	return e;
}

struct outflow *backlogs_corked(const struct backlogs *all)
{
	if (list_is_empty(&all->corked))
		return NULL;
	return container_of(all->corked.next, struct cork, of_all)->outflow;
}

static enum err send_now(struct outflow *o, struct backlogs *all, struct payload *p, bool droppable,
			 int64_t now_ns)
{
	size_t sent = o->backlog ? 0 : write_chunks(o, p, 0);
	struct outbox_loss loss;

	if (sent == p->len)
		return OK;
	struct backlog *b = o->backlog ? o->backlog : backlog_new(o, all, now_ns);
	size_t before = b->outbox.bytes;
	enum err e = outbox_push(&b->outbox, p, sent, droppable, &loss);

	count(all, before, b->outbox.bytes);
	metrics_add(METRIC_frames_replaced, loss.replaced);
	metrics_add(METRIC_frames_dropped, loss.dropped);
	if (outbox_is_empty(&b->outbox))
		outflow_drop(o, all);
	return e;
}

bool outflow_send_bundle(struct outflow *o, struct bundle *b)
{
	struct payload *frames = bundle_frames(b);

	if (!frames || o->cork || o->backlog || lws_partial_buffered(o->wsi) ||
	    !has_room(o, frames->len))
		return false;
	struct span text = payload_text(frames);
	ssize_t sent =
		send(lws_get_socket_fd(o->wsi), text.p, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (sent != (ssize_t)text.len) { /* lost, or the kernel is out of memory for sockets */
		o->broken = true;
		return true;
	}
	metrics_add(METRIC_frames_sent, b->count);
	metrics_add(METRIC_frames_bundled, b->count);
	metrics_add(METRIC_bytes_sent, text.len);
	return true;
}

void outflow_on_writable(struct outflow *o, struct backlogs *all, int64_t now_ns)
{
	while (o->backlog && !o->broken && !lws_partial_buffered(o->wsi)) {
		struct outbox *box = &o->backlog->outbox;
		size_t sent, before = box->bytes;
		struct payload *p = outbox_first(box, &sent);

		outbox_sent(box, write_chunks(o, p, sent));
		count(all, before, box->bytes);
		on_moved(all, o->backlog, now_ns);
		if (outbox_is_empty(box))
			outflow_drop(o, all);
	}
	if (o->backlog && !o->broken)
		lws_callback_on_writable(o->wsi);
}

void outflow_forgive(struct outflow *o, struct backlogs *all, int64_t now_ns)
{
	if (o->backlog)
		on_moved(all, o->backlog, now_ns);
}

void outflow_drop(struct outflow *o, struct backlogs *all)
{
	struct backlog *b = o->backlog;

	cork_free(&o->cork);
	if (!b)
		return;
	o->backlog = NULL;
	all->count--;
	count(all, b->outbox.bytes, 0);
	list_remove(&b->of_all);
	outbox_fini(&b->outbox);
	mem_free(b);
}

bool outflow_is_empty(const struct outflow *o)
{
	return !o->cork && !o->backlog && !lws_partial_buffered(o->wsi);
}

size_t outflow_bytes(const struct outflow *o)
{
	return o->backlog ? o->backlog->outbox.bytes : 0;
}

/* The kernel takes all of it: it begins a new packet as long as less is queued than may be, and
 * counts what a packet costs, up to twice its bytes. Of TCP it counts what nobody has acknowledged;
 * of the way to a TLS connection, which is a local socket, what that has not taken. */
static bool has_room(const struct outflow *o, size_t bytes)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof info;

	if (getsockopt(lws_get_socket_fd(o->wsi), SOL_SOCKET, SO_MEMINFO, info, &len) != 0 ||
	    len <= SK_MEMINFO_WMEM_QUEUED * sizeof *info)
		return false;
	uint32_t tcp = info[SK_MEMINFO_WMEM_QUEUED], local = info[SK_MEMINFO_WMEM_ALLOC];

	return (tcp > local ? tcp : local) + 2 * bytes < info[SK_MEMINFO_SNDBUF];
}

static void on_moved(struct backlogs *all, struct backlog *b, int64_t now_ns)
{
	b->moved_ns = now_ns;
	list_remove(&b->of_all);
	list_add_last(&all->all, &b->of_all);
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

static struct backlog *backlog_new(struct outflow *o, struct backlogs *all, int64_t now_ns)
{
	struct backlog *b = mem_new(sizeof *b);

	outbox_init(&b->outbox, all->max_bytes);
	b->outflow = o;
	list_init(&b->of_all);
	on_moved(all, b, now_ns);
	o->backlog = b;
	all->count++;
	lws_callback_on_writable(o->wsi);
	return b;
}

/* Of the bytes that wait, `less` have gone and `more` have come. */
static void count(struct backlogs *all, size_t less, size_t more)
{
	all->bytes = all->bytes - less + more;
	metrics_set(METRIC_readers_behind, (int64_t)all->count);
	metrics_set(METRIC_bytes_queued, (int64_t)all->bytes);
}
