/* SPDX-License-Identifier: Apache-2.0 */
/* TLS connections after their handshake. Each has a pair of sockets: the inner one is handed out to
 * whoever would have had the connection itself, and what is said at one end is passed on to the
 * other, a record at a time, only as fast as it is taken. What waits is bounded: one record in each
 * direction, and none while nothing is under way; the rest waits where it came from. An end is
 * passed on, too. Thread: loop. */
#pragma once

#include "common/loop.h"

struct ssl_st;

struct tunnels {
	struct loop *loop;
	struct list all;
	size_t count;
	uint8_t *scratch; /* what was just read */
};

void tunnels_init(struct tunnels *, struct loop *);
void tunnels_fini(struct tunnels *); /* cuts all of them */

/* Takes the stream and its socket `outer`, and gives the inner one. Errors: SYSTEM: there is no
 * descriptor below `fd_limit` for it; nothing was taken. `sndbuf_bytes`: SO_SNDBUF of the pair. */
MUST_USE enum err tunnel_open(struct tunnels *, struct ssl_st **, int outer, int sndbuf_bytes,
			      int fd_limit, int *inner);
