/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics sink: one cell per series, zero from the start, and its text for Prometheus. */
#include "common/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/mem.h"

#define FIRST_BOUND_NS 500000 /* 0.5 ms; every further bound is twice the one before */
#define FIRST_BOUND_BYTES 64
#define FIRST_BOUND_MEMBERS 1
#define BUILD_LABELS_MAX 128

struct cell {
	uint64_t value; /* a gauge: two's complement; a histogram: how many were observed */
	uint64_t sum, buckets[METRIC_BUCKETS];
};

static struct cell *cell_of(unsigned metric, enum metric_kind kind);
static void observe(unsigned metric, uint64_t v, uint64_t first_bound);
static uint64_t first_bound_of(const struct metric_row *row);
static bool ends_with(const struct metric_row *row, const char *end);
static void put_sample(struct buf *out, const struct metric_row *row, const struct cell *cell);
static void put_head(struct buf *out, const char *name, const char *help, enum metric_kind kind);
static void put_histogram(struct buf *out, const struct metric_row *row, const struct cell *cell);
static void put_process(struct buf *out);
static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t v);
static uint64_t resident_bytes(void);
static uint64_t open_fds(void);

static struct {
	const struct metric_table *table;
	struct cell *cells;
	char build[BUILD_LABELS_MAX]; /* empty: not said */
} sink;

void metrics_open(const struct metric_table *table)
{
	mem_free(sink.cells);
	sink.table = table;
	sink.cells = mem_new(table->count * sizeof(*sink.cells));
}

void metrics_set_build(const char *version, unsigned revision)
{
	snprintf(sink.build, sizeof sink.build, "version=\"%s\",revision=\"%u\"", version,
		 revision);
}

void metrics_add(unsigned metric, uint64_t n)
{
	struct cell *cell = cell_of(metric, METRIC_COUNTER);

	if (cell)
		cell->value += n;
}

void metrics_set(unsigned metric, int64_t v)
{
	struct cell *cell = cell_of(metric, METRIC_GAUGE);

	if (cell)
		cell->value = (uint64_t)v;
}

void metrics_observe_ns(unsigned metric, int64_t ns)
{
	observe(metric, ns > 0 ? (uint64_t)ns : 0, FIRST_BOUND_NS);
}

void metrics_observe_bytes(unsigned metric, uint64_t bytes)
{
	observe(metric, bytes, FIRST_BOUND_BYTES);
}

void metrics_observe_members(unsigned metric, uint64_t count)
{
	observe(metric, count, FIRST_BOUND_MEMBERS);
}

uint64_t metrics_value(unsigned metric)
{
	must(sink.table && metric < sink.table->count);
	return sink.cells[metric].value;
}

void metrics_put(struct buf *out)
{
	const char *family = "";

	for (size_t i = 0; sink.table && i < sink.table->count; i++) {
		const struct metric_row *row = &sink.table->rows[i];
		const struct cell *cell = &sink.cells[i];
		if (strcmp(family, row->name) != 0)
			put_head(out, row->name, row->help, row->kind);
		family = row->name;
		if (row->kind == METRIC_HISTOGRAM) {
			put_histogram(out, row, cell);
			continue;
		}
		put_sample(out, row, cell);
	}
	if (sink.build[0])
		buf_printf(
			out,
			"# HELP moot_build_info 1, labelled with what runs: the release, and the "
			"newest revision of the links.\n"
			"# TYPE moot_build_info gauge\nmoot_build_info{%s} 1\n",
			sink.build);
	put_process(out);
}

/* NULL before metrics_open: what a unit test runs alone may count without a table. */
static struct cell *cell_of(unsigned metric, enum metric_kind kind)
{
	if (!sink.table)
		return NULL;
	must(metric < sink.table->count);
	must(sink.table->rows[metric].kind == kind);
	return &sink.cells[metric];
}

static void observe(unsigned metric, uint64_t v, uint64_t first_bound)
{
	struct cell *cell = cell_of(metric, METRIC_HISTOGRAM);

	if (!cell)
		return;
	must(first_bound_of(&sink.table->rows[metric]) == first_bound);
	cell->value++;
	cell->sum += v;
	for (size_t i = 0; i < METRIC_BUCKETS; i++)
		if (v <= first_bound << i) {
			cell->buckets[i]++;
			return;
		}
}

static uint64_t first_bound_of(const struct metric_row *row)
{
	if (ends_with(row, "_bytes"))
		return FIRST_BOUND_BYTES;
	return ends_with(row, "_members") ? FIRST_BOUND_MEMBERS : FIRST_BOUND_NS;
}

static bool ends_with(const struct metric_row *row, const char *end)
{
	size_t len = strlen(row->name), tail = strlen(end);

	return len > tail && strcmp(row->name + len - tail, end) == 0;
}

static void put_sample(struct buf *out, const struct metric_row *row, const struct cell *cell)
{
	buf_printf(out, "moot_%s%s%s%s ", row->name, row->labels ? "{" : "",
		   row->labels ? row->labels : "", row->labels ? "}" : "");
	if (row->kind != METRIC_GAUGE)
		buf_printf(out, "%" PRIu64 "\n", cell->value);
	else if (ends_with(row, "_seconds"))
		buf_printf(out, "%.3f\n", (double)(int64_t)cell->value / (double)NS_PER_S);
	else
		buf_printf(out, "%" PRId64 "\n", (int64_t)cell->value);
}

static void put_head(struct buf *out, const char *name, const char *help, enum metric_kind kind)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	buf_printf(out, "# HELP moot_%s %s\n# TYPE moot_%s %s\n", name, help, name, types[kind]);
}

static void put_histogram(struct buf *out, const struct metric_row *row, const struct cell *cell)
{
	uint64_t first = first_bound_of(row), below = 0;
	bool is_time = first == FIRST_BOUND_NS;

	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		below += cell->buckets[i];
		double bound = (double)first / (is_time ? (double)NS_PER_S : 1);
		buf_printf(out, "moot_%s_bucket{le=\"%.7g\"} %" PRIu64 "\n", row->name,
			   bound * (double)(1U << i), below);
	}
	buf_printf(out, "moot_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", row->name, cell->value);
	if (!is_time)
		buf_printf(out, "moot_%s_sum %" PRIu64 "\n", row->name, cell->sum);
	else
		buf_printf(out, "moot_%s_sum %" PRIu64 ".%09" PRIu64 "\n", row->name,
			   cell->sum / (uint64_t)NS_PER_S, cell->sum % (uint64_t)NS_PER_S);
	buf_printf(out, "moot_%s_count %" PRIu64 "\n", row->name, cell->value);
}

static void put_process(struct buf *out)
{
	struct rusage use;
	struct rlimit fds;

	must(getrusage(RUSAGE_SELF, &use) == 0);
	must(getrlimit(RLIMIT_NOFILE, &fds) == 0);
	int64_t us = (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * INT64_C(1000000) +
		     use.ru_utime.tv_usec + use.ru_stime.tv_usec;
	buf_put_str(out, "# HELP process_cpu_seconds_total Processor time used.\n"
			 "# TYPE process_cpu_seconds_total counter\n");
	buf_printf(out, "process_cpu_seconds_total %" PRId64 ".%06" PRId64 "\n", us / 1000000,
		   us % 1000000);
	put_gauge(out, "process_resident_memory_bytes", "Memory in use.", resident_bytes());
	put_gauge(out, "process_open_fds", "Open file descriptors.", open_fds());
	put_gauge(out, "process_max_fds", "Most file descriptors there may be.", fds.rlim_cur);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t v)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", name, help, name, name,
		   v);
}

static uint64_t resident_bytes(void)
{
	char line[128] = "", *end;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	const char *got = fgets(line, sizeof(line), f);
	fclose(f);
	if (!got)
		return 0;
	(void)strtoull(line, &end, 10); /* the whole address space; then what is resident */
	return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
	uint64_t count = 0;
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		return 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 3; /* without ".", ".." and the directory's own */
}
