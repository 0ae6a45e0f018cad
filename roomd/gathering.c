/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/gathering.h"

int64_t gathering_turn(struct gathering *g, const struct beat *b, struct gathering_turn turn,
		       int64_t now_ns)
{
	if (turn.heard) {
		bool is_dense = now_ns - g->heard_ns <= 2 * b->period_ns;

		g->heard_ns = now_ns;
		g->until_ns = is_dense && b->gateways > 1
				      ? beat_after(b, now_ns - GATHERING_NS) + GATHERING_NS
				      : 0;
	}
	return !turn.is_storing && now_ns < g->until_ns ? g->until_ns : 0;
}
