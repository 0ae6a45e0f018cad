/* SPDX-License-Identifier: Apache-2.0 */
/* What goes out over one socket: straight to the kernel while it takes it, else into an outbox
 * until the library says that the socket is writable. Owner: socket. Thread: loop. */
#pragma once

#include "common/err.h"
#include "gateway/payload.h"

struct lws;
struct outbox;

struct outflow {
	struct lws *wsi;
	struct outbox *outbox; /* NULL: nothing waits */
	bool broken;           /* the library could not write: the connection is lost */
};

/* Errors: TOO_SLOW: more than `max_bytes` wait that may not be dropped. */
MUST_USE enum err outflow_send(struct outflow *, struct payload *, bool droppable,
			       size_t max_bytes);
void outflow_on_writable(struct outflow *);
void outflow_drop(struct outflow *);           /* what waits */
bool outflow_is_empty(const struct outflow *); /* nothing waits, here or in the library */
size_t outflow_bytes(const struct outflow *);
