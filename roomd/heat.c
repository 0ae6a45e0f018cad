/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/heat.h"

void heat_add(struct heat *h, int64_t now_ns)
{
	int64_t age_ns = now_ns - h->from_ns;

	if (age_ns >= HEAT_WINDOW_NS) {
		h->before = age_ns < 2 * HEAT_WINDOW_NS ? h->now : 0;
		h->now = 0;
		h->from_ns = now_ns;
	}
	h->now += h->now < UINT32_MAX;
}

/* As if the older window had been even: the part of it that is not yet too old counts. */
uint64_t heat_rate(const struct heat *h, int64_t now_ns)
{
	int64_t age_ns = now_ns - h->from_ns;
	uint64_t older = h->before;

	if (age_ns >= 2 * HEAT_WINDOW_NS)
		return 0;
	if (age_ns >= HEAT_WINDOW_NS) {
		age_ns -= HEAT_WINDOW_NS;
		return h->now * (uint64_t)(HEAT_WINDOW_NS - age_ns) / (uint64_t)HEAT_WINDOW_NS;
	}
	return h->now + older * (uint64_t)(HEAT_WINDOW_NS - age_ns) / (uint64_t)HEAT_WINDOW_NS;
}
