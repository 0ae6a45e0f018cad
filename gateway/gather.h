/* SPDX-License-Identifier: Apache-2.0 */
/* The casts of a room that wait for the end of its tick, so that each connection is written to once
 * for all of them: in the order of their numbers, of each sender and key the newest only. Made for
 * the first that waits. Pure. Owner: audience. */
#pragma once

#include "common/list.h"
#include "common/map.h"
#include "gateway/payload.h"

struct gather {
	struct list casts; /* of gathered.node */
	struct map by_key;
};

struct gathered {
	struct list node;
	uint64_t session;            /* its sender's */
	uint64_t key;                /* 0: no newer one takes its place */
	struct payload *v0, *native; /* as each dialect is shown it; NULL: not at all */
};

MUST_USE struct gather *gather_new(void);
void gather_free(struct gather **); /* NULL is fine */
/* Takes the payloads. True: it took the place of an older one. */
bool gather_add(struct gather *, const struct gathered *);
bool gather_is_from(const struct gather *, uint64_t session); /* it sent one of them */
struct gathered *gathered_of(struct list *node);
