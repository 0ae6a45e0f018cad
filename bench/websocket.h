/* SPDX-License-Identifier: Apache-2.0 */
/* The client's half of RFC 6455 as far as a load needs it: bytes to frames and back. Pure. Does not
 * look at Sec-WebSocket-Accept, and masks with zero, which is legal and costs nothing. */
#pragma once

#include "common/buf.h"

enum websocket_op {
	WEBSOCKET_CONTINUATION = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10
};

struct websocket_frame {
	unsigned op;
	bool is_last; /* of its message */
	struct span body;
};

struct websocket_request {
	const char *host; /* as in the Host header */
	const char *path;
	const char *protocol; /* NULL: none */
};

void websocket_put_request(struct buf *, const struct websocket_request *);
/* The length of the answer's head, or 0 while it is not whole; `*status` is 101 when all is well.
 */
size_t websocket_take_answer(struct span bytes, unsigned *status);
/* The length of the frame at the head of `bytes`, or 0 while it is not whole. */
size_t websocket_take(struct span bytes, struct websocket_frame *);
void websocket_put(struct buf *, enum websocket_op, struct span body);
unsigned websocket_close_code(struct span body); /* 1005: it has none */
