/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/speaking.h"

static size_t said_lately(struct speaking *, const struct beat *, size_t records, int64_t now_ns);

int64_t speaking_turn(struct speaking *s, const struct beat *b, size_t records, int64_t now_ns)
{
	if (records && now_ns < s->until_ns) {
		s->is_dense = true;
		return s->until_ns;
	}
	if (now_ns >= s->until_ns + (records ? b->period_ns : 0))
		s->is_dense = false; /* there was a pause */
	if (records) {
		bool is_much = said_lately(s, b, records, now_ns) > 2 * (b->shards - 1);

		s->until_ns = is_much ? s->beat_ns : 0;
	}
	s->is_dense &= s->until_ns != 0;
	return 0;
}

/* In this period and the one before it. */
static size_t said_lately(struct speaking *s, const struct beat *b, size_t records, int64_t now_ns)
{
	int64_t beat_ns = beat_after(b, now_ns);

	if (beat_ns != s->beat_ns) {
		s->before = beat_ns - s->beat_ns <= b->period_ns ? s->since : 0;
		s->since = 0;
		s->beat_ns = beat_ns;
	}
	s->since += records;
	return s->before + s->since;
}
