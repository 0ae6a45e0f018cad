/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/payload.h"

#include <string.h>

#include "common/mem.h"

struct payload *payload_new(struct span text)
{
	struct payload *p = mem_new(sizeof *p + PAYLOAD_HEADROOM + text.len);

	p->refs = 1;
	p->len = text.len;
	if (text.len > 0)
		memcpy(p->bytes + PAYLOAD_HEADROOM, text.p, text.len);
	return p;
}

struct payload *payload_take(struct buf *text)
{
	struct payload *p = payload_new(buf_span(text));

	buf_fini(text);
	return p;
}

struct payload *payload_ref(struct payload *p)
{
	must(p->refs > 0 && p->refs < UINT32_MAX);
	p->refs++;
	return p;
}

void payload_free(struct payload **payload)
{
	struct payload *p = *payload;

	*payload = NULL;
	if (!p)
		return;
	must(p->refs > 0);
	if (--p->refs == 0)
		mem_free(p);
}

struct span payload_text(const struct payload *p)
{
	return span_of(p->bytes + PAYLOAD_HEADROOM, p->len);
}
