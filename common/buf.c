/* SPDX-License-Identifier: Apache-2.0 */
/* Owned bytes: grow by doubling up to the maximum; the first overrun sticks until buf_clear. */
#include "common/buf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define CAP_MIN 64

static uint8_t *room_to_write(struct buf *b, size_t len);

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
}

void buf_put(struct buf *b, const void *p, size_t len)
{
	uint8_t *to = room_to_write(b, len);

	if (!to || len == 0)
		return;
	memcpy(to, p, len);
	b->len += len;
}

void buf_put_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.len);
}

void buf_put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_u64_text(struct buf *b, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	must(len >= 0);

	/* vsnprintf also writes a NUL, so it gets its own bytes: a text may fill `b` to the last
	 * one */
	char *text = mem_new((size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	buf_put(b, text, (size_t)len);
	mem_free(text);
}

uint8_t *buf_room(struct buf *b, size_t len)
{
	if (len > b->max - b->len)
		return NULL;
	size_t need = b->len + len;
	if (need > b->cap || !b->p) {
		size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
		if (cap < CAP_MIN)
			cap = CAP_MIN < b->max ? CAP_MIN : b->max;
		if (cap < need)
			cap = need;
		b->p = mem_grow(b->p, cap ? cap : 1);
		b->cap = cap;
	}
	return b->p + b->len;
}

void buf_cut(struct buf *b, size_t head)
{
	must(head <= b->len);
	if (head == 0)
		return;
	b->len -= head;
	memmove(b->p, b->p + head, b->len);
}

struct span buf_span(const struct buf *b)
{
	return span_of(b->p, b->len);
}

static uint8_t *room_to_write(struct buf *b, size_t len)
{
	uint8_t *to = b->over ? NULL : buf_room(b, len);

	if (!to)
		b->over = true;
	return to;
}
