/* SPDX-License-Identifier: Apache-2.0 */
/* Owned bytes that grow up to a hard maximum. Writing past the maximum sets `over` and drops the
 * write; the writer checks once, at the end. */
#pragma once

#include "common/span.h"

struct buf {
	uint8_t *p;
	size_t len, cap, max;
	bool over;
};

void buf_init(struct buf *, size_t max_bytes); /* allocates nothing */
void buf_fini(struct buf *);
void buf_clear(struct buf *); /* keeps the memory */
void buf_put(struct buf *, const void *p, size_t len);
void buf_put_span(struct buf *, struct span);
void buf_put_str(struct buf *, const char *);
void buf_put_u8(struct buf *, uint8_t);
void buf_put_u64_text(struct buf *, uint64_t); /* decimal */
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
uint8_t *buf_room(struct buf *,
		  size_t len);           /* at least `len` free bytes, or NULL past the maximum */
void buf_cut(struct buf *, size_t head); /* drop the first `head` bytes */
struct span buf_span(const struct buf *);
