/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets of a load on one epoll: bytes in, messages out, callbacks for three things. The only
 * file of moot-bench that speaks to the kernel's sockets. A conn is embedded in its owner, who may
 * open it again when it has ended; it is never freed. Thread: one. */
#pragma once

#include <netinet/in.h>

#include "bench/websocket.h"
#include "common/err.h"

struct conn;
struct conns;

struct conn_calls {
	void (*on_open)(struct conn *);
	void (*on_text)(struct conn *, struct span text);
	/* It is closed. `code`: of the close frame, 1006 without one, or the HTTP status of a
	 * refused upgrade. Not after conn_drop. */
	void (*on_end)(struct conn *, unsigned code);
};

enum conn_state { CONN_CLOSED, CONN_CONNECTING, CONN_ASKING, CONN_OPEN, CONN_CLOSING };

struct conn {
	int fd;
	enum conn_state state;
	bool is_paused;
	struct buf in;      /* an incomplete head or frame */
	struct buf message; /* frames of an incomplete message */
	struct buf out;     /* what the kernel did not take */
	struct conns *of;
};

struct conn_plan {
	const struct sockaddr_in *to;
	const struct sockaddr_in *from; /* NULL: any */
	const struct websocket_request *request;
	bool is_slow; /* a small receive buffer, so that what is not read waits at the server */
};

MUST_USE struct conns *conns_new(const struct conn_calls *);
void conns_free(struct conns **); /* after the last conn was dropped */
/* Read and write what can be, for at most `wait_ns`. Returns how many bytes were read. */
size_t conns_turn(struct conns *, int64_t wait_ns);
int conns_fd_add(struct conns *,
		 int fd); /* wakes conns_turn when it can be read; -1: cannot be watched */

void conn_init(struct conn *, struct conns *);
/* Errors: SYSTEM, which errno tells. */
MUST_USE enum err conn_open(struct conn *, const struct conn_plan *);
/* False: it is closed, or more than a megabyte waits already and the server does not read. */
bool conn_say(struct conn *, struct span text);
void conn_pause(struct conn *, bool on);       /* read nothing */
void conn_close(struct conn *, unsigned code); /* says so, and waits for the end */
void conn_drop(struct conn *);                 /* at once and without a word; frees what waits */
