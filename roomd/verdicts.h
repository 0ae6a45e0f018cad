/* SPDX-License-Identifier: Apache-2.0 */
/* Declares members dead: shards that enough gateways miss (suspicion.h), and gateways that have not
 * been heard here since their entries left. Any shard may, and it does not matter how many do. What
 * becomes of their slots follows from the view, at every shard alike. Pure: the store comes as its
 * contract. Owner: membership. */
#pragma once

#include "roomd/feed_set.h"
#include "roomd/store.h"

struct verdicts;

struct verdicts_setup {
	incarnation_id self;
	struct feed_set *feeds;
	struct store *store;
	int64_t vote_ns;
	void (*on_declared)(void *owner); /* the view is about to change */
	void *owner;
};

MUST_USE struct verdicts *verdicts_new(const struct verdicts_setup *);
void verdicts_free(struct verdicts **);
void verdicts_on_suspect(struct verdicts *, struct feed *, incarnation_id shard, int64_t now_ns);
void verdicts_tick(struct verdicts *, const struct view *, int64_t now_ns);
