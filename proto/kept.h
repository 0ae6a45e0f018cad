/* SPDX-License-Identifier: Apache-2.0 */
/* The states that one connection left for late joiners, by key, the one set last at the end. NULL
 * holds none: most connections leave nothing, and that costs nothing. Pure. Owner: whoever has the
 * pointer, an entry of a roster or an attendee. */
#pragma once

#include "common/buf.h"
#include "proto/message.h"

struct kept;

/* Keep `body`, or forget it (empty body). A body over KEPT_BODY_MAX or a ninth key is not kept. */
void kept_put(struct kept **, struct span key, struct span body);
void kept_free(struct kept **); /* NULL is fine */

size_t kept_count(const struct kept *);
struct item_kept kept_at(const struct kept *, size_t i);     /* borrowed */
struct span kept_find(const struct kept *, struct span key); /* its body; empty: not there */
void kept_put_items(const struct kept *, struct buf *items); /* item_put_kept for each */
void kept_replace(struct kept **, struct span items);        /* by these; none: as it was */
