/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/inflow.h"

#include <string.h>

#include "common/json.h"
#include "common/mem.h"

#define GATHER_FIRST 1024 /* bytes */

struct gathered {
	size_t heard;    /* bytes of the message so far */
	size_t len, cap; /* those that are kept */
	uint8_t bytes[];
};

static void gather(struct inflow *in, struct span piece);

enum inflow_result inflow_add(struct inflow *in, const struct piece *piece, size_t max_bytes,
			      struct span *message)
{
	if (piece->first)
		inflow_drop(in);
	size_t heard = in->gathered ? in->gathered->heard : 0;
	size_t left = max_bytes - heard;

	if (piece->bytes.len > left || piece->coming > left - piece->bytes.len)
		return INFLOW_TOO_BIG;
	if (piece->binary && piece->last) {
		inflow_drop(in);
		return INFLOW_BINARY;
	}
	*message = piece->bytes;
	if (!piece->first || !piece->last)
		gather(in, piece->binary ? SPAN_NONE : piece->bytes);
	if (!piece->last) {
		in->gathered->heard = heard + piece->bytes.len;
		return INFLOW_MORE;
	}
	if (in->gathered)
		*message = span_of(in->gathered->bytes, in->gathered->len);
	return json_is_utf8(*message) ? INFLOW_WHOLE : INFLOW_BAD_UTF8;
}

void inflow_drop(struct inflow *in)
{
	mem_free(in->gathered);
	in->gathered = NULL;
}

/* Grows with what has come, not with what a frame announces. */
static void gather(struct inflow *in, struct span piece)
{
	struct gathered *g = in->gathered;
	size_t len = g ? g->len : 0, cap = g ? g->cap : 0;

	if (!g || piece.len > cap - len) {
		cap = cap ? cap : GATHER_FIRST;
		while (piece.len > cap - len)
			cap *= 2;
		g = mem_grow(g, sizeof *g + cap);
		g->len = len;
		g->cap = cap;
		in->gathered = g;
	}
	if (piece.len > 0)
		memcpy(g->bytes + len, piece.p, piece.len);
	g->len += piece.len;
}
