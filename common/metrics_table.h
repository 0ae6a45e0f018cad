/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
/* Turns a process' metrics.def into indices and, a second time, into its rows. No #pragma once: it is
 * included once per use. `_total` and the unit are added to the name here, `moot_` when printed.
 *
 *   gateway/metrics.def  COUNTER(connections_refused, "Connections answered with an HTTP error.")
 *                        GAUGE(connections, "Open WebSocket connections.")
 *                        COUNTER_BY(frames_received, type, "Frames from clients.", "cast", "ping", "other")
 *                        GAUGE_BY(state, state, "1 for the state we are in.", "starting", "ready", "draining")
 *                        HISTOGRAM(join_duration, seconds, "From the upgrade to the first roster.")
 *                        HISTOGRAM(frame, bytes, "Size of frames from clients.")
 *
 *   gateway/metrics.h    #define METRICS_DEF "gateway/metrics.def"
 *                        #include "common/metrics_table.h"      -> enum { METRIC_connections, ... }
 *                        extern const struct metric_table gateway_metric_table;
 *
 *   gateway/metrics.c    #define METRICS_DEF "gateway/metrics.def"
 *                        #define METRICS_ROWS rows
 *                        #include "common/metrics_table.h"      -> static const struct metric_row rows[]
 *                        const struct metric_table gateway_metric_table = {rows, ARRAY_LEN(rows)};
 *
 *   anywhere             metrics_add(METRIC_connections_refused, 1);
 *                        metrics_add(METRIC_frames_received + FRAME_IS_PING, 1);
 *
 * A _BY row takes 1 to 16 values; METRIC_name is the first, METRIC_name_LAST the last of its series, in
 * the order of the row. */
#include "common/metrics.h"

#ifndef METRICS_ROWS

#define METRIC_TALLY(...)                                                                          \
	METRIC_TALLY_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define METRIC_TALLY_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, count, ...) count

#define COUNTER(name, help) METRIC_##name,
#define GAUGE(name, help) METRIC_##name,
#define COUNTER_BY(name, label, help, ...)                                                         \
	METRIC_##name, METRIC_##name##_LAST = METRIC_##name + METRIC_TALLY(__VA_ARGS__) - 1,
#define GAUGE_BY COUNTER_BY
#define HISTOGRAM(name, unit, help) METRIC_##name,

enum {
#include METRICS_DEF
	METRIC_COUNT
};

#undef METRIC_TALLY
#undef METRIC_TALLY_

#else

#define METRIC_PICK(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, macro, ...) macro
#define METRIC_EACH(k, n, l, help, ...)                                                            \
	METRIC_PICK(__VA_ARGS__, METRIC_16, METRIC_15, METRIC_14, METRIC_13, METRIC_12, METRIC_11, \
		    METRIC_10, METRIC_9, METRIC_8, METRIC_7, METRIC_6, METRIC_5, METRIC_4,         \
		    METRIC_3, METRIC_2, METRIC_1, )                                                \
	(k, n, l, help, __VA_ARGS__)
#define METRIC_1(k, n, l, help, v) {k, n, l "=\"" v "\"", help},
#define METRIC_2(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_1(k, n, l, help, __VA_ARGS__)
#define METRIC_3(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_2(k, n, l, help, __VA_ARGS__)
#define METRIC_4(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_3(k, n, l, help, __VA_ARGS__)
#define METRIC_5(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_4(k, n, l, help, __VA_ARGS__)
#define METRIC_6(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_5(k, n, l, help, __VA_ARGS__)
#define METRIC_7(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_6(k, n, l, help, __VA_ARGS__)
#define METRIC_8(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_7(k, n, l, help, __VA_ARGS__)
#define METRIC_9(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_8(k, n, l, help, __VA_ARGS__)
#define METRIC_10(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_9(k, n, l, help, __VA_ARGS__)
#define METRIC_11(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_10(k, n, l, help, __VA_ARGS__)
#define METRIC_12(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_11(k, n, l, help, __VA_ARGS__)
#define METRIC_13(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_12(k, n, l, help, __VA_ARGS__)
#define METRIC_14(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_13(k, n, l, help, __VA_ARGS__)
#define METRIC_15(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_14(k, n, l, help, __VA_ARGS__)
#define METRIC_16(k, n, l, help, v, ...) METRIC_1(k, n, l, help, v) METRIC_15(k, n, l, help, __VA_ARGS__)

#define COUNTER(name, help) {METRIC_COUNTER, #name "_total", NULL, help},
#define GAUGE(name, help) {METRIC_GAUGE, #name, NULL, help},
#define COUNTER_BY(name, label, help, ...)                                                         \
	METRIC_EACH(METRIC_COUNTER, #name "_total", #label, help, __VA_ARGS__)
#define GAUGE_BY(name, label, help, ...) METRIC_EACH(METRIC_GAUGE, #name, #label, help, __VA_ARGS__)
#define HISTOGRAM(name, unit, help) {METRIC_HISTOGRAM, #name "_" #unit, NULL, help},

static const struct metric_row METRICS_ROWS[] = {
#include METRICS_DEF
};

#undef METRIC_PICK
#undef METRIC_EACH
#undef METRICS_ROWS

#endif

#undef COUNTER
#undef GAUGE
#undef COUNTER_BY
#undef GAUGE_BY
#undef HISTOGRAM
#undef METRICS_DEF
