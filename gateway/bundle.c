/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/bundle.h"

#include "common/buf.h"
#include "common/mem.h"

#define HEAD_MAX 4 /* bytes before a text of less than 64 KiB: RFC 6455, 5.2 */
#define FIN_TEXT 0x81
#define LEN_16 126

static void put_frame(struct buf *, struct span text);

void bundle_init(struct bundle *b)
{
	*b = (struct bundle){0};
}

void bundle_fini(struct bundle *b)
{
	payload_free(&b->frames);
	mem_free(b->each);
}

void bundle_add(struct bundle *b, struct payload *p)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 8;
		b->each = mem_grow(b->each, b->cap * sizeof(void *));
	}
	b->each[b->count++] = p;
	b->bytes += p->len;
}

struct payload *bundle_frames(struct bundle *b)
{
	size_t max = b->bytes + HEAD_MAX * b->count;
	struct buf frames;

	if (b->frames || max > BUNDLE_BYTES)
		return b->frames;
	buf_init(&frames, max);
	for (size_t i = 0; i < b->count; i++)
		put_frame(&frames, payload_text(b->each[i]));
	must(!frames.over);
	b->frames = payload_new(buf_span(&frames));
	buf_fini(&frames);
	return b->frames;
}

static void put_frame(struct buf *out, struct span text)
{
	buf_put_u8(out, FIN_TEXT);
	if (text.len < LEN_16) {
		buf_put_u8(out, (uint8_t)text.len);
	} else {
		buf_put_u8(out, LEN_16);
		buf_put_u8(out, (uint8_t)(text.len >> 8));
		buf_put_u8(out, (uint8_t)(text.len & 0xff));
	}
	buf_put_span(out, text);
}
