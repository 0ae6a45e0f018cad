/* SPDX-License-Identifier: Apache-2.0 */
/* The floor: a bare epoll broadcaster without any feature, to measure beside. A room is the request
 * path; every text frame goes to the others in it, with one send each. No authentication, no
 * checks, no presence, no bounds on slow readers beyond dropping them; never for use. With `hop`
 * each frame passes through a second process on its way (hop.h). The Sec-WebSocket-Accept it
 * answers is not computed: only moot-bench, which does not look at it, connects here. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/hop.h"
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
	struct hop *hop; /* NULL: none */
};

static void limit_accept(struct limit *);
static void client_read(struct limit *, struct client *);
static size_t handshake(struct limit *, struct client *);
static size_t relay_frame(struct limit *, struct client *);
static void deliver(uint64_t room, uint64_t but, struct span frame);
static void client_close(struct client *);

int main(int argc, char **argv)
{
	struct limit l = {0};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_len = sizeof at;
	struct epoll_event events[512];

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "hop") != 0)) {
		fprintf(stderr, "use: moot-limit PORT [hop]   (0: any; prints the port, and the "
				"process ids)\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* whoever measures beside it may be cut short */
	l.hop = argc == 3 ? hop_open() : NULL;
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
	printf("%u %ld", ntohs(at.sin_port), (long)getpid());
	printf(l.hop ? ",%d\n" : "\n", l.hop ? hop_pid(l.hop) : 0);
	fflush(stdout);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	epoll_ctl(l.epoll, EPOLL_CTL_ADD, l.listener, &ev);
	ev.data.ptr = &l; /* the hop, which is looked at after each turn */
	if (l.hop)
		epoll_ctl(l.epoll, EPOLL_CTL_ADD, hop_fd(l.hop), &ev);
	for (;;) {
		int n = epoll_wait(l.epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				limit_accept(&l);
			else if (events[i].data.ptr != &l)
				client_read(&l, events[i].data.ptr);
		}
		if (l.hop) {
			hop_flush(l.hop);
			hop_take(l.hop, deliver);
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
	for (size_t taken; (taken = c->room ? relay_frame(l, c) : handshake(l, c)) > 0;) {
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
static size_t relay_frame(struct limit *l, struct client *c)
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
	if (l->hop)
		hop_put(l->hop, (uintptr_t)c->room, (uintptr_t)c, span_of(out, head + len));
	else
		deliver((uintptr_t)c->room, (uintptr_t)c, span_of(out, head + len));
	return head + 4 + len;
}

/* Rooms stay for ever. Who said it may be gone by now: it is only compared with. */
static void deliver(uint64_t key, uint64_t but, struct span frame)
{
	struct room *room = (struct room *)(uintptr_t)key;

	LIST_EACH (&room->clients, it, ahead) {
		struct client *to = container_of(it, struct client, of_room);

		if ((uintptr_t)to != but && send(to->fd, frame.p, frame.len, 0) < 0)
			shutdown(to->fd, SHUT_RDWR);
	}
}

static void client_close(struct client *c)
{
	list_remove(&c->of_room);
	close(c->fd);
	mem_free(c);
}
