/* SPDX-License-Identifier: Apache-2.0 */
/* Names: `up` is from the client to the server within, `down` the way back. */
#include "common/tunnel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/tls_stream.h"

/* Once the server has ended: for the client to take what is left, as the kernel would give it; then
 * to end in its turn. Closing with bytes unread would reset the connection, and take them away. */
#define DRAIN_NS (10 * NS_PER_S)
#define LINGER_NS (2 * NS_PER_S)

struct rest { /* of a record that was not taken whole; NULL: nothing waits */
	uint8_t *bytes;
	size_t len, at;
};

struct tunnel {
	struct list node;
	struct tunnels *all;
	struct ssl_st *ssl;
	int outer, inner;
	struct watch *outer_watch, *inner_watch;
	struct timer end;
	struct rest up, down;
	bool client_ended, server_ended; /* says no more */
	bool server_gone;                /* listens no more either, or will not once it has ended */
	bool said_end;                   /* to the client */
	bool read_writes; /* the stream has to write before it can read; so rare that one flag does
			   */
};

static void on_outer(void *owner, unsigned events);
static void on_inner(void *owner, unsigned events);
static void turn(struct tunnel *t, bool reads_up, bool reads_down);
static bool pass_up(struct tunnel *t, bool reads);
static bool read_up(struct tunnel *t);
static void write_up(struct tunnel *t, struct span bytes);
static bool pass_down(struct tunnel *t, bool reads);
static bool read_down(struct tunnel *t);
static bool write_down(struct tunnel *t, struct span bytes);
static bool end_down(struct tunnel *t);
static void keep(struct rest *rest, struct span bytes);
static struct span rest_span(const struct rest *rest);
static void rest_drop(struct rest *rest);
static void set_watches(struct tunnel *t);
static void end_within(struct tunnel *t, int64_t ns);
static void on_end(struct timer *timer, int64_t now_ns);
static void cut(struct tunnel *t);

void tunnels_init(struct tunnels *all, struct loop *loop)
{
	*all = (struct tunnels){.loop = loop, .scratch = mem_new(TLS_RECORD_MAX)};
	list_init(&all->all);
}

void tunnels_fini(struct tunnels *all)
{
	LIST_EACH (&all->all, node, ahead)
		cut(container_of(node, struct tunnel, node));
	mem_free(all->scratch);
	all->scratch = NULL;
}

enum err tunnel_open(struct tunnels *all, struct ssl_st **ssl, int outer, int sndbuf_bytes,
		     int fd_limit, int *inner)
{
	int pair[2], higher;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_SYSTEM;
	higher = pair[0] > pair[1] ? pair[0] : pair[1];
	if (higher >= fd_limit) {
		close(pair[0]);
		close(pair[1]);
		return ERR_SYSTEM;
	}
	for (int i = 0; i < 2 && sndbuf_bytes > 0; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &sndbuf_bytes, sizeof sndbuf_bytes);
	struct tunnel *t = mem_new(sizeof *t);

	t->all = all;
	t->ssl = *ssl;
	*ssl = NULL;
	t->outer = outer;
	t->inner = pair[0];
	list_add_last(&all->all, &t->node);
	all->count++;
	t->outer_watch = watch_open(all->loop, t->outer, WATCH_READ, on_outer, t);
	t->inner_watch = watch_open(all->loop, t->inner, WATCH_READ, on_inner, t);
	*inner = pair[1];
	return OK;
}

static void on_outer(void *owner, unsigned events)
{
	(void)events; /* either way may need either: the stream knows */
	turn(owner, true, false);
}

/* Nothing is read from within while something waits to go down, so what looks readable then is an
 * error: nobody is there any more. */
static void on_inner(void *owner, unsigned events)
{
	struct tunnel *t = owner;
	bool was_asked = rest_span(&t->down).len == 0;

	if (!t->server_gone && ((events & WATCH_HANGUP) || (!was_asked && (events & WATCH_READ)))) {
		t->server_gone = true;
		end_within(t, DRAIN_NS);
	}
	turn(t, false, true);
}

static void turn(struct tunnel *t, bool reads_up, bool reads_down)
{
	if (!pass_up(t, reads_up) || !pass_down(t, reads_down) || (t->client_ended && t->said_end))
		cut(t);
	else
		set_watches(t);
}

/* One record at most. False: the connection is lost. */
static bool pass_up(struct tunnel *t, bool reads)
{
	if (t->up.bytes)
		write_up(t, rest_span(&t->up));
	return t->up.bytes || t->client_ended || !reads || read_up(t);
}

static bool read_up(struct tunnel *t)
{
	size_t len;
	enum tls_result r = tls_stream_read(t->ssl, t->all->scratch, TLS_RECORD_MAX, &len);

	t->read_writes = r == TLS_WANTS_WRITE;
	if (r == TLS_DONE)
		write_up(t, span_of(t->all->scratch, len));
	if (r == TLS_ENDED) {
		t->client_ended = true;
		shutdown(t->inner, SHUT_WR);
	}
	return r != TLS_BROKEN;
}

/* What nobody within wants to hear any more counts as said: the client is given time to end. */
static void write_up(struct tunnel *t, struct span bytes)
{
	ssize_t sent = send(t->inner, bytes.p, bytes.len, MSG_NOSIGNAL);
	bool waits = sent < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS);

	if (sent < 0 && !waits)
		sent = (ssize_t)bytes.len;
	if (waits)
		sent = 0;
	if (t->up.bytes)
		t->up.at += (size_t)sent;
	else if ((size_t)sent < bytes.len)
		keep(&t->up, span_from(bytes, (size_t)sent));
	if (rest_span(&t->up).len == 0)
		rest_drop(&t->up);
}

static bool pass_down(struct tunnel *t, bool reads)
{
	if (t->down.bytes && !write_down(t, rest_span(&t->down)))
		return false;
	if (t->down.bytes || t->said_end)
		return true;
	if (t->server_ended)
		return end_down(t);
	return !reads || read_down(t);
}

static bool read_down(struct tunnel *t)
{
	ssize_t len = recv(t->inner, t->all->scratch, TLS_RECORD_MAX, 0);

	if (len > 0)
		return write_down(t, span_of(t->all->scratch, (size_t)len));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	t->server_ended = true;
	return end_down(t);
}

static bool write_down(struct tunnel *t, struct span bytes)
{
	size_t sent;
	enum tls_result r = tls_stream_write(t->ssl, bytes, &sent);

	if (r == TLS_BROKEN || r == TLS_ENDED)
		return false;
	if (t->down.bytes)
		t->down.at += sent;
	else if (sent < bytes.len)
		keep(&t->down, span_from(bytes, sent));
	if (rest_span(&t->down).len == 0)
		rest_drop(&t->down);
	return true;
}

static bool end_down(struct tunnel *t)
{
	enum tls_result r = tls_stream_end(t->ssl);

	if (r == TLS_BROKEN || r == TLS_ENDED)
		return false;
	end_within(t, r == TLS_DONE ? LINGER_NS : DRAIN_NS);
	t->said_end = r == TLS_DONE;
	if (t->said_end)
		shutdown(t->outer, SHUT_WR);
	return true;
}

static void keep(struct rest *rest, struct span bytes)
{
	rest->bytes = mem_copy(bytes.p, bytes.len);
	rest->len = bytes.len;
	rest->at = 0;
}

static struct span rest_span(const struct rest *rest)
{
	return span_from(span_of(rest->bytes, rest->len), rest->at);
}

static void rest_drop(struct rest *rest)
{
	mem_free(rest->bytes);
	*rest = (struct rest){0};
}

/* Each side is read while there is nothing of it that the other has not taken. */
static void set_watches(struct tunnel *t)
{
	bool up_waits = t->up.bytes, down_waits = t->down.bytes;
	bool end_waits = t->server_ended && !t->said_end;
	unsigned outer = 0, inner = 0;

	if (!t->client_ended && !up_waits)
		outer |= WATCH_READ;
	if (down_waits || end_waits || t->read_writes)
		outer |= WATCH_WRITE;
	if (!t->server_ended && !down_waits)
		inner |= WATCH_READ;
	if (up_waits)
		inner |= WATCH_WRITE;
	if (down_waits && !t->server_gone)
		inner |= WATCH_HANGUP;
	watch_set(t->outer_watch, outer);
	watch_set(t->inner_watch, inner);
}

static void end_within(struct tunnel *t, int64_t ns)
{
	struct loop *loop = t->all->loop;

	if (!timers_is_armed(&t->end) || ns < DRAIN_NS)
		timers_arm(loop_timers(loop), &t->end, loop_now_ns(loop) + ns, on_end);
}

static void on_end(struct timer *timer, int64_t now_ns)
{
	(void)now_ns;
	cut(container_of(timer, struct tunnel, end));
}

static void cut(struct tunnel *t)
{
	struct loop *loop = t->all->loop;

	timers_disarm(loop_timers(loop), &t->end);
	watch_close(&t->outer_watch);
	watch_close(&t->inner_watch);
	tls_stream_free(&t->ssl);
	close(t->outer);
	close(t->inner);
	rest_drop(&t->up);
	rest_drop(&t->down);
	list_remove(&t->node);
	t->all->count--;
	loop_reap(loop, mem_free, t);
}
