/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: a bare epoll broadcaster without any feature, to measure beside. A room is the request
 * path; every text frame goes to the others in it, with one send each. No authentication, no
 * checks, no presence, no bounds on slow readers beyond dropping them; never for use. The
 * Sec-WebSocket-Accept it answers is not computed: only moot-bench, which does not look at it,
 * connects here. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/list.h"
#include "common/map.h"
#include "common/mem.h"

#define FRAME_MAX 4096

struct room {
	struct list clients;
	char key[128];
};

struct client {
	int fd;
	struct room *room; /* NULL before the handshake */
	struct list of_room;
	size_t len;
	uint8_t in[FRAME_MAX];
};

struct limit {
	int epoll, listener;
	struct map rooms;
};

static void limit_accept(struct limit *);
static void client_read(struct limit *, struct client *);
static size_t handshake(struct limit *, struct client *);
static size_t relay_frame(struct client *);
static void client_close(struct client *);

int main(int argc, char **argv)
{
	struct limit l = {0};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_len = sizeof at;
	struct epoll_event events[512];

	if (argc != 2) {
		fprintf(stderr, "use: moot-limit PORT   (0: any; prints the port)\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	map_init(&l.rooms);
	l.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l.listener < 0 || bind(l.listener, (struct sockaddr *)&at, sizeof at) ||
	    listen(l.listener, 1024)) {
		fprintf(stderr, "moot-limit: cannot listen on port %s: %s\n", argv[1],
			strerror(errno));
		return 1;
	}
	getsockname(l.listener, (struct sockaddr *)&at, &at_len);
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(l.epoll, EPOLL_CTL_ADD, l.listener, &ev);
	for (;;) {
		int n = epoll_wait(l.epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				client_read(&l, events[i].data.ptr);
			else
				limit_accept(&l);
		}
	}
}

static void limit_accept(struct limit *l)
{
	int one = 1;

	for (int fd; (fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		struct client *c = mem_new(sizeof *c);
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		c->fd = fd;
		list_init(&c->of_room);
		epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev);
	}
}

static void client_read(struct limit *l, struct client *c)
{
	ssize_t n = read(c->fd, c->in + c->len, sizeof c->in - c->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	c->len += (size_t)n;
	for (size_t taken; (taken = c->room ? relay_frame(c) : handshake(l, c)) > 0;) {
		c->len -= taken;
		memmove(c->in, c->in + taken, c->len);
	}
}

static size_t handshake(struct limit *l, struct client *c)
{
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				     "Connection: Upgrade\r\nSec-WebSocket-Accept: none\r\n\r\n";
	uint8_t *end = memmem(c->in, c->len, "\r\n\r\n", 4);

	if (!end)
		return 0;
	uint8_t *path_end = memchr(c->in, '?', c->len);
	struct span key =
		span_of(c->in, path_end && path_end - c->in < 127 ? (size_t)(path_end - c->in) : 4);
	c->room = map_find(&l->rooms, key);
	if (!c->room) {
		c->room = mem_new(sizeof *c->room);
		list_init(&c->room->clients);
		memcpy(c->room->key, key.p, key.len);
		map_add(&l->rooms, span_of(c->room->key, key.len), c->room);
	}
	list_add_last(&c->room->clients, &c->of_room);
	if (send(c->fd, answer, sizeof answer - 1, 0) < 0)
		shutdown(c->fd, SHUT_RDWR);
	return (size_t)(end - c->in) + 4;
}

/* One short masked text frame in, the same text unmasked to everybody else. */
static size_t relay_frame(struct client *c)
{
	uint8_t out[FRAME_MAX];

	if (c->len < 6)
		return 0;
	size_t len = c->in[1] & 0x7f, head = 2;
	if (len == 126) {
		len = (size_t)c->in[2] << 8 | c->in[3];
		head = 4;
	}
	if (c->len < head + 4 + len)
		return 0;
	memcpy(out, c->in, head);
	out[1] &= 0x7f;
	for (size_t i = 0; i < len; i++)
		out[head + i] = c->in[head + 4 + i] ^ c->in[head + (i & 3)];
	LIST_EACH (&c->room->clients, it, ahead) {
		struct client *to = container_of(it, struct client, of_room);

		if (to != c && send(to->fd, out, head + len, 0) < 0)
			shutdown(to->fd, SHUT_RDWR);
	}
	return head + 4 + len;
}

static void client_close(struct client *c)
{
	list_remove(&c->of_room);
	close(c->fd);
	mem_free(c);
}
