/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for one slow reader: references to shared payloads, oldest first, within a budget of
 * bytes. What is droppable (casts) goes first, the oldest of it first; what is not and does not fit
 * means that the reader is too slow. Pure. Owner: socket. */
#pragma once

#include "common/err.h"
#include "common/list.h"
#include "gateway/payload.h"

#define OUTBOX_ENTRY_COST                                                                          \
	64 /* bytes that an entry counts beside its text, so that many small ones end too */

struct outbox {
	struct list entries;    /* oldest first */
	struct list droppables; /* those of them that may be given up, oldest first */
	size_t bytes, max_bytes;
};

void outbox_init(struct outbox *, size_t max_bytes);
void outbox_fini(struct outbox *); /* drops what is left */

/* Append a reference to `payload`, of which `sent` bytes are already out: then it cannot be dropped
 * any more. `*dropped`: how many casts were given up, this one included. Errors: TOO_SLOW (nothing
 * was appended). */
MUST_USE enum err outbox_push(struct outbox *, struct payload *, size_t sent, bool droppable,
			      unsigned *dropped);
bool outbox_is_empty(const struct outbox *);
/* The oldest entry and how much of it is out; borrowed until the outbox changes. */
struct payload *outbox_first(const struct outbox *, size_t *sent);
/* So much of the oldest entry is out by now; when that is all of it, it is removed. */
void outbox_sent(struct outbox *, size_t sent);
