/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out over one socket: to the kernel while it takes it, else into an outbox until the
 * library says that the socket is writable. What may not be dropped waits for the end of the turn,
 * so that all that is said in a turn leaves in one write; what may goes at once (casts have a tick
 * of their own). Owner: socket. Thread: loop. */
#pragma once

#include "common/err.h"
#include "common/list.h"
#include "gateway/bundle.h"

struct lws;
struct backlog;

struct outflow {
	struct lws *wsi;
	struct backlog *backlog; /* NULL: nothing waits for the kernel */
	struct cork *cork;       /* NULL: nothing was said in this turn */
	bool broken;             /* the library could not write: the connection is lost */
};

/* What waits at all sockets of a set. */
struct backlogs {
	struct list all;    /* by when something of each went out last, the longest ago first */
	struct list corked; /* of struct cork: to be uncorked at the end of the turn */
	size_t max_bytes;   /* of one */
	size_t count, bytes;
};

void backlogs_init(struct backlogs *, size_t max_bytes);
/* The one that has not moved for longest, and since when; NULL: nothing waits anywhere. */
struct outflow *backlogs_first(const struct backlogs *, int64_t *moved_ns);

/* Errors: TOO_SLOW: more than `max_bytes` wait that may not be dropped. */
MUST_USE enum err outflow_send(struct outflow *, struct backlogs *, struct payload *,
			       bool droppable, int64_t now_ns);
/* The end of the turn, or something must not wait for it. Errors: as outflow_send. */
MUST_USE enum err outflow_uncork(struct outflow *, struct backlogs *, int64_t now_ns);
struct outflow *backlogs_corked(const struct backlogs *); /* one of them; NULL: none is */
/* In one write, past the library. False: nothing was sent, as it could not be sent whole. */
bool outflow_send_bundle(struct outflow *, struct bundle *);
void outflow_on_writable(struct outflow *, struct backlogs *, int64_t now_ns);
void outflow_forgive(struct outflow *, struct backlogs *, int64_t now_ns); /* as if it had moved */
void outflow_drop(struct outflow *, struct backlogs *);                    /* what waits */
bool outflow_is_empty(const struct outflow *); /* nothing waits, here or in the library */
size_t outflow_bytes(const struct outflow *);  /* that wait for the kernel */
