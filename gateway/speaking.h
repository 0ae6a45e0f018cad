/* SPDX-License-Identifier: Apache-2.0 */
/* When a gateway says to its shards what it has for them. Each message wakes threads on its way, so
 * what follows something closely waits for the next beat, and leaves with what else comes for its
 * shard until then: as long as nearly two for each of them were said in the last two periods.
 * Where less is said, waiting brings no company, and everything leaves at once
 * (docs/decisions/0026, 0029). Pure. Owner: router. */
#pragma once

#include <stddef.h>

#include "proto/beat.h"

struct speaking {
	int64_t until_ns;     /* what there is to say waits; in the past: it does not */
	bool is_dense;        /* something had to wait for that, since the last pause */
	int64_t beat_ns;      /* the next one, of when something was said last */
	size_t before, since; /* records said in the period before that one's, and in it */
};

/* At the end of a turn, with so many records to say to all shards. Until when they wait; 0: they
 * are said now. */
int64_t speaking_turn(struct speaking *, const struct beat *, size_t records, int64_t now_ns);
