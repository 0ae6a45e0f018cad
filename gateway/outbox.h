/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for one slow reader: references to shared payloads, oldest first, within a budget of
 * bytes. A newer payload takes the place of one that waits under the same key. Over budget, what is
 * droppable (casts) goes first, the oldest of it first; what is not and does not fit means that the
 * reader is too slow. What is owed always fits, and counts nothing. Pure. Owner: outflow. */
#pragma once

#include "common/err.h"
#include "common/list.h"
#include "common/map.h"
#include "gateway/payload.h"

#define OUTBOX_ENTRY_COST                                                                          \
	64 /* bytes that an entry counts beside its text, so that many small ones end too */

struct outbox {
	struct list entries;    /* oldest first */
	struct list droppables; /* those of them that may be given up, oldest first */
	struct map by_key;      /* those of them that a newer one replaces, by payload.key */
	size_t bytes, max_bytes;
};

struct outbox_loss {
	unsigned replaced; /* a newer one of the same key is there instead */
	unsigned dropped;  /* given up for want of room, perhaps the pushed one itself */
};

void outbox_init(struct outbox *, size_t max_bytes);
void outbox_fini(struct outbox *); /* drops what is left */

/* Append a reference to `payload`, of which `sent` bytes are already out: then it can be neither
 * dropped nor replaced any more. Errors: TOO_SLOW (nothing was appended). */
MUST_USE enum err outbox_push(struct outbox *, struct payload *payload, size_t sent, bool droppable,
			      struct outbox_loss *);
bool outbox_is_empty(const struct outbox *);
/* The oldest entry and how much of it is out; borrowed until the outbox changes. */
struct payload *outbox_first(const struct outbox *, size_t *sent);
/* So much of the oldest entry is out by now; when that is all of it, it is removed. */
void outbox_sent(struct outbox *, size_t sent);
