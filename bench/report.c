/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report.h"

static void put_measures(const struct result *, struct buf *);
static void put_rates(const struct result *, struct buf *);
static void put_servers(const struct result *, struct buf *);
static void put_ourselves(const struct result *, struct buf *);
static void put_account(const struct result *, struct buf *);
static double per_second(uint64_t count, int64_t ns);
static double us_each(int64_t ns, uint64_t count);

void report_put_table(const struct result *r, struct buf *out)
{
	buf_printf(out, "\n%s%s%s: %zu people in %zu rooms\n", r->name, r->label[0] ? ", " : "",
		   r->label, r->people, r->rooms);
	if (r->scenario->scenario_about[0])
		buf_printf(out, "%s\n", r->scenario->scenario_about);
	put_measures(r, out);
	put_rates(r, out);
	put_servers(r, out);
	put_ourselves(r, out);
	put_account(r, out);
}

static void put_measures(const struct result *r, struct buf *out)
{
	static const double shares[] = {0.5, 0.9, 0.99, 0.999, 0.9999};

	buf_put_str(out, "\nms            count        p50        p90        p99      p99.9     "
			 "p99.99      worst\n");
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		const struct histogram *h = &r->tally->of[i];

		if (!h->total)
			continue;
		buf_printf(out, "%-6s %12llu", measure_words[i], (unsigned long long)h->total);
		for (size_t k = 0; k <= ARRAY_LEN(shares); k++) {
			int64_t ns =
				k < ARRAY_LEN(shares) ? histogram_at(h, shares[k]) : h->greatest_ns;

			buf_printf(out, " %10.*f", ns < 10 * NS_PER_MS ? 3 : 1,
				   (double)ns / NS_PER_MS);
		}
		buf_put_u8(out, '\n');
	}
}

static void put_rates(const struct result *r, struct buf *out)
{
	buf_put_u8(out, '\n');
	if (r->load.long_ns && r->load.delivered)
		buf_printf(out, "delivered   %.0f messages a second for %.1f s\n",
			   per_second(r->load.delivered, r->load.long_ns),
			   (double)r->load.long_ns / NS_PER_S);
	if (r->scenario->search_on)
		buf_printf(out, "found       %.0f said a second, %.0f delivered%s\n", r->found_rate,
			   r->found_delivered,
			   r->found_is_ours ? "; moot-bench itself could do no more" : "");
	buf_put_str(out, "in all     ");
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		if (r->tally->counts[i])
			buf_printf(out, " %s %llu", counter_words[i],
				   (unsigned long long)r->tally->counts[i]);
	buf_put_u8(out, '\n');
	for (size_t i = 0; i < REFUSALS && r->refusals[i].count; i++)
		buf_printf(out, "%s %s %llu", i ? "," : "refused    ", r->refusals[i].code,
			   (unsigned long long)r->refusals[i].count);
	buf_put_str(out, r->refusals[0].count ? "\n" : "");
}

static void put_servers(const struct result *r, struct buf *out)
{
	if (!r->has_servers)
		return;
	buf_printf(out, "servers     %.1f us of CPU per connection, %.0f bytes of memory",
		   us_each(r->connect.servers_cpu_ns, r->connect.opened),
		   r->people ? (double)(r->full_bytes - r->empty_bytes) / (double)r->people : 0);
	if (r->quiet.long_ns >= NS_PER_S)
		buf_printf(out, "; %.2f us per connection and second while it was quiet",
			   us_each(r->quiet.servers_cpu_ns, r->people) /
				   ((double)r->quiet.long_ns / NS_PER_S));
	if (r->load.delivered)
		buf_printf(out, "; %.2f us per delivery, %.2f cores",
			   us_each(r->load.servers_cpu_ns, r->load.delivered),
			   (double)r->load.servers_cpu_ns / (double)r->load.long_ns);
	buf_put_u8(out, '\n');
}

static void put_ourselves(const struct result *r, struct buf *out)
{
	if (!r->load.long_ns)
		return;
	buf_printf(out, "moot-bench  %.2f cores",
		   (double)r->load.own_cpu_ns / (double)r->load.long_ns);
	if (r->load.delivered)
		buf_printf(out, ", %.2f us per delivery",
			   us_each(r->load.own_cpu_ns, r->load.delivered));
	if (r->busy_seconds)
		buf_printf(
			out,
			"; IT WAS THE BOTTLENECK for %u s: start another one beside it (--first)",
			r->busy_seconds);
	buf_put_u8(out, '\n');
}

static void put_account(const struct result *r, struct buf *out)
{
	struct buf why;

	buf_put_str(out, "checked    ");
	for (enum flaw i = 0; i < FLAW_COUNT; i++)
		buf_printf(out, " %s %llu", flaw_words[i],
			   (unsigned long long)account_flaw(r->account, i));
	buf_printf(out, "; casts merged %llu, spared %llu\n",
		   (unsigned long long)account_merged(r->account),
		   (unsigned long long)account_spared(r->account));
	buf_init(&why, 1u << 16);
	result_put_complaints(r, &why);
	buf_printf(out, "\n%s%.*s", why.len ? "FAILED\n" : "good\n", SPAN_ARGS(buf_span(&why)));
	for (size_t i = 0; account_example(r->account, i); i++)
		buf_printf(out, "  %s\n", account_example(r->account, i));
	buf_fini(&why);
}

void report_put_ms(struct buf *out, int64_t ns)
{
	double ms = (double)ns / NS_PER_MS;

	buf_printf(out, "%.*f", ms < 10 ? 2 : ms < 100 ? 1 : 0, ms);
}

static double per_second(uint64_t count, int64_t ns)
{
	return ns ? (double)count * NS_PER_S / (double)ns : 0;
}

static double us_each(int64_t ns, uint64_t count)
{
	return count ? (double)ns / 1000 / (double)count : 0;
}
