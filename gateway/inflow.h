/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in over one socket: fragments become whole messages, within the size limit and only as
 * valid UTF-8. Costs nothing between messages, and a message that comes in one piece is not copied.
 * Pure. Owner: socket. */
#pragma once

#include "common/err.h"
#include "common/span.h"

struct gathered;

struct inflow {
	struct gathered *gathered; /* what came of a message that is not whole; NULL: nothing */
};

struct piece { /* of a message, as the library hands it up */
	struct span bytes;
	bool first, last, binary;
	uint64_t coming; /* bytes that its frame still announces */
};

enum inflow_result {
	INFLOW_MORE,   /* wait for the rest */
	INFLOW_WHOLE,  /* `*message` is complete; borrowed from the piece, or until dropped */
	INFLOW_BINARY, /* a whole binary message went by: none of it was kept */
	INFLOW_TOO_BIG,
	INFLOW_BAD_UTF8,
};

enum inflow_result inflow_add(struct inflow *, const struct piece *, size_t max_bytes,
			      struct span *message);
void inflow_drop(struct inflow *); /* what was gathered */
