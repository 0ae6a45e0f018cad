/* SPDX-License-Identifier: Apache-2.0 */
/* A flight recorder: the last so many lines, kept in memory and looked up by what is in them. Who
 * fills it decides what is noteworthy. Pure. Owner: log. */
#pragma once

#include "common/buf.h"

#define FLIGHT_LINE_MAX 2048 /* bytes of one line; a longer one is not kept */

struct flight {
	char **lines;
	size_t cap;    /* lines */
	uint64_t next; /* how many were kept since the start */
};

void flight_init(struct flight *, size_t cap_lines); /* allocates nothing before the first line */
void flight_fini(struct flight *);
void flight_put(struct flight *, struct span line); /* copies; the oldest makes room */
/* The newest `limit` lines that contain `text`, the oldest first, with commas between them. */
void flight_find(const struct flight *, struct span text, size_t limit, struct buf *out);
