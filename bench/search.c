/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/search.h"

#define RATE_MIN 1.0
#define RATE_MAX 1e6

void search_begin(struct search *s, double rate, double growth, double close)
{
	*s = (struct search){.rate = rate, .growth = growth, .close = close};
}

bool search_step(struct search *s, bool went_well)
{
	if (went_well && s->rate > s->good)
		s->good = s->rate;
	if (!went_well && (s->bad <= 0 || s->rate < s->bad))
		s->bad = s->rate;
	if (s->bad <= 0) {
		s->rate = s->good * s->growth;
		return s->rate <= RATE_MAX;
	}
	s->rate = s->good > 0 ? (s->good + s->bad) / 2 : s->bad / s->growth;
	return s->rate >= RATE_MIN && s->bad - s->good > s->bad * s->close;
}
