/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines of several processes, in order of time, each once. Pure. */
#pragma once

#include "common/buf.h"

struct timeline {
	struct buf text;
	size_t *at, *len; /* where in it the lines are; sorted */
	size_t count, cap;
};

void timeline_init(struct timeline *);
void timeline_fini(struct timeline *);
void timeline_add(struct timeline *, struct span array); /* a checked array of lines; copies */
struct span timeline_line(const struct timeline *, size_t i);
/* The session that the first line with one is about, as hex. */
bool timeline_session(const struct timeline *, char out[32]);
void timeline_put_json(const struct timeline *, struct buf *);
