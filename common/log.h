/* SPDX-License-Identifier: Apache-2.0 */
/* Structured log lines to stderr, logfmt or JSON: a constant event name and typed pairs. Never a
 * payload, a token or a query string. One of the two write-only sinks of a process. Thread: loop.
 *   log_info("session_closed", kv_u64("session", id.v), kv_str("why", err_name(e))); */
#pragma once

#include "common/buf.h"
#include "common/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct kv {
	const char *key;
	enum { KV_STR, KV_SPAN, KV_U64, KV_I64, KV_HEX, KV_END } kind;
	union {
		const char *str;
		struct span span;
		uint64_t u64;
		int64_t i64;
	};
};

#define kv_str(k, v) ((struct kv){.key = (k), .kind = KV_STR, .str = (v)})
#define kv_span(k, v) ((struct kv){.key = (k), .kind = KV_SPAN, .span = (v)})
#define kv_u64(k, v) ((struct kv){.key = (k), .kind = KV_U64, .u64 = (v)})
#define kv_i64(k, v) ((struct kv){.key = (k), .kind = KV_I64, .i64 = (v)})
/* ids: 16 hex digits */
#define kv_hex(k, v) ((struct kv){.key = (k), .kind = KV_HEX, .u64 = (v)})

#define KV_DONE ((struct kv){.kind = KV_END})

#define log_at(level, event, ...)                                                                  \
	(log_is_on(level) ? log_write((level), (event), (const struct kv[]){__VA_ARGS__}) : (void)0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__, KV_DONE)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__, KV_DONE)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__, KV_DONE)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__, KV_DONE)

void log_open(const char *process, const char *node, enum log_level, enum log_format);
void log_set_level(enum log_level);
bool log_level_of(const char *name, enum log_level *out); /* false: no level has that name */
bool log_is_on(enum log_level);                           /* is it written, or at least recorded? */
/* Lines of one event beyond 10 per second, and lines that would block, are dropped and counted in a
 * `suppressed` pair. */
void log_write(enum log_level, const char *event, const struct kv *pairs);

/* The flight recorder: lines of level info and above are kept in memory, also those that are not
 * written, because of the level or the quota. As JSON, with commas between them, the oldest first.
 * Lines of the event LOG_SLOW are kept apart, so that nothing else pushes them out. */
#define LOG_SLOW "slow"
void log_put_recent(struct span text, size_t limit, struct buf *out); /* that contain `text` */
void log_put_slow(size_t limit, struct buf *out);
