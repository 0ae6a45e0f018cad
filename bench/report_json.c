/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: one JSON object a line. Times are in ms since the run began, latencies in us. */
#include "bench/report.h"

#include "common/json.h"

static void put_latencies(struct buf *, const struct tally *);
static void put_stretch(struct buf *, const char *name, const struct stretch *);

void report_put_phase(struct buf *out, const struct scenario *s, const char *phase, int64_t at_ns)
{
	buf_printf(out, "{\"type\":\"phase\",\"phase\":\"%s\",\"at_ms\":%lld,\"act\":\"%s\"}\n",
		   phase, (long long)(at_ns / NS_PER_MS), s->server_act);
}

void report_put_sample(struct buf *out, const struct sample *s)
{
	buf_printf(out,
		   "{\"type\":\"sample\",\"at_ms\":%lld,\"long_ms\":%lld,\"connections\":%llu,"
		   "\"servers_cpu_us\":%lld,\"servers_bytes\":%lld,\"own_cpu_us\":%lld",
		   (long long)(s->at_ns / NS_PER_MS), (long long)(s->long_ns / NS_PER_MS),
		   (unsigned long long)s->connections, (long long)(s->servers_cpu_ns / 1000),
		   (long long)s->servers_bytes, (long long)(s->own_cpu_ns / 1000));
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		if (s->counts[i])
			buf_printf(out, ",\"%s\":%llu", counter_words[i],
				   (unsigned long long)s->counts[i]);
	for (size_t i = 0; i < MEASURE_COUNT; i++)
		if (s->worst_ns[i])
			buf_printf(out, ",\"%s_us\":{\"p50\":%lld,\"p99\":%lld,\"worst\":%lld}",
				   measure_words[i], (long long)(s->p50_ns[i] / 1000),
				   (long long)(s->p99_ns[i] / 1000),
				   (long long)(s->worst_ns[i] / 1000));
	buf_put_str(out, "}\n");
}

void report_put_mark(struct buf *out, const struct mark_at *m)
{
	buf_printf(out, "{\"type\":\"mark\",\"at_ms\":%lld,\"text\":",
		   (long long)(m->at_ns / NS_PER_MS));
	json_put_string(out, span_str(m->text));
	buf_put_str(out, "}\n");
}

void report_put_result(struct buf *out, const struct result *r)
{
	struct buf why;

	buf_init(&why, 1u << 16);
	result_put_complaints(r, &why);
	buf_put_str(out, "{\"type\":\"result\",\"name\":");
	json_put_string(out, span_str(r->name));
	buf_put_str(out, ",\"label\":");
	json_put_string(out, span_str(r->label));
	buf_printf(out, ",\"is_good\":%s,\"complaints\":", why.len ? "false" : "true");
	json_put_string(out, buf_span(&why));
	buf_printf(out, ",\"people\":%zu,\"rooms\":%zu,\"flaws\":{", r->people, r->rooms);
	for (enum flaw i = 0; i < FLAW_COUNT; i++)
		buf_printf(out, "%s\"%s\":%llu", i ? "," : "", flaw_words[i],
			   (unsigned long long)account_flaw(r->account, i));
	buf_printf(out, "},\"merged\":%llu,\"spared\":%llu,\"examples\":[",
		   (unsigned long long)account_merged(r->account),
		   (unsigned long long)account_spared(r->account));
	for (size_t i = 0; account_example(r->account, i); i++) {
		buf_put_str(out, i ? "," : "");
		json_put_string(out, span_str(account_example(r->account, i)));
	}
	buf_put_str(out, "],\"counts\":{");
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		buf_printf(out, "%s\"%s\":%llu", i ? "," : "", counter_words[i],
			   (unsigned long long)r->tally->counts[i]);
	buf_put_u8(out, '}');
	put_latencies(out, r->tally);
	put_stretch(out, "connect", &r->connect);
	put_stretch(out, "quiet", &r->quiet);
	put_stretch(out, "load", &r->load);
	buf_printf(out,
		   ",\"empty_bytes\":%lld,\"full_bytes\":%lld,\"busy_seconds\":%u,\"found_rate\":"
		   "%.0f,\"found_delivered\":%.0f,\"found_is_ours\":%s}\n",
		   (long long)r->empty_bytes, (long long)r->full_bytes, r->busy_seconds,
		   r->found_rate, r->found_delivered, r->found_is_ours ? "true" : "false");
	buf_fini(&why);
}

static void put_latencies(struct buf *out, const struct tally *t)
{
	static const struct {
		const char *name;
		double share;
	} rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};

	buf_put_str(out, ",\"latency_us\":{");
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		buf_printf(out, "%s\"%s\":{\"count\":%llu", i ? "," : "", measure_words[i],
			   (unsigned long long)t->of[i].total);
		for (size_t k = 0; k < ARRAY_LEN(rows); k++)
			buf_printf(out, ",\"%s\":%lld", rows[k].name,
				   (long long)(histogram_at(&t->of[i], rows[k].share) / 1000));
		buf_printf(out, ",\"worst\":%lld}", (long long)(t->of[i].greatest_ns / 1000));
	}
	buf_put_u8(out, '}');
}

static void put_stretch(struct buf *out, const char *name, const struct stretch *s)
{
	buf_printf(out,
		   ",\"%s\":{\"ms\":%lld,\"servers_cpu_us\":%lld,\"own_cpu_us\":%lld,\"delivered\":"
		   "%llu,\"opened\":%llu}",
		   name, (long long)(s->long_ns / NS_PER_MS), (long long)(s->servers_cpu_ns / 1000),
		   (long long)(s->own_cpu_ns / 1000), (unsigned long long)s->delivered,
		   (unsigned long long)s->opened);
}
