/* SPDX-License-Identifier: Apache-2.0 */
/* One WebSocket: from the library's handshake to its end. Bytes in: inflow.c, which checks UTF-8
 * too (the library's own check also judges pongs, so it stays off); bytes out: outflow.c. The
 * library does not tell when a client's frame came without a mask; everything else of RFC 6455 is
 * refused by it or here. A socket is closed from outside the library's callbacks only: a -1
 * returned from one loses the close frame on libuv. */
#include "gateway/socket.h"

#include <libwebsockets.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "gateway/inflow.h"
#include "gateway/outflow.h"
#include "gateway/session.h"
#include "gateway/socket_set.h"
#include "proto/frame.h"

/* Of the library's buffer per connection: what idle ones cost. It reads no more than that at once,
 * so what is longer is read on in the same turn, within bounds (socket_set_read_on). */
#define RECEIVE_BYTES 128
#define SEND_BYTES (128 * 1024) /* of one send: more than a chunk of outflow.c */
#define REASON_MAX 123          /* bytes of text in a close frame */
#define NO_STATUS 1005          /* a close frame without a code */
#define NO_FRAME 1006           /* none at all */

enum socket_state {
	SOCKET_OPENING, /* the library has not answered the handshake yet */
	SOCKET_OPEN,
	SOCKET_LEAVING, /* we want to close; what is queued still goes out */
	SOCKET_CLOSED,  /* our close frame is out, or the client's is in: nothing more is said */
};

/* One for each of thousands that are idle: what only few of them need is elsewhere. */
struct socket {
	struct outflow out; /* its wsi is NULL before the library knows the socket, and after */
	struct inflow in;
	struct session *session;
	struct closing *closing; /* NULL: it is not */
	uint16_t code;           /* of the client's close frame; 0: none */
	uint8_t why;             /* enum err: our reason to close; 0: none */
	uint8_t state;
};

struct closing {
	struct list node; /* of the set */
	struct socket *socket;
	int64_t cut_ns;
};

static void sent(struct socket *s);
static int on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t len);
static void on_instance(struct lws *wsi);
static void on_open(struct socket *s);
static void on_piece(struct socket *s, struct span bytes);
static void on_writable(struct socket *s);
static void on_client_close(struct socket *s, const uint8_t *in, size_t len);
static void on_gone(struct socket *s, struct socket_set *, unsigned code);
static unsigned own_code(const struct socket *s);
static unsigned close_code(const struct socket *s);
static bool is_closing(const struct socket *s);
static void close_within(struct socket *s);
static void end_closing(struct socket *s);
static void shut_down(struct socket *s);
static void leave(void *socket);
static void cut(void *socket);
static void socket_free(void *socket);
static struct socket_set *set_of(const struct socket *s);
static int64_t now(const struct socket *s);

static const struct lws_protocols protocols[] = {
	{.name = "v0",
	 .callback = on_library,
	 .rx_buffer_size = RECEIVE_BYTES,
	 .tx_packet_size = SEND_BYTES},
	{.name = FRAME_PROTOCOL,
	 .callback = on_library,
	 .rx_buffer_size = RECEIVE_BYTES,
	 .tx_packet_size = SEND_BYTES},
	{0},
};

const void *socket_protocols(void)
{
	return protocols;
}

struct socket *socket_new(struct socket_set *set, struct session *session)
{
	struct socket *s = mem_new(sizeof *s);

	s->session = session;
	set->count++;
	return s;
}

void socket_lost(struct socket_set *set, struct socket *s)
{
	on_gone(s, set, NO_FRAME);
}

enum err socket_send(struct socket *s, struct payload *p, bool droppable)
{
	if (is_closing(s))
		return OK;
	struct socket_set *set = set_of(s);
	enum err e = outflow_send(&s->out, &set->backlogs, p, droppable, now(s));

	if (s->out.cork)
		socket_set_will_uncork(set);
	sent(s);
	return e;
}

void socket_uncork(struct outflow *out)
{
	struct socket *s = container_of(out, struct socket, out);
	struct socket_set *set = set_of(s);

	if (!out->cork)
		return;
	if (s->out.broken || lws_get_close_length(s->out.wsi) > 0) { /* nothing more is said */
		outflow_drop(out, &set->backlogs);
		return;
	}
	enum err e = outflow_uncork(out, &set->backlogs, now(s));

	sent(s);
	if (e && s->state == SOCKET_OPEN)
		session_on_full(s->session);
}

bool socket_send_bundle(struct socket *s, struct bundle *b)
{
	if (is_closing(s))
		return true;
	bool sent = outflow_send_bundle(&s->out, b);

	if (s->out.broken)
		loop_reap(set_of(s)->loop, cut, s);
	return sent;
}

void socket_close(struct socket *s, enum err why)
{
	if (s->state != SOCKET_OPEN)
		return;
	s->state = SOCKET_LEAVING;
	s->why = (uint8_t)why;
	if (why == ERR_TOO_SLOW)
		outflow_drop(&s->out, &set_of(s)->backlogs);
	close_within(s);
	loop_reap(set_of(s)->loop, leave, s);
}

void socket_set_session(struct socket *s, struct session *session)
{
	s->session = session;
}

size_t socket_queued_bytes(const struct socket *s)
{
	return outflow_bytes(&s->out);
}

int64_t socket_cut_ns(const struct list *closing)
{
	return container_of(closing, struct closing, node)->cut_ns;
}

void socket_cut(struct list *closing)
{
	shut_down(container_of(closing, struct closing, node)->socket);
}

void socket_stall(struct outflow *out)
{
	struct socket *s = container_of(out, struct socket, out);

	outflow_forgive(out, &set_of(s)->backlogs, now(s)); /* until it is closed */
	if (s->state == SOCKET_OPEN)
		session_on_stalled(s->session);
}

/* As if the poll had said that there is more; if there is not, nothing happens. One that went in
 * this turn is freed when that is over. */
void socket_read(struct socket *s)
{
	if (!s->out.wsi)
		return;
	struct lws_pollfd fd = {
		.fd = lws_get_socket_fd(s->out.wsi),
		.events = LWS_POLLIN,
		.revents = LWS_POLLIN,
	};

	lws_service_fd(set_of(s)->context, &fd);
}

/* Or not, or not yet. */
static void sent(struct socket *s)
{
	if (s->out.broken)
		loop_reap(set_of(s)->loop, cut, s);
	if (s->out.backlog)
		socket_set_watch(set_of(s));
}

static int on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t len)
{
	struct socket *s = lws_get_opaque_user_data(wsi);

	(void)user;
	if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED)
		on_instance(wsi);
	if (!s)
		return 0;
	switch ((int)reason) {
	case LWS_CALLBACK_ESTABLISHED:
		on_open(s);
		break;
	case LWS_CALLBACK_RECEIVE:
		on_piece(s, span_of(in, len));
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
		on_gone(s, set_of(s), close_code(s));
		break;
	case LWS_CALLBACK_WSI_DESTROY: /* the only word when the handshake failed */
		on_gone(s, set_of(s), own_code(s));
		break;
	}
	return 0;
}

static void on_instance(struct lws *wsi)
{
	struct socket_set *set = lws_context_user(lws_get_context(wsi));

	must(set->adopting);
	lws_set_opaque_user_data(wsi, set->adopting);
	set->adopting->out.wsi = wsi;
	set->adopting = NULL;
}

static void on_open(struct socket *s)
{
	s->state = SOCKET_OPEN;
	session_on_open(s->session, s);
}

static void on_piece(struct socket *s, struct span bytes)
{
	const struct piece piece = {
		.bytes = bytes,
		.first = lws_is_first_fragment(s->out.wsi),
		.last = lws_is_final_fragment(s->out.wsi),
		.binary = lws_frame_is_binary(s->out.wsi),
		.coming = lws_remaining_packet_payload(s->out.wsi),
	};
	struct span message;

	if (s->state != SOCKET_OPEN)
		return;
	session_on_alive(s->session);
	switch (inflow_add(&s->in, &piece, set_of(s)->max_message, &message)) {
	case INFLOW_MORE:
		socket_set_expect(set_of(s), s);
		return;
	case INFLOW_WHOLE:
		session_on_text(s->session, message);
		break;
	case INFLOW_BINARY:
		session_on_bad(s->session, ERR_BINARY);
		break;
	case INFLOW_TOO_BIG:
		socket_close(s, ERR_TOO_BIG);
		break;
	case INFLOW_BAD_UTF8:
		socket_close(s, ERR_BAD_UTF8);
		break;
	}
	inflow_drop(&s->in);
}

static void on_writable(struct socket *s)
{
	if (s->state == SOCKET_CLOSED)
		return;
	outflow_on_writable(&s->out, &set_of(s)->backlogs, now(s));
	if (s->out.broken)
		loop_reap(set_of(s)->loop, cut, s);
	else if (s->state == SOCKET_LEAVING)
		loop_reap(set_of(s)->loop, leave, s);
}

/* The library answers with the client's own code, by itself. */
static void on_client_close(struct socket *s, const uint8_t *in, size_t len)
{
	s->code = (uint16_t)(len >= 2 ? in[0] << 8 | in[1] : NO_STATUS);
	s->state = SOCKET_CLOSED;
	outflow_drop(&s->out, &set_of(s)->backlogs);
	close_within(s);
}

static void on_gone(struct socket *s, struct socket_set *set, unsigned code)
{
	if (s->out.wsi)
		lws_set_opaque_user_data(s->out.wsi, NULL);
	s->out.wsi = NULL;
	s->state = SOCKET_CLOSED;
	set->count--;
	end_closing(s);
	outflow_drop(&s->out, &set->backlogs);
	session_on_closed(s->session, code);
	loop_reap(set->loop, socket_free, s);
}

static unsigned own_code(const struct socket *s)
{
	return s->why ? err_close((enum err)s->why) : NO_FRAME;
}

/* The client's code, ours, or the one the library gave for a breach of the protocol. */
static unsigned close_code(const struct socket *s)
{
	if (s->code)
		return s->code;
	if (!s->why && lws_get_close_length(s->out.wsi) >= 2) {
		const uint8_t *p = lws_get_close_payload(s->out.wsi);

		return (unsigned)(p[0] << 8 | p[1]);
	}
	return own_code(s);
}

/* By our will or the library's: nothing more is sent. */
static bool is_closing(const struct socket *s)
{
	return s->state != SOCKET_OPEN || s->out.broken || lws_get_close_length(s->out.wsi) > 0;
}

static void close_within(struct socket *s)
{
	struct closing *c = mem_new(sizeof *c);

	end_closing(s); /* the client began it too: its time begins anew */
	c->socket = s;
	c->cut_ns = now(s) + SOCKET_CLOSE_NS;
	list_init(&c->node);
	list_add_last(&set_of(s)->closing, &c->node);
	s->closing = c;
	socket_set_watch(set_of(s));
}

static void end_closing(struct socket *s)
{
	if (!s->closing)
		return;
	list_remove(&s->closing->node);
	mem_free(s->closing);
	s->closing = NULL;
}

/* The library finds the connection dead and reports it closed, whatever it was busy with. */
static void shut_down(struct socket *s)
{
	end_closing(s);
	s->state = SOCKET_CLOSED;
	outflow_drop(&s->out, &set_of(s)->backlogs);
	shutdown(lws_get_socket_fd(s->out.wsi), SHUT_RDWR);
}

/* At the end of a turn, thus outside of the library: send the close frame once all else is out. */
static void leave(void *socket)
{
	struct socket *s = socket;
	enum err why = (enum err)s->why;
	char reason[REASON_MAX + 1];

	if (!s->out.wsi || s->state != SOCKET_LEAVING)
		return;
	socket_uncork(&s->out);
	if (!outflow_is_empty(&s->out)) {
		lws_callback_on_writable(s->out.wsi);
		return;
	}
	s->state = SOCKET_CLOSED;
	int len = lws_snprintf(reason, sizeof reason, "%s", err_text(why));

	lws_close_reason(s->out.wsi, (enum lws_close_status)err_close(why), (unsigned char *)reason,
			 (size_t)len);
	lws_set_timeout(s->out.wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static void cut(void *socket)
{
	struct socket *s = socket;

	if (s->out.wsi)
		shut_down(s);
}

static void socket_free(void *socket)
{
	struct socket *s = socket;

	inflow_drop(&s->in);
	mem_free(s);
}

static struct socket_set *set_of(const struct socket *s)
{
	return lws_context_user(lws_get_context(s->out.wsi));
}

static int64_t now(const struct socket *s)
{
	return loop_now_ns(set_of(s)->loop);
}
