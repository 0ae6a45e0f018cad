/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/mono.h"

#define EVENTS_PER_TURN 512
#define MESSAGE_MAX (16u << 20)
#define OUT_MAX (1u << 20)
#define SLOW_BUFFER 4096
#define LOST_CODE 1006

struct conns {
	int epoll;
	const struct conn_calls *calls;
	size_t read; /* bytes, this turn */
	uint8_t scratch[256 << 10];
};

static bool bind_from(int fd, const struct sockaddr_in *from);
static void conn_watch(struct conn *, int how);
static void conn_turn(struct conn *, uint32_t events);
static void conn_flush(struct conn *);
static void conn_read(struct conn *);
static void conn_take(struct conn *, struct span bytes);
static size_t take_answer(struct conn *, struct span bytes);
static size_t take_frame(struct conn *, struct span bytes);
static void on_frame(struct conn *, const struct websocket_frame *);
static void on_message(struct conn *, const struct websocket_frame *);
static void on_close(struct conn *, const struct websocket_frame *);
static void conn_put(struct conn *, enum websocket_op, struct span body);
static void conn_end(struct conn *, unsigned code);

struct conns *conns_new(const struct conn_calls *calls)
{
	struct conns *s = mem_new(sizeof *s);

	s->calls = calls;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	must(s->epoll >= 0);
	return s;
}

void conns_free(struct conns **taken)
{
	struct conns *s = *taken;

	if (!s)
		return;
	close(s->epoll);
	mem_free(s);
	*taken = NULL;
}

size_t conns_turn(struct conns *s, int64_t wait_ns)
{
	struct epoll_event events[EVENTS_PER_TURN];
	struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
	int n = epoll_pwait2(s->epoll, events, EVENTS_PER_TURN, &wait, NULL);

	s->read = 0;
	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			conn_turn(events[i].data.ptr, events[i].events);
	return s->read;
}

int conns_fd_add(struct conns *s, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
}

void conn_init(struct conn *c, struct conns *of)
{
	*c = (struct conn){.fd = -1, .of = of};
	buf_init(&c->in, MESSAGE_MAX);
	buf_init(&c->message, MESSAGE_MAX);
	buf_init(&c->out, OUT_MAX);
}

enum err conn_open(struct conn *c, const struct conn_plan *plan)
{
	int one = 1, small = SLOW_BUFFER;

	must(c->state == CONN_CLOSED);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return ERR_SYSTEM;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (plan->is_slow)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	c->state = CONN_CONNECTING;
	if ((plan->from && !bind_from(c->fd, plan->from)) ||
	    (connect(c->fd, (const struct sockaddr *)plan->to, sizeof *plan->to) &&
	     errno != EINPROGRESS)) {
		int why = errno;

		conn_drop(c);
		errno = why;
		return ERR_SYSTEM;
	}
	websocket_put_request(&c->out, plan->request);
	conn_watch(c, EPOLL_CTL_ADD);
	return OK;
}

/* The port is chosen when the other end is known: each address has all of them for each target. */
static bool bind_from(int fd, const struct sockaddr_in *from)
{
	int one = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	return bind(fd, (const struct sockaddr *)from, sizeof *from) == 0;
}

static void conn_watch(struct conn *c, int how)
{
	uint32_t out = c->out.len ? EPOLLOUT : 0;
	struct epoll_event ev = {.events = (c->is_paused ? 0 : EPOLLIN) | out, .data.ptr = c};

	epoll_ctl(c->of->epoll, how, c->fd, &ev);
}

static void conn_turn(struct conn *c, uint32_t events)
{
	if (c->state == CONN_CLOSED)
		return;
	if (events & EPOLLOUT) {
		if (c->state == CONN_CONNECTING)
			c->state = CONN_ASKING;
		conn_flush(c);
	}
	if (c->state != CONN_CLOSED && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		conn_read(c);
}

static void conn_flush(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_end(c, LOST_CODE);
		return;
	}
	if (n > 0)
		buf_cut(&c->out, (size_t)n);
	if (!c->out.len) {
		buf_fini(&c->out);
		conn_watch(c, EPOLL_CTL_MOD);
	}
}

static void conn_read(struct conn *c)
{
	ssize_t n = read(c->fd, c->of->scratch, sizeof c->of->scratch);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_end(c, LOST_CODE);
		return;
	}
	c->of->read += (size_t)n;
	conn_take(c, span_of(c->of->scratch, (size_t)n));
}

/* Whole frames are read in place; only a rest is copied. */
static void conn_take(struct conn *c, struct span bytes)
{
	bool is_copy = c->in.len > 0;

	if (is_copy) {
		buf_put_span(&c->in, bytes);
		bytes = buf_span(&c->in);
	}
	for (size_t taken = 1; taken && c->state != CONN_CLOSED; bytes = span_from(bytes, taken))
		taken = c->state == CONN_ASKING ? take_answer(c, bytes) : take_frame(c, bytes);
	if (c->state == CONN_CLOSED)
		return;
	if (!is_copy)
		buf_put_span(&c->in, bytes);
	else
		buf_cut(&c->in, c->in.len - bytes.len);
	if (c->in.over)
		conn_end(c, LOST_CODE);
	else if (!c->in.len)
		buf_fini(&c->in);
}

static size_t take_answer(struct conn *c, struct span bytes)
{
	unsigned status;
	size_t taken = websocket_take_answer(bytes, &status);

	if (taken && status != 101) {
		conn_end(c, status ? status : LOST_CODE);
	} else if (taken) {
		c->state = CONN_OPEN;
		c->of->calls->on_open(c);
	}
	return taken;
}

static size_t take_frame(struct conn *c, struct span bytes)
{
	struct websocket_frame f;
	size_t taken = websocket_take(bytes, &f);

	if (taken)
		on_frame(c, &f);
	return taken;
}

static void on_frame(struct conn *c, const struct websocket_frame *f)
{
	if (f->op == WEBSOCKET_TEXT || f->op == WEBSOCKET_CONTINUATION)
		on_message(c, f);
	else if (f->op == WEBSOCKET_CLOSE)
		on_close(c, f);
	else if (f->op == WEBSOCKET_PING)
		conn_put(c, WEBSOCKET_PONG, f->body);
}

static void on_message(struct conn *c, const struct websocket_frame *f)
{
	if (c->state != CONN_OPEN)
		return; /* it is leaving: nothing is heard any more */
	if (f->is_last && !c->message.len) {
		c->of->calls->on_text(c, f->body);
		return;
	}
	buf_put_span(&c->message, f->body);
	if (c->message.over) {
		conn_end(c, LOST_CODE);
	} else if (f->is_last) {
		struct buf whole = c->message; /* the call may drop the connection */

		buf_init(&c->message, MESSAGE_MAX);
		c->of->calls->on_text(c, buf_span(&whole));
		buf_fini(&whole);
	}
}

static void on_close(struct conn *c, const struct websocket_frame *f)
{
	unsigned code = websocket_close_code(f->body);

	if (c->state == CONN_OPEN)
		conn_put(c, WEBSOCKET_CLOSE, f->body);
	if (c->state != CONN_CLOSED)
		conn_end(c, code);
}

bool conn_say(struct conn *c, struct span text)
{
	if (c->state != CONN_OPEN || c->out.len + text.len + 16 > OUT_MAX)
		return false;
	conn_put(c, WEBSOCKET_TEXT, text);
	return true;
}

static void conn_put(struct conn *c, enum websocket_op op, struct span body)
{
	bool was_waiting = c->out.len > 0;

	websocket_put(&c->out, op, body);
	if (was_waiting)
		return;
	ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);
	if (n > 0)
		buf_cut(&c->out, (size_t)n); /* an error shows when it is read */
	if (!c->out.len)
		buf_clear(&c->out);
	else
		conn_watch(c, EPOLL_CTL_MOD);
}

void conn_pause(struct conn *c, bool on)
{
	if (c->is_paused == on)
		return;
	c->is_paused = on;
	if (c->state != CONN_CLOSED)
		conn_watch(c, EPOLL_CTL_MOD);
}

void conn_close(struct conn *c, unsigned code)
{
	uint8_t body[2] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (c->state != CONN_OPEN)
		return;
	conn_put(c, WEBSOCKET_CLOSE, span_of(body, sizeof body));
	c->state = CONN_CLOSING;
}

void conn_drop(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CONN_CLOSED;
	c->is_paused = false;
	buf_fini(&c->in);
	buf_fini(&c->message);
	buf_fini(&c->out);
}

static void conn_end(struct conn *c, unsigned code)
{
	conn_drop(c);
	c->of->calls->on_end(c, code);
}
