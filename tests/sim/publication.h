/* SPDX-License-Identifier: Apache-2.0 */
/* Events: an application publishes them through any gateway (gateway/questions.h), the database
 * stores them, clients are shown them - and what must hold between the three. A publication is one
 * event that somebody asked for; the text of the event is its number. */
#pragma once

#include "tests/sim/client.h"

#define PUBLICATIONS_MAX 8192 /* of one run */

struct publication {
	struct world *world;
	uint64_t number; /* from 1 */
	unsigned room;
	incarnation_id gateway; /* through which */
	int64_t asked_ns;
	uint64_t floor; /* the greatest seq that was acknowledged in its room before it was asked */
	uint64_t seq;   /* as stored; 0: not (yet) */
	bool answered, acked;
	struct native_client
		*native;     /* who published it; NULL: an application, or one that forgot */
	uint64_t session, n; /* native */
	bool refused;        /* for good */
};

struct publications {
	struct world *world;
	struct publication all[PUBLICATIONS_MAX];
	uint64_t count;
	uint64_t acked[CLIENT_ROOMS_MAX]; /* the greatest seq of a room */
	uint64_t last[CLIENT_ROOMS_MAX];  /* the greatest that is stored */
	struct event next;
};

void publications_init(struct publications *, struct world *);
void publications_fini(struct publications *);
void publications_end(struct publications *);   /* one more in each room, and no more */
void publications_check(struct publications *); /* a few seconds later */

/* One more, not asked for yet. NULL: there are too many. */
struct publication *publication_new(struct publications *, unsigned room);

/* ---- what is seen of them ---- */
void publication_on_stored(struct publications *, struct span room, uint64_t seq, struct span body);
void publication_on_frame(struct publications *, struct connection *, const struct frame *);
