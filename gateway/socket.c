/* SPDX-License-Identifier: Apache-2.0 */
/* One WebSocket. Bytes in: fragments become whole messages, checked for size and UTF-8 here (the
 * library's own check also judges pongs, so it stays off). Bytes out: straight to the kernel while
 * it takes them, else into the outbox; long messages leave in frames of CHUNK bytes, because the
 * library copies what the kernel does not take. The library does not tell when a client's frame
 * came without a mask; everything else of RFC 6455 is refused by it or here. A socket is closed
 * from outside the library's callbacks only: a -1 returned from one loses the close frame on libuv.
 */
#include "gateway/socket.h"

#include <libwebsockets.h>
#include <string.h>
#include <sys/socket.h>

#include "common/json.h"
#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/outbox.h"
#include "gateway/session.h"
#include "gateway/socket_set.h"

#define RECEIVE_BYTES 512 /* of the library's buffer per connection: what idle ones cost */
#define CHUNK (64u * 1024)
#define REASON_MAX 123 /* bytes of text in a close frame */
#define NO_STATUS 1005 /* a close frame without a code */
#define NO_FRAME 1006  /* none at all */

enum socket_state {
	SOCKET_OPENING, /* the library has not answered the handshake yet */
	SOCKET_OPEN,
	SOCKET_LEAVING, /* we want to close; what is queued still goes out */
	SOCKET_CLOSED,  /* our close frame is out, or the client's is in: nothing more is said */
};

struct gather { /* the fragments of one message */
	size_t len, cap;
	uint8_t bytes[];
};

struct socket {
	struct lws *wsi; /* NULL: gone */
	struct session *session;
	struct socket_set *set;
	struct gather *gather;
	struct outbox *outbox; /* NULL: nothing waits */
	struct list closing;
	int64_t cut_ns;
	uint32_t heard; /* bytes of the message that is coming in */
	uint16_t code;  /* of the client's close frame; 0: none */
	uint8_t why;    /* enum err: our reason to close; 0: none */
	uint8_t state;
};

static int on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t len);
static void on_instance(struct lws *wsi);
static void on_fragment(struct socket *s, struct span piece);
static void collect(struct socket *s, struct span piece);
static void deliver(struct socket *s, struct span message);
static void on_client_close(struct socket *s, const uint8_t *in, size_t len);
static size_t write_chunks(struct socket *s, struct payload *p, size_t sent);
static bool write_chunk(struct socket *s, struct payload *p, size_t at, size_t len);
static enum err enqueue(struct socket *s, struct payload *p, size_t sent, bool droppable);
static void on_writable(struct socket *s);
static void drop_outbox(struct socket *s);
static void leave(void *socket);
static void close_within(struct socket *s, int64_t now_ns);
static void cut(void *socket);
static void on_gone(struct socket *s, unsigned code);
static unsigned close_code(const struct socket *s);
static void socket_free(void *socket);

static const struct lws_protocols protocols[] = {
	{.name = "v0",
	 .callback = on_library,
	 .rx_buffer_size = RECEIVE_BYTES,
	 .tx_packet_size = 2 * CHUNK},
	{0},
};

_Static_assert(PAYLOAD_HEADROOM >= LWS_PRE, "the library writes its header into the head-room");

const void *socket_protocols(void)
{
	return protocols;
}

struct socket *socket_new(struct socket_set *set, struct session *session)
{
	struct socket *s = mem_new(sizeof *s);

	s->set = set;
	s->session = session;
	list_init(&s->closing);
	set->count++;
	return s;
}

void socket_lost(struct socket *s)
{
	on_gone(s, NO_FRAME);
}

enum err socket_send(struct socket *s, struct payload *p, bool droppable)
{
	if (s->state != SOCKET_OPEN || lws_get_close_length(s->wsi) > 0)
		return OK; /* it is closing, by our will or the library's */
	size_t sent = 0;

	if (!s->outbox && !lws_partial_buffered(s->wsi)) {
		sent = write_chunks(s, p, 0);
		if (sent == p->len)
			return OK;
	}
	return enqueue(s, p, sent, droppable);
}

void socket_close(struct socket *s, enum err why)
{
	if (s->state != SOCKET_OPEN)
		return;
	s->state = SOCKET_LEAVING;
	s->why = (uint8_t)why;
	mem_free(s->gather);
	s->gather = NULL;
	if (why == ERR_TOO_SLOW)
		drop_outbox(s);
	close_within(s, loop_now_ns(s->set->loop));
	loop_reap(s->set->loop, leave, s);
}

size_t socket_queued_bytes(const struct socket *s)
{
	return s->outbox ? s->outbox->bytes : 0;
}

static int on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t len)
{
	struct socket *s = lws_get_opaque_user_data(wsi);

	(void)user;
	if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
		on_instance(wsi);
	if (!s || !s->wsi)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		s->state = SOCKET_OPEN;
		session_on_open(s->session, s);
		break;
	case LWS_CALLBACK_RECEIVE:
		on_fragment(s, span_of(in, len));
		break;
	case LWS_CALLBACK_RECEIVE_PONG:
		session_on_alive(s->session);
		break;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		on_writable(s);
		break;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		on_client_close(s, in, len);
		break;
	case LWS_CALLBACK_CLOSED:
		on_gone(s, close_code(s));
		break;
	case LWS_CALLBACK_WSI_DESTROY: /* the only word when the handshake failed */
		on_gone(s, s->why ? err_close((enum err)s->why) : NO_FRAME);
		break;
	}
	return 0;
}

static void on_instance(struct lws *wsi)
{
	struct socket_set *set = lws_context_user(lws_get_context(wsi));

	must(set->adopting && !set->adopting->wsi);
	lws_set_opaque_user_data(wsi, set->adopting);
	set->adopting->wsi = wsi;
	set->adopting = NULL;
}

static void on_fragment(struct socket *s, struct span piece)
{
	bool first = lws_is_first_fragment(s->wsi), last = lws_is_final_fragment(s->wsi);
	size_t coming = lws_remaining_packet_payload(s->wsi);

	if (s->state != SOCKET_OPEN)
		return;
	session_on_alive(s->session);
	if (first) {
		s->heard = 0;
		if (s->gather)
			s->gather->len = 0;
	}
	size_t left = s->set->max_message - s->heard;

	if (piece.len > left || coming > left - piece.len) {
		socket_close(s, ERR_TOO_BIG);
		return;
	}
	s->heard += (uint32_t)piece.len;
	if (lws_frame_is_binary(s->wsi)) {
		if (last)
			session_on_bad(s->session, ERR_BINARY);
	} else if (first && last) {
		deliver(s, piece);
	} else {
		collect(s, piece);
		if (last) {
			struct gather *g = s->gather;

			s->gather = NULL;
			deliver(s, span_of(g->bytes, g->len));
			mem_free(g);
		}
	}
}

/* Grows with what has come, not with what a frame announces. */
static void collect(struct socket *s, struct span piece)
{
	struct gather *g = s->gather;
	size_t len = g ? g->len : 0, cap = g ? g->cap : 0;

	if (!g || piece.len > cap - len) {
		cap = cap ? cap : 2 * RECEIVE_BYTES;
		while (piece.len > cap - len)
			cap *= 2;
		g = mem_grow(g, sizeof *g + cap);
		g->len = len;
		g->cap = cap;
		s->gather = g;
	}
	if (piece.len > 0)
		memcpy(g->bytes + len, piece.p, piece.len);
	g->len += piece.len;
}

static void deliver(struct socket *s, struct span message)
{
	if (json_is_utf8(message))
		session_on_text(s->session, message);
	else
		socket_close(s, ERR_BAD_UTF8);
}

/* The library answers with the client's own code, by itself. */
static void on_client_close(struct socket *s, const uint8_t *in, size_t len)
{
	s->code = (uint16_t)(len >= 2 ? in[0] << 8 | in[1] : NO_STATUS);
	s->state = SOCKET_CLOSED;
	drop_outbox(s);
	close_within(s, loop_now_ns(s->set->loop));
}

/* Returns how much of the payload is out when the kernel, or the payload, has had enough. */
static size_t write_chunks(struct socket *s, struct payload *p, size_t sent)
{
	while (sent < p->len && !lws_partial_buffered(s->wsi)) {
		size_t len = p->len - sent < CHUNK ? p->len - sent : CHUNK;

		if (!write_chunk(s, p, sent, len)) {
			s->state = SOCKET_CLOSED;
			loop_reap(s->set->loop, cut, s);
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
static bool write_chunk(struct socket *s, struct payload *p, size_t at, size_t len)
{
	uint8_t *text = p->bytes + PAYLOAD_HEADROOM + at, before[LWS_PRE];
	int how = at == 0 ? LWS_WRITE_TEXT : LWS_WRITE_CONTINUATION;

	if (at + len < p->len)
		how |= LWS_WRITE_NO_FIN;
	memcpy(before, text - LWS_PRE, LWS_PRE);
	int rc = lws_write(s->wsi, text, len, (enum lws_write_protocol)how);

	memcpy(text - LWS_PRE, before, LWS_PRE);
	return rc >= (int)len;
}

static enum err enqueue(struct socket *s, struct payload *p, size_t sent, bool droppable)
{
	unsigned dropped;
	bool fresh = !s->outbox;

	if (fresh) {
		s->outbox = mem_new(sizeof *s->outbox);
		outbox_init(s->outbox, s->set->max_message + s->set->max_outbox);
	}
	enum err e = outbox_push(s->outbox, p, sent, droppable, &dropped);

	metrics_add(METRIC_frames_dropped, dropped);
	if (outbox_is_empty(s->outbox))
		drop_outbox(s);
	else if (fresh)
		lws_callback_on_writable(s->wsi);
	return e;
}

static void on_writable(struct socket *s)
{
	while (s->outbox && s->state != SOCKET_CLOSED && !lws_partial_buffered(s->wsi)) {
		size_t sent;
		struct payload *p = outbox_first(s->outbox, &sent);

		outbox_sent(s->outbox, write_chunks(s, p, sent));
		if (outbox_is_empty(s->outbox))
			drop_outbox(s);
	}
	if (s->state == SOCKET_LEAVING)
		loop_reap(s->set->loop, leave, s);
	else if (s->outbox && s->state == SOCKET_OPEN)
		lws_callback_on_writable(s->wsi);
}

static void drop_outbox(struct socket *s)
{
	if (!s->outbox)
		return;
	outbox_fini(s->outbox);
	mem_free(s->outbox);
	s->outbox = NULL;
}

/* At the end of a turn, thus outside of the library: send the close frame once all else is out. */
static void leave(void *socket)
{
	struct socket *s = socket;
	char reason[REASON_MAX + 1];

	if (!s->wsi || s->state != SOCKET_LEAVING)
		return;
	if (s->outbox || lws_partial_buffered(s->wsi)) {
		lws_callback_on_writable(s->wsi);
		return;
	}
	s->state = SOCKET_CLOSED;
	size_t len = (size_t)lws_snprintf(reason, sizeof reason, "%s", err_text((enum err)s->why));

	lws_close_reason(s->wsi, (enum lws_close_status)err_close((enum err)s->why),
			 (unsigned char *)reason, len);
	lws_set_timeout(s->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static void close_within(struct socket *s, int64_t now_ns)
{
	s->cut_ns = now_ns + SOCKET_CLOSE_NS;
	list_remove(&s->closing);
	list_add_last(&s->set->closing, &s->closing);
	socket_set_watch(s->set);
}

int64_t socket_cut_ns(const struct list *closing)
{
	return container_of(closing, struct socket, closing)->cut_ns;
}

static void cut(void *socket)
{
	struct socket *s = socket;

	if (s->wsi)
		socket_cut(&s->closing);
}

/* The library finds the connection dead and reports it closed, whatever it was busy with. */
void socket_cut(struct list *closing)
{
	struct socket *s = container_of(closing, struct socket, closing);

	list_remove(&s->closing);
	s->state = SOCKET_CLOSED;
	drop_outbox(s);
	shutdown(lws_get_socket_fd(s->wsi), SHUT_RDWR);
}

static void on_gone(struct socket *s, unsigned code)
{
	if (s->wsi)
		lws_set_opaque_user_data(s->wsi, NULL);
	s->wsi = NULL;
	s->state = SOCKET_CLOSED;
	s->set->count--;
	list_remove(&s->closing);
	drop_outbox(s);
	session_on_closed(s->session, code);
	loop_reap(s->set->loop, socket_free, s);
}

/* The client's code, ours, or the one the library gave for a breach of the protocol. */
static unsigned close_code(const struct socket *s)
{
	if (s->code)
		return s->code;
	if (s->why)
		return err_close((enum err)s->why);
	if (lws_get_close_length(s->wsi) >= 2) {
		const uint8_t *p = lws_get_close_payload(s->wsi);

		return (unsigned)(p[0] << 8 | p[1]);
	}
	return NO_FRAME;
}

static void socket_free(void *socket)
{
	struct socket *s = socket;

	mem_free(s->gather);
	mem_free(s);
}
