/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/rate.h"

#define COUNT_MAX 1000000 /* times RATE_DEBT_NS: fits */

static int64_t at_most(int64_t a, int64_t b);
static int64_t owed_ns(struct rate *, int64_t now_ns);

int64_t rate_cost_ns(struct rate_limit limit, size_t bytes, size_t count)
{
	int64_t len = bytes < UINT32_MAX ? (int64_t)bytes : UINT32_MAX; /* times NS_PER_S: fits */
	int64_t times = count < COUNT_MAX ? (int64_t)count : COUNT_MAX;
	int64_t cost_ns = 0;

	if (limit.messages)
		cost_ns += NS_PER_S / limit.messages;
	if (limit.bytes)
		cost_ns += len * NS_PER_S / limit.bytes;
	cost_ns = at_most(cost_ns, RATE_DEBT_NS) * times;
	return at_most(cost_ns, RATE_DEBT_NS);
}

int64_t rate_wait_ns(struct rate *r, int64_t cost_ns, int64_t now_ns)
{
	int64_t free_ns = RATE_BURST_NS - owed_ns(r, now_ns);
	int64_t need_ns = cost_ns < RATE_BURST_NS ? cost_ns : RATE_BURST_NS;

	return need_ns <= free_ns ? 0 : need_ns - free_ns;
}

void rate_take(struct rate *r, int64_t cost_ns, int64_t now_ns)
{
	r->paid_ns = now_ns + owed_ns(r, now_ns) + cost_ns;
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* More than anybody can owe: the clock went back, and what was taken when is not known any more. */
static int64_t owed_ns(struct rate *r, int64_t now_ns)
{
	int64_t owed = r->paid_ns - now_ns;

	if (owed > RATE_DEBT_NS)
		r->paid_ns = now_ns;
	return owed > 0 && owed <= RATE_DEBT_NS ? owed : 0;
}
