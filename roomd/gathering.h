/* SPDX-License-Identifier: Apache-2.0 */
/* When a shard waits for all gateways to have spoken: what they say on one beat is heard and
 * answered together, one message to each of them instead of one for each that spoke
 * (docs/decisions/0029). It goes on until twice nobody had company: what comes between two beats
 * then is answered at once. Pure. Owner: roomd. */
#pragma once

#include "proto/beat.h"

#define GATHERING_NS (700 * NS_PER_US) /* after a beat: until what was said on it is here */

struct gathering {
	int64_t until_ns; /* what is said may wait; 0: it may not */
	unsigned heard;   /* messages, since that was set, and the one for which it was */
	bool is_waning;   /* the last time one came alone, or none */
};

struct gathering_turn {
	unsigned heard;  /* messages of gateways, in this turn */
	bool is_storing; /* somebody waits for an ack, and what comes may go along */
};

/* At the end of a turn. Until when what gateways say may wait; 0: the next is heard at once, as it
 * is while events are being stored, and where there is only one gateway. */
int64_t gathering_turn(struct gathering *, const struct beat *, struct gathering_turn,
		       int64_t now_ns);
