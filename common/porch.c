/* SPDX-License-Identifier: Apache-2.0 */
#include "common/porch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/proxy.h"
#include "common/tls_stream.h"
#include "common/tunnel.h"

/* A signature takes from 0.1 ms (a key on an elliptic curve) to 2 ms (RSA). */
#define STEPS_PER_TURN 8

struct porch {
	struct loop *loop;
	struct porch_options opt;
	struct door *door;
	struct tunnels tunnels;
	struct list waiting; /* those that are not ready */
	struct list ready;   /* to be taken further, the longest first */
	size_t count;        /* of both */
};

/* Somebody on the porch: his proxy's header is awaited (ssl is NULL), then his handshake. */
struct arrival {
	struct list node; /* of `waiting` or `ready` */
	struct porch *porch;
	struct ip from;
	int fd;
	struct watch *watch;
	struct timer timer;
	struct ssl_st *ssl;
	size_t header_len;
	uint8_t header[PROXY_HEADER_MAX];
};

static void on_event(void *owner, unsigned events);
static void read_header(struct arrival *a);
static bool read_piece(struct arrival *a, size_t len);
static void come_closer(struct arrival *a);
static bool on_turn(void *owner, int64_t now_ns);
static void shake(struct arrival *a);
static void wait_for(struct arrival *a, unsigned events);
static void admit(struct arrival *a);
static void on_late(struct timer *timer, int64_t now_ns);
static void turn_away(struct arrival *a, enum porch_end why);
static void forget(struct arrival *a);

struct porch *porch_new(struct loop *loop, const struct porch_options *opt)
{
	struct porch *p = mem_new(sizeof *p);

	p->loop = loop;
	p->opt = *opt;
	tunnels_init(&p->tunnels, loop);
	list_init(&p->waiting);
	list_init(&p->ready);
	loop_on_turn(loop, on_turn, p);
	return p;
}

void porch_lead_to(struct porch *p, struct door *door)
{
	p->door = door;
}

void porch_free(struct porch **pporch)
{
	struct porch *p = *pporch;

	if (!p)
		return;
	*pporch = NULL;
	loop_off_turn(p->loop, p);
	list_move_all(&p->ready, &p->waiting);
	while (!list_is_empty(&p->waiting)) {
		struct arrival *a = container_of(p->waiting.next, struct arrival, node);

		close(a->fd);
		forget(a);
	}
	tunnels_fini(&p->tunnels);
	loop_reap(p->loop, mem_free, p);
}

size_t porch_streams(const struct porch *p)
{
	return p->tunnels.count;
}

void porch_take(void *porch, int fd, const struct ip *from)
{
	struct porch *p = porch;
	bool announced = p->opt.proxies && ip_set_has(p->opt.proxies, from);

	if (!announced && !p->opt.tls) {
		door_admit(p->door, fd, from);
		return;
	}
	if (p->count >= p->opt.max_waiting) {
		close(fd);
		p->opt.on_end(p->opt.owner, PORCH_FULL);
		return;
	}
	struct arrival *a = mem_new(sizeof *a);

	a->porch = p;
	a->fd = fd;
	a->from = *from;
	list_add_last(&p->waiting, &a->node);
	p->count++;
	a->watch = watch_open(p->loop, fd, WATCH_READ, on_event, a);
	timers_arm(loop_timers(p->loop), &a->timer, loop_now_ns(p->loop) + p->opt.shake_ns,
		   on_late);
	if (!announced)
		come_closer(a);
}

/* A handshake waits for the turn's end and is not told of more meanwhile. */
static void on_event(void *owner, unsigned events)
{
	struct arrival *a = owner;

	(void)events;
	if (!a->ssl) {
		read_header(a);
		return;
	}
	watch_set(a->watch, 0);
	list_remove(&a->node);
	list_add_last(&a->porch->ready, &a->node);
}

/* Only what belongs to it is taken from the socket: what follows is for others to read. */
static void read_header(struct arrival *a)
{
	size_t more;

	for (;;) {
		struct span so_far = span_of(a->header, a->header_len);

		if (proxy_wants(so_far, &more) != OK) {
			turn_away(a, PORCH_NO_HEADER);
			return;
		}
		if (more == 0)
			break;
		if (!read_piece(a, more))
			return;
	}
	struct ip from;

	if (proxy_read(span_of(a->header, a->header_len), &from) != OK) {
		turn_away(a, PORCH_NO_HEADER);
		return;
	}
	if (ip_is_known(&from))
		a->from = from;
	come_closer(a);
}

/* False: there is nothing more just now, or never will be, and then `a` is gone. */
static bool read_piece(struct arrival *a, size_t len)
{
	struct span room = span_from(span_of(a->header, sizeof a->header), a->header_len);

	must(len <= room.len);
	ssize_t got = recv(a->fd, a->header + a->header_len, len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		turn_away(a, PORCH_NO_HEADER);
		return false;
	}
	a->header_len += (size_t)got;
	return true;
}

static void come_closer(struct arrival *a)
{
	struct porch *p = a->porch;

	if (p->opt.tls) {
		a->ssl = tls_stream_new(p->opt.tls, a->fd);
		return;
	}
	struct door *door = p->door;
	struct ip from = a->from;
	int fd = a->fd;

	forget(a);
	door_admit(door, fd, &from);
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct porch *p = owner;

	(void)now_ns;
	for (int i = 0; i < STEPS_PER_TURN && !list_is_empty(&p->ready); i++)
		shake(container_of(p->ready.next, struct arrival, node));
	return !list_is_empty(&p->ready);
}

static void shake(struct arrival *a)
{
	switch (tls_stream_accept(a->ssl)) {
	case TLS_DONE:
		admit(a);
		break;
	case TLS_WANTS_READ:
		wait_for(a, WATCH_READ);
		break;
	case TLS_WANTS_WRITE:
		wait_for(a, WATCH_WRITE);
		break;
	case TLS_ENDED:
	case TLS_BROKEN:
		turn_away(a, PORCH_FAILED);
		break;
	}
}

static void wait_for(struct arrival *a, unsigned events)
{
	list_remove(&a->node);
	list_add_last(&a->porch->waiting, &a->node);
	watch_set(a->watch, events);
}

/* The socket has one watch at a time: the arrival's ends here, the tunnel's begins. */
static void admit(struct arrival *a)
{
	struct porch *p = a->porch;
	struct door *door = p->door;
	int inner, fd_limit = door_fd_limit(door);

	watch_close(&a->watch);
	if (tunnel_open(&p->tunnels, &a->ssl, a->fd, p->opt.sndbuf_bytes, fd_limit, &inner) != OK) {
		turn_away(a, PORCH_FULL);
		return;
	}
	struct ip from = a->from;

	forget(a);
	p->opt.on_end(p->opt.owner, PORCH_OK);
	door_admit(door, inner, &from);
}

static void on_late(struct timer *timer, int64_t now_ns)
{
	struct arrival *a = container_of(timer, struct arrival, timer);

	(void)now_ns;
	turn_away(a, a->ssl ? PORCH_LATE : PORCH_NO_HEADER);
}

static void turn_away(struct arrival *a, enum porch_end why)
{
	struct porch *p = a->porch;
	int fd = a->fd;

	forget(a);
	close(fd);
	p->opt.on_end(p->opt.owner, why);
}

/* The descriptor is somebody else's from here on. */
static void forget(struct arrival *a)
{
	struct porch *p = a->porch;

	watch_close(&a->watch);
	timers_disarm(loop_timers(p->loop), &a->timer);
	tls_stream_free(&a->ssl);
	list_remove(&a->node);
	p->count--;
	loop_reap(p->loop, mem_free, a);
}
