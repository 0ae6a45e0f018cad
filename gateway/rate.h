/* SPDX-License-Identifier: Apache-2.0 */
/* How fast something may go: a bucket that empties evenly, kept as one number (GCRA). What is sent
 * takes time, so long for each message and so long for each of its bytes, and up to RATE_BURST_NS
 * of that may be taken in advance. So one number serves both limits, and a bucket that is empty
 * says nothing: it need not be there (rate_set.h). Pure. Owner: whoever is limited. */
#pragma once

#include "common/base.h"

#define RATE_BURST_NS (2 * NS_PER_S)
/* What is larger than a burst goes when nothing is owed, and is paid for during so long. */
#define RATE_DEBT_NS (10 * NS_PER_S)

struct rate_limit {
	int64_t messages, bytes; /* a second; 0: as many as there are */
};

struct rate {
	int64_t paid_ns; /* when all that was taken is paid for; in the past: nothing is owed */
};

/* Of so many messages of that size. */
int64_t rate_cost_ns(struct rate_limit, size_t bytes, size_t count);
/* 0: it may go now; else how long until it may. A clock that went back begins anew. */
int64_t rate_wait_ns(struct rate *, int64_t cost_ns, int64_t now_ns);
void rate_take(struct rate *, int64_t cost_ns, int64_t now_ns); /* one that may go */
