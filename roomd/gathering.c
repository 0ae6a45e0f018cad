/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/gathering.h"

static void begin(struct gathering *, const struct beat *, unsigned heard, int64_t now_ns);

int64_t gathering_turn(struct gathering *g, const struct beat *b, struct gathering_turn turn,
		       int64_t now_ns)
{
	g->heard += turn.heard;
	if (now_ns >= g->until_ns)
		begin(g, b, turn.heard, now_ns);
	return !turn.is_storing && now_ns < g->until_ns ? g->until_ns : 0;
}

/* Another one, if it is time for that. */
static void begin(struct gathering *g, const struct beat *b, unsigned heard, int64_t now_ns)
{
	bool was_there = g->until_ns != 0, is_alone = g->heard < 2;
	bool is_over = !was_there || (is_alone && g->is_waning);
	int64_t here_ns = beat_after(b, now_ns) - b->period_ns + GATHERING_NS;

	g->until_ns = 0;
	g->heard = 0;
	g->is_waning = is_alone;
	if (b->gateways < 2 || b->period_ns <= GATHERING_NS)
		return;
	if (now_ns < here_ns && heard > 0) { /* one that spoke on the beat: the others have, too */
		g->until_ns = here_ns;
		g->heard = heard;
	} else if (!is_over) {
		g->until_ns = here_ns + b->period_ns;
	}
}
