/* SPDX-License-Identifier: Apache-2.0 */
/* One outgoing WebSocket message, encoded once and shared by every connection that gets it.
 * Reference counted; the text follows the head-room that the WebSocket library writes its frame
 * header into. */
#pragma once

#include "common/buf.h"

#define PAYLOAD_HEADROOM 32 /* >= LWS_PRE of the library; outflow.c asserts it */

struct payload {
	unsigned refs;
	uint64_t key; /* one that waits gives way to the next of the same key; 0: it does not */
	bool owed;    /* part of something bounded that was promised: no budget counts it */
	size_t len;
	uint8_t bytes[]; /* PAYLOAD_HEADROOM, then the text */
};

MUST_USE struct payload *payload_new(struct span text);  /* one reference, the caller's */
MUST_USE struct payload *payload_take(struct buf *text); /* the same; ends the buffer */
struct payload *payload_ref(struct payload *);
void payload_free(struct payload **); /* drops one reference; NULL is fine */
struct span payload_text(const struct payload *);
