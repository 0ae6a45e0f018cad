/* SPDX-License-Identifier: Apache-2.0 */
/* How one log line looks, and how many of an event may be written. The pure part of common/log.c.
 */
#pragma once

#include "common/buf.h"
#include "common/log.h"

#define LOG_LINES_PER_S 10
#define LOG_VALUE_MAX 1024 /* bytes of one value; the rest is cut */

struct log_head {
	const char *process, *node; /* node empty: left out */
	int pid;
	int64_t unix_ms;
	enum log_level level;
	uint64_t suppressed; /* lines dropped before: too many of this event, or nobody took them */
};

/* The whole line with its newline. */
void log_line_put(struct buf *, enum log_format, const struct log_head *, const char *event,
		  const struct kv *pairs);

/* One per event name; zero it to begin. */
struct log_quota {
	int64_t since_ns;
	unsigned lines;
	uint64_t suppressed;
};

/* May one more line be written? Then `*suppressed` says how many were not, since the last one. */
MUST_USE bool log_quota_take(struct log_quota *, int64_t now_ns, uint64_t *suppressed);
