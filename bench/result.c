/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/result.h"

#define P99 0.99

const struct limit_row limit_rows[] = {
	{"cast_p99", MEASURE_CAST, offsetof(struct scenario, keep_cast_p99_ns)},
	{"event_p99", MEASURE_EVENT, offsetof(struct scenario, keep_event_p99_ns)},
	{"ack_p99", MEASURE_ACK, offsetof(struct scenario, keep_ack_p99_ns)},
	{"ready_p99", MEASURE_READY, offsetof(struct scenario, keep_ready_p99_ns)},
	{"back_p99", MEASURE_BACK, offsetof(struct scenario, keep_back_p99_ns)},
};

static int64_t limit_of(const struct scenario *, const struct limit_row *);
static void put_limits(const struct result *, struct buf *);

bool result_is_within(const struct scenario *s, const struct tally *t)
{
	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		int64_t limit_ns = limit_of(s, &limit_rows[i]);

		if (limit_ns && histogram_at(&t->of[limit_rows[i].measure], P99) > limit_ns)
			return false;
	}
	return true;
}

static int64_t limit_of(const struct scenario *s, const struct limit_row *row)
{
	return *(const int64_t *)(const void *)((const char *)s + row->offset);
}

void result_put_complaints(const struct result *r, struct buf *out)
{
	for (enum flaw i = 0; i < FLAW_COUNT; i++)
		if (account_flaw(r->account, i))
			buf_printf(out, "%s %llu: %s\n", flaw_words[i],
				   (unsigned long long)account_flaw(r->account, i), flaw_helps[i]);
	if (r->gone)
		buf_printf(out, "%zu people were turned away for good, the last with %u\n", r->gone,
			   r->gone_code);
	if (!r->is_settled)
		buf_printf(out, "what was owed was not there %lld s after the load\n",
			   (long long)(r->scenario->time_settle_ns / NS_PER_S));
	if (r->scenario->search_on && r->found_rate <= 0)
		buf_put_str(out, "no rate was within the limits\n");
	if (!r->scenario->search_on)
		put_limits(r, out);
}

static void put_limits(const struct result *r, struct buf *out)
{
	for (size_t i = 0; i < LIMIT_ROWS; i++) {
		int64_t limit_ns = limit_of(r->scenario, &limit_rows[i]);
		int64_t is_ns = histogram_at(&r->tally->of[limit_rows[i].measure], P99);

		if (limit_ns && is_ns > limit_ns)
			buf_printf(out, "%s is %.1f ms, more than %.1f ms\n", limit_rows[i].name,
				   (double)is_ns / NS_PER_MS, (double)limit_ns / NS_PER_MS);
	}
}
