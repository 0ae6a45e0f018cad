/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms of a process, from its metrics.def; written from anywhere on the
 * loop thread, read only by /metrics. The second of the two write-only sinks. A process defines its
 * table once (common/metrics_table.h shows how); every series exists, at 0, from the start.
 * Rows: COUNTER(name, "help"), GAUGE(name, "help"), COUNTER_BY(name, label, "help", "v1", "v2",
 * ...), GAUGE_BY(...), HISTOGRAM(name, unit, "help"): seconds (from 0.5 ms), bytes (from 64) or
 * members (from 1), doubling. A gauge whose name ends with _seconds is set in ns. */
#pragma once

#include "common/buf.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRIC_BUCKETS 16

struct metric_row {
	enum metric_kind kind;
	const char *name;   /* without the moot_ prefix; with _total or the unit */
	const char *labels; /* "type=\"cast\"" or NULL */
	const char *help;
};

struct metric_table {
	const struct metric_row *rows;
	size_t count;
};

void metrics_open(const struct metric_table *);
void metrics_set_build(const char *version, unsigned revision); /* for moot_build_info */
void metrics_add(unsigned metric, uint64_t n);
void metrics_set(unsigned metric, int64_t v);
void metrics_observe_ns(unsigned metric, int64_t ns);        /* a histogram of seconds */
void metrics_observe_bytes(unsigned metric, uint64_t bytes); /* a histogram of bytes */
void metrics_observe_members(unsigned metric, uint64_t count);
uint64_t metrics_value(unsigned metric); /* for tests and the admin port */
void metrics_put(struct buf *);          /* Prometheus text format 0.0.4, with process_* figures */
