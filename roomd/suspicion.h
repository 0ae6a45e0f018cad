/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways say of other shards: a vote that one is dead lives for a while unless it is
 * repeated, and enough of them are a verdict. Pure. Owner: membership, which acts on it. */
#pragma once

#include "proto/view.h"

#define VOTES_MAX 65536 /* gateways x shards; more are dropped */

struct suspicion;

MUST_USE struct suspicion *suspicion_new(int64_t vote_ns); /* how long a vote lives */
void suspicion_free(struct suspicion **);

void suspicion_vote(struct suspicion *, incarnation_id gateway, incarnation_id shard,
		    int64_t now_ns);
void suspicion_forget(struct suspicion *, incarnation_id gateway); /* its votes */
void suspicion_expire(struct suspicion *, int64_t now_ns);
unsigned suspicion_votes(const struct suspicion *, incarnation_id shard);

/* The next shard of the view that is to be declared dead; {0}: none. `voters`: gateways that are
 * heard here. Two votes are enough (one, where there is only one gateway), but whoever finds most
 * of the others dead may be the one who is cut off: then it takes more than half of the voters. */
incarnation_id suspicion_verdict(const struct suspicion *, const struct view *, incarnation_id self,
				 unsigned voters);
