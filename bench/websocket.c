/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/websocket.h"

#include <string.h>

#define HEAD_MAX 16384 /* of an answer: a longer one is no answer of ours */

void websocket_put_request(struct buf *out, const struct websocket_request *r)
{
	buf_printf(out,
		   "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
		   r->path, r->host);
	if (r->protocol)
		buf_printf(out, "Sec-WebSocket-Protocol: %s\r\n", r->protocol);
	buf_put_str(out, "\r\n");
}

size_t websocket_take_answer(struct span bytes, unsigned *status)
{
	const uint8_t *end = bytes.len ? memmem(bytes.p, bytes.len, "\r\n\r\n", 4) : NULL;

	*status = 0;
	if (!end)
		return bytes.len > HEAD_MAX ? bytes.len : 0;
	if (span_starts(bytes, "HTTP/1.1 "))
		for (size_t i = 9; i < 12 && bytes.p[i] >= '0' && bytes.p[i] <= '9'; i++)
			*status = *status * 10 + (unsigned)(bytes.p[i] - '0');
	return (size_t)(end - bytes.p) + 4;
}

size_t websocket_take(struct span bytes, struct websocket_frame *f)
{
	if (bytes.len < 2)
		return 0;
	size_t head = 2, len = bytes.p[1] & 0x7f;
	size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	size_t mask = bytes.p[1] & 0x80 ? 4 : 0; /* not by a server; but then it is skipped */
	if (bytes.len < head + extra + mask)
		return 0;
	if (extra)
		len = 0;
	for (size_t i = 0; i < extra; i++)
		len = len << 8 | bytes.p[head + i];
	head += extra + mask;
	if (bytes.len - head < len)
		return 0;
	f->op = bytes.p[0] & 0x0f;
	f->is_last = bytes.p[0] & 0x80;
	f->body = span_of(bytes.p + head, len);
	return head + len;
}

void websocket_put(struct buf *out, enum websocket_op op, struct span body)
{
	buf_put_u8(out, (uint8_t)(0x80 | (unsigned)op));
	if (body.len < 126) {
		buf_put_u8(out, (uint8_t)(0x80 | body.len));
	} else if (body.len < 65536) {
		buf_put_u8(out, 0x80 | 126);
		buf_put_u8(out, (uint8_t)(body.len >> 8));
		buf_put_u8(out, (uint8_t)body.len);
	} else {
		buf_put_u8(out, 0x80 | 127);
		for (unsigned shift = 64; shift > 0; shift -= 8)
			buf_put_u8(out, (uint8_t)((uint64_t)body.len >> (shift - 8)));
	}
	buf_put(out, "\0\0\0\0", 4);
	buf_put_span(out, body);
}

unsigned websocket_close_code(struct span body)
{
	return body.len < 2 ? 1005 : (unsigned)body.p[0] << 8 | body.p[1];
}
