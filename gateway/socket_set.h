/* SPDX-License-Identifier: Apache-2.0 */
/* All WebSockets of a gateway and the libwebsockets context that serves them on our loop. It never
 * listens and never sees a client's HTTP request: the door has read that, and what the library gets
 * is a handshake of our own making, followed by the bytes the client sent after its head. Owner:
 * gateway. Thread: loop. */
#pragma once

#include "common/list.h"
#include "common/loop.h"
#include "common/span.h"
#include "gateway/outflow.h"

struct lws;
struct lws_context;
struct lws_vhost;
struct session;
struct socket;

#define SOCKET_CLOSE_NS (5 * NS_PER_S) /* a closing handshake takes no longer */
#define SOCKET_HALVES 64 /* messages that are read on at once; others wait for the poll */

struct socket_set {
	struct loop *loop;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct list closing; /* sockets, by when they are cut off */
	struct backlogs backlogs;
	struct timer timer; /* for the first of either */
	struct socket *adopting;
	/* Of these a message is here in part, since this turn. */
	struct socket *halves[SOCKET_HALVES];
	size_t half_count;
	bool will_uncork;
	size_t count, max_message;
	int64_t slow_ns;
};

struct socket_limits {
	size_t message_bytes, outbox_bytes;
	int64_t slow_ns; /* a reader for whom something waits, and that took nothing for so long */
};

/* Errors: SYSTEM, said in the log with what to do. */
MUST_USE enum err socket_set_open(struct loop *, const struct socket_limits *,
				  struct socket_set **out);
void socket_set_close(struct socket_set **); /* what is still open is cut; NULL is fine */
size_t socket_set_count(const struct socket_set *);
/* Once a turn, before anything is sent: what came only in part is read on, because the library
 * reads little at once and its rest is mostly there. True: of some there was more than a turn
 * takes; the poll tells of it again. */
bool socket_set_read_on(struct socket_set *);

struct socket_start {
	int fd;               /* taken */
	struct span key;      /* its checked Sec-WebSocket-Key */
	struct span early;    /* what came after its request head */
	const char *protocol; /* the subprotocol that it is granted; NULL: none */
};
/* Make a WebSocket. The session hears session_on_open, or only session_on_closed when that failed.
 */
void socket_set_adopt(struct socket_set *, const struct socket_start *, struct session *);

/* ---- between socket_set.c and socket.c ---- */
struct socket *socket_new(struct socket_set *, struct session *);
void socket_lost(struct socket_set *, struct socket *); /* it never came to be */
void socket_set_watch(struct socket_set *);             /* one more may have to be ended in time */
void socket_set_will_uncork(struct socket_set *);       /* at the end of the turn */
void socket_uncork(struct outflow *); /* what was said to the socket of this leaves */
void socket_set_expect(struct socket_set *, struct socket *); /* the rest of its message */
void socket_read(struct socket *);                            /* or nothing, if it has gone */
void socket_stall(struct outflow *);   /* the socket of this took nothing for too long */
void socket_cut(struct list *closing); /* the socket that this node is in */
int64_t socket_cut_ns(const struct list *closing);
const void *socket_protocols(void); /* struct lws_protocols[] */
