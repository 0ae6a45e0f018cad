/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: one page that needs nothing else, light or dark as the reader has it. */
#include <math.h>

#include "bench/plot.h"
#include "bench/report.h"
#include "common/mem.h"

#define NINES 5     /* the percentile plot goes to 99.999 % */
#define PER_NINE 10 /* points of it */
#define MIB (1 << 20)

_Static_assert(MEASURE_COUNT <= PLOT_SERIES, "one line each");

static const char head[] =
	"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
	"content=\"width=device-width\"><style>\n"
	":root{color-scheme:light dark;--ink:#1d2330;--dim:#6b7280;--line:#e3e6eb;--page:#fff;"
	"--s0:#2563eb;--s1:#d97706;--s2:#059669;--s3:#dc2626;--s4:#7c3aed;--s5:#0891b2}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e8ec;--dim:#9aa2b1;--line:#2b313c;"
	"--page:#14171d;--s0:#6ea8fe;--s1:#f0b35a;--s2:#4fd1a1;--s3:#ff7b7b;--s4:#b79bff;"
	"--s5:#5cc9e0}}\n"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);"
	"max-width:940px;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;margin:0}\n"
	"pre{font:13px/1.45 ui-monospace,monospace;white-space:pre-wrap;border-top:1px solid "
	"var(--line);border-bottom:1px solid var(--line);padding:.8rem 0}\n"
	"figure{margin:1.6rem 0}figcaption{font-weight:600;margin-bottom:.3rem}"
	"figcaption span{font-weight:400;margin-left:.8em;border-bottom:3px solid}\n"
	"svg{width:100%;height:auto}polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}"
	"text{font-size:11px;fill:var(--dim)}.y{text-anchor:end}.x{text-anchor:middle}\n"
	".g{stroke:var(--line)}path.m{stroke:var(--dim);stroke-dasharray:3 3}text.m{font-size:10px}"
	".good{color:var(--s2)}.bad{color:var(--s3)}\n"
	".s0{stroke:var(--s0);border-color:var(--s0)}.s1{stroke:var(--s1);border-color:var(--s1)}"
	".s2{stroke:var(--s2);border-color:var(--s2)}.s3{stroke:var(--s3);border-color:var(--s3)}"
	".s4{stroke:var(--s4);border-color:var(--s4)}.s5{stroke:var(--s5);border-color:var(--s5)}"
	"\n</style>\n";

static void put_escaped(struct buf *, struct span text);
static void put_over_time(struct buf *, struct plot *, const struct result *);
static void put_percentiles(struct buf *, struct plot *, const struct result *);
static void plot_begin(struct plot *, const struct result *, const char *title, const char *unit);
static void plot_add(struct plot *, const struct result *, const char *name, size_t offset,
		     double unit, bool is_rate);

void report_put_html(struct buf *out, const struct result *r)
{
	struct plot *plot = mem_new(sizeof *plot);
	struct buf table, why;

	buf_init(&table, 1u << 20);
	buf_init(&why, 1u << 16);
	report_put_table(r, &table);
	result_put_complaints(r, &why);
	buf_put_str(out, head);
	buf_put_str(out, "<title>");
	put_escaped(out, span_str(r->name));
	buf_put_str(out, " - moot-bench</title>\n<h1>");
	put_escaped(out, span_str(r->name));
	buf_printf(out, " <span class=\"%s\">%s</span></h1>\n<pre>", why.len ? "bad" : "good",
		   why.len ? "failed" : "good");
	put_escaped(out, buf_span(&table));
	buf_put_str(out, "</pre>\n");
	put_over_time(out, plot, r);
	put_percentiles(out, plot, r);
	buf_put_str(out, "</html>\n");
	buf_fini(&table);
	buf_fini(&why);
	mem_free(plot);
}

#define SAMPLE_AT(member) offsetof(struct sample, member)
#define SAMPLE_OF(member, i) (offsetof(struct sample, member) + (i) * sizeof(int64_t))

static void put_over_time(struct buf *out, struct plot *p, const struct result *r)
{
	plot_begin(p, r, "Latency over time", "ms");
	p->is_log = true;
	plot_add(p, r, "cast p50", SAMPLE_OF(p50_ns, MEASURE_CAST), NS_PER_MS, false);
	plot_add(p, r, "cast p99", SAMPLE_OF(p99_ns, MEASURE_CAST), NS_PER_MS, false);
	plot_add(p, r, "event p50", SAMPLE_OF(p50_ns, MEASURE_EVENT), NS_PER_MS, false);
	plot_add(p, r, "event p99", SAMPLE_OF(p99_ns, MEASURE_EVENT), NS_PER_MS, false);
	plot_add(p, r, "ack p99", SAMPLE_OF(p99_ns, MEASURE_ACK), NS_PER_MS, false);
	plot_add(p, r, "worst event", SAMPLE_OF(worst_ns, MEASURE_EVENT), NS_PER_MS, false);
	plot_put(out, p);
	plot_begin(p, r, "Messages", "a second");
	plot_add(p, r, "casts heard", SAMPLE_OF(counts, COUNTER_HEARD), 1, true);
	plot_add(p, r, "events seen", SAMPLE_OF(counts, COUNTER_SEEN), 1, true);
	plot_add(p, r, "casts said", SAMPLE_OF(counts, COUNTER_CASTS), 1, true);
	plot_add(p, r, "publishes said", SAMPLE_OF(counts, COUNTER_PUBLISHES), 1, true);
	plot_put(out, p);
	plot_begin(p, r, "Connections", "");
	plot_add(p, r, "in their room", SAMPLE_AT(connections), 1, false);
	plot_add(p, r, "lost in this second", SAMPLE_OF(counts, COUNTER_LOST), 1, false);
	plot_put(out, p);
	plot_begin(p, r, "CPU", "cores");
	plot_add(p, r, "servers", SAMPLE_AT(servers_cpu_ns), NS_PER_S, true);
	plot_add(p, r, "moot-bench", SAMPLE_AT(own_cpu_ns), NS_PER_S, true);
	plot_put(out, p);
	plot_begin(p, r, "Memory of the servers", "MiB");
	plot_add(p, r, "private", SAMPLE_AT(servers_bytes), MIB, false);
	plot_put(out, p);
}

static void put_percentiles(struct buf *out, struct plot *p, const struct result *r)
{
	*p = (struct plot){.title = "Latency by percentile",
			   .unit = "ms",
			   .axis = PLOT_NINES,
			   .is_log = true,
			   .points = NINES * PER_NINE + 1};
	for (size_t i = 0; i < MEASURE_COUNT; i++) {
		const struct histogram *h = &r->tally->of[i];

		if (!h->total)
			continue;
		p->names[p->series] = measure_words[i];
		for (size_t k = 0; k < p->points; k++) {
			p->x[k] = (double)k / PER_NINE;
			p->y[p->series][k] =
				(double)histogram_at(h, 1 - pow(10, -p->x[k])) / NS_PER_MS;
		}
		p->series++;
	}
	plot_put(out, p);
}

static void plot_begin(struct plot *p, const struct result *r, const char *title, const char *unit)
{
	*p = (struct plot){.title = title,
			   .unit = unit,
			   .points = r->course->sample_count,
			   .marks = r->course->marks,
			   .mark_count = r->course->mark_count};
	for (size_t i = 0; i < p->points; i++)
		p->x[i] = (double)r->course->samples[i].at_ns / NS_PER_S;
}

/* A member of the samples, all of which are 64 bits wide. A rate is of one second. */
static void plot_add(struct plot *p, const struct result *r, const char *name, size_t offset,
		     double unit, bool is_rate)
{
	p->names[p->series] = name;
	for (size_t i = 0; i < p->points; i++) {
		const struct sample *s = &r->course->samples[i];
		double seconds = is_rate ? (double)s->long_ns / NS_PER_S : 1;
		int64_t value = *(const int64_t *)(const void *)((const char *)s + offset);

		p->y[p->series][i] = (double)value / unit / seconds;
	}
	p->series++;
}

static void put_escaped(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '<' || text.p[i] == '>' || text.p[i] == '&')
			buf_printf(out, "&#%d;", text.p[i]);
		else
			buf_put_u8(out, text.p[i]);
}
