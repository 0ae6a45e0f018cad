/* SPDX-License-Identifier: Apache-2.0 */
/* See swarm.h. Server frames are unmasked and unfragmented (both servers under test write them so).
 */
#include "bench/swarm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/mono.h"

#define HANDSHAKES_AT_ONCE 128
#define CONNECT_DEADLINE_NS (60 * NS_PER_S)
#define QUIET_NS (700 * NS_PER_MS)
#define EVENTS_PER_WAIT 512
#define MARK "\"sentAt\":"

enum client_state { CLIENT_NEW, CLIENT_CONNECTING, CLIENT_HANDSHAKE, CLIENT_OPEN, CLIENT_GONE };

struct client {
	int fd;
	enum client_state state;
	struct buf in; /* an incomplete head or frame; empty between frames */
};

struct swarm {
	struct swarm_options opt;
	int epoll;
	struct client *clients;
	size_t opened, next, under_way;
	int64_t heard_ns; /* when anything last arrived */
	struct swarm_result *result;
	struct buf out;
	uint8_t scratch[256 << 10];
};

static bool client_connect(struct swarm *, size_t i);
static void client_greet(struct swarm *, size_t i);
static void client_read(struct swarm *, size_t i);
static void client_take(struct swarm *, struct client *, struct span bytes);
static size_t take_handshake(struct swarm *, struct client *, struct span bytes);
static size_t take_frame(struct swarm *, struct span bytes);
static void on_text(struct swarm *, struct span text);
static void client_gone(struct swarm *, struct client *);
static size_t caster(const struct swarm *, uint64_t n);
static void client_cast(struct swarm *, size_t i, int64_t due_ns);
static void put_frame(struct buf *, struct span text);
static void swarm_turn(struct swarm *, int64_t wait_ns);
static int64_t own_cpu_ns(void);

struct swarm *swarm_new(const struct swarm_options *opt)
{
	struct swarm *s = mem_new(sizeof *s);

	s->opt = *opt;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->clients = mem_new(opt->connections * sizeof *s->clients);
	for (size_t i = 0; i < opt->connections; i++) {
		s->clients[i].fd = -1;
		buf_init(&s->clients[i].in, 16u << 20);
	}
	buf_init(&s->out, 1u << 20);
	return s;
}

void swarm_free(struct swarm **taken)
{
	struct swarm *s = *taken;

	if (!s)
		return;
	for (size_t i = 0; i < s->opt.connections; i++) {
		if (s->clients[i].fd >= 0)
			close(s->clients[i].fd);
		buf_fini(&s->clients[i].in);
	}
	buf_fini(&s->out);
	close(s->epoll);
	mem_free(s->clients);
	mem_free(s);
	*taken = NULL;
}

enum err swarm_connect(struct swarm *s)
{
	int64_t start_ns = mono_now_ns();
	size_t all = s->opt.connections;

	while (s->opened < all || mono_now_ns() - s->heard_ns < QUIET_NS) {
		while (s->next < all && s->under_way < HANDSHAKES_AT_ONCE) {
			if (!client_connect(s, s->next))
				return ERR_SYSTEM;
			s->next++;
			s->under_way++;
		}
		swarm_turn(s, 20 * NS_PER_MS);
		if (mono_now_ns() - start_ns > CONNECT_DEADLINE_NS) {
			fprintf(stderr, "moot-bench: %zu of %zu connections open after 60 s\n",
				s->opened, all);
			return ERR_TIMEOUT;
		}
	}
	return OK;
}

void swarm_publish(struct swarm *s, double rate, double seconds, struct swarm_result *result)
{
	int64_t gap_ns = (int64_t)(1e9 / rate);
	int64_t start_ns = mono_now_ns();
	uint64_t total = (uint64_t)(rate * seconds);

	memset(result, 0, sizeof *result);
	result->own_cpu_ns = -own_cpu_ns();
	s->result = result;
	while (result->sent < total) {
		int64_t due_ns = start_ns + (int64_t)result->sent * gap_ns;
		int64_t now_ns = mono_now_ns();

		if (now_ns >= due_ns)
			client_cast(s, caster(s, result->sent), due_ns);
		swarm_turn(s, now_ns >= due_ns ? 0 : due_ns - now_ns);
	}
	for (int64_t until_ns = mono_now_ns() + 2 * NS_PER_S;
	     result->delivered < result->expected && mono_now_ns() < until_ns;)
		swarm_turn(s, 50 * NS_PER_MS);
	result->own_cpu_ns += own_cpu_ns();
	s->result = NULL;
}

void swarm_wait(struct swarm *s, double seconds)
{
	int64_t until_ns = mono_now_ns() + (int64_t)(seconds * 1e9);

	while (mono_now_ns() < until_ns)
		swarm_turn(s, 50 * NS_PER_MS);
}

static bool client_connect(struct swarm *s, size_t i)
{
	struct client *c = &s->clients[i];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->opt.port)};
	int one = 1;

	inet_pton(AF_INET, s->opt.host, &to.sin_addr);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		fprintf(stderr, "moot-bench: no socket for connection %zu: %s\n", i,
			strerror(errno));
		return false;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) {
		fprintf(stderr, "moot-bench: cannot connect: %s\n", strerror(errno));
		return false;
	}
	c->state = CLIENT_CONNECTING;
	struct epoll_event ev = {.events = EPOLLOUT, .data.u64 = i};
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, c->fd, &ev);
	return true;
}

static void client_greet(struct swarm *s, size_t i)
{
	struct client *c = &s->clients[i];
	char head[512];
	int len = snprintf(
		head, sizeof head,
		"GET /api/ws/submissions/bench-%zu?sessionId=bench-%zu HTTP/1.1\r\n"
		"Host: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
		i / s->opt.room_size, i, s->opt.host, s->opt.port);

	if (write(c->fd, head, (size_t)len) != len) {
		client_gone(s, c);
		return;
	}
	c->state = CLIENT_HANDSHAKE;
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = i};
	epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

static void swarm_turn(struct swarm *s, int64_t wait_ns)
{
	struct epoll_event events[EVENTS_PER_WAIT];
	struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};
	int n = epoll_pwait2(s->epoll, events, EVENTS_PER_WAIT, &wait, NULL);

	if (n > 0)
		s->heard_ns = mono_now_ns();
	for (int k = 0; k < n; k++) {
		size_t i = (size_t)events[k].data.u64;

		if (s->clients[i].state == CLIENT_CONNECTING)
			client_greet(s, i);
		else
			client_read(s, i);
	}
}

static void client_read(struct swarm *s, size_t i)
{
	struct client *c = &s->clients[i];

	if (c->state == CLIENT_GONE)
		return;
	ssize_t n = read(c->fd, s->scratch, sizeof s->scratch);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_gone(s, c);
		return;
	}
	client_take(s, c, span_of(s->scratch, (size_t)n));
}

/* Whole frames are read in place; only a rest is copied. */
static void client_take(struct swarm *s, struct client *c, struct span bytes)
{
	if (c->in.len) {
		buf_put_span(&c->in, bytes);
		bytes = buf_span(&c->in);
	}
	for (;;) {
		size_t taken = c->state == CLIENT_HANDSHAKE ? take_handshake(s, c, bytes)
							    : take_frame(s, bytes);
		if (!taken || c->state == CLIENT_GONE)
			break;
		bytes = span_from(bytes, taken);
	}
	if (c->in.len) {
		buf_cut(&c->in, c->in.len - bytes.len);
		if (!c->in.len)
			buf_fini(&c->in);
	} else if (bytes.len) {
		buf_put_span(&c->in, bytes);
	}
}

static size_t take_handshake(struct swarm *s, struct client *c, struct span bytes)
{
	const uint8_t *end = memmem(bytes.p, bytes.len, "\r\n\r\n", 4);

	if (!end)
		return 0;
	if (!span_starts(bytes, "HTTP/1.1 101")) {
		const uint8_t *line = memchr(bytes.p, '\r', bytes.len);
		fprintf(stderr, "moot-bench: refused: %.*s\n", (int)(line - bytes.p),
			(const char *)bytes.p);
		client_gone(s, c);
		return 0;
	}
	c->state = CLIENT_OPEN;
	s->opened++;
	s->under_way--;
	return (size_t)(end - bytes.p) + 4;
}

/* Returns the length of the frame at the head of `bytes`, or 0 when it is not whole. */
static size_t take_frame(struct swarm *s, struct span bytes)
{
	if (bytes.len < 2)
		return 0;
	size_t head = 2, len = bytes.p[1] & 0x7f;
	size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (bytes.len < head + extra)
		return 0;
	if (extra) {
		len = 0;
		for (size_t i = 0; i < extra; i++)
			len = len << 8 | bytes.p[head + i];
		head += extra;
	}
	if (bytes.len < head + len)
		return 0;
	if ((bytes.p[0] & 0x0f) == 1)
		on_text(s, span_of(bytes.p + head, len));
	return head + len;
}

static void on_text(struct swarm *s, struct span text)
{
	const uint8_t *mark = s->result ? memmem(text.p, text.len, MARK, sizeof MARK - 1) : NULL;
	int64_t sent_ns = 0;

	if (!mark)
		return;
	for (const uint8_t *p = mark + sizeof MARK - 1;
	     p < text.p + text.len && *p >= '0' && *p <= '9'; p++)
		sent_ns = sent_ns * 10 + (*p - '0');
	s->result->delivered++;
	histogram_add(&s->result->latency, mono_now_ns() - sent_ns);
}

static void client_gone(struct swarm *s, struct client *c)
{
	if (s->result)
		s->result->lost_sockets++;
	close(c->fd);
	c->fd = -1;
	c->state = CLIENT_GONE;
}

/* The connection that sends the n-th cast: each its turn, neighbours far apart. */
static size_t caster(const struct swarm *s, uint64_t n)
{
	size_t each = s->opt.casters ? s->opt.casters : s->opt.room_size;
	size_t rooms = s->opt.connections / s->opt.room_size;

	if (!s->opt.casters || !rooms)
		return (size_t)(n * 7919u % s->opt.connections);
	size_t at = (size_t)(n * 7919u % (rooms * each));

	return at / each * s->opt.room_size + at % each;
}

static void client_cast(struct swarm *s, size_t i, int64_t due_ns)
{
	struct client *c = &s->clients[i];
	char text[512], pad[400];
	size_t room = i / s->opt.room_size * s->opt.room_size;
	size_t members = s->opt.connections - room < s->opt.room_size ? s->opt.connections - room
								      : s->opt.room_size;
	int len = snprintf(text, sizeof text,
			   "{\"type\":\"cursor_position\",\"data\":{" MARK "%lld,\"position\":\"",
			   (long long)due_ns);
	size_t fill = s->opt.body_bytes > (size_t)len + 3 ? s->opt.body_bytes - (size_t)len - 3 : 0;

	fill = fill < sizeof pad ? fill : sizeof pad;
	memset(pad, 'x', fill);
	len += snprintf(text + len, sizeof text - (size_t)len, "%.*s\"}}", (int)fill, pad);
	s->result->sent++;
	if (c->state != CLIENT_OPEN)
		return;
	s->result->expected += members - 1;
	buf_clear(&s->out);
	put_frame(&s->out, span_of(text, (size_t)len));
	/* A server that does not read for a whole socket buffer is the finding, not something to
	 * hide. */
	if (write(c->fd, s->out.p, s->out.len) != (ssize_t)s->out.len)
		client_gone(s, c);
}

/* Masked with zero: legal, and costs the client nothing. */
static void put_frame(struct buf *out, struct span text)
{
	buf_put_u8(out, 0x81);
	if (text.len < 126) {
		buf_put_u8(out, (uint8_t)(0x80 | text.len));
	} else {
		buf_put_u8(out, 0x80 | 126);
		buf_put_u8(out, (uint8_t)(text.len >> 8));
		buf_put_u8(out, (uint8_t)text.len);
	}
	buf_put(out, "\0\0\0\0", 4);
	buf_put_span(out, text);
}

static int64_t own_cpu_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_S +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}
