/* SPDX-License-Identifier: Apache-2.0 */
/* The beat on which gateways say what they have gathered: the same moments in every process, by the
 * wall clock, so that what many say wakes whoever hears it once (docs/decisions/0029). Clocks that
 * differ cost wake-ups, and up to a period of delay at a shard. Pure. */
#pragma once

#include "proto/view.h"

#define BEAT_CORKS_MAX 8 /* however many links there are */

struct beat {
	int64_t period_ns;         /* 0: there is none */
	int64_t wall_ns;           /* of this process: the wall clock less the monotonic one */
	unsigned gateways, shards; /* that the view knows of; shards: 1 at least */
};

/* `cork_ns` for each link between a gateway and a shard: the messages, each of which wakes
 * somebody, are then as many a second as of one gateway and one shard, among however many links
 * what is said is divided. */
void beat_follow(struct beat *, const struct view *, int64_t cork_ns);
int64_t beat_after(const struct beat *, int64_t now_ns); /* the next one; without any: now */
