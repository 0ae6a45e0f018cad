/* SPDX-License-Identifier: Apache-2.0 */
/* The log sink: which process, which level, how many lines of each event; one write(2) per line,
 * and only if it does not block: whoever stops reading our pipe must not stop us. */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/flight.h"
#include "common/log_line.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/mono.h"

#define LINE_MAX_BYTES (256 * 1024)
#define RECENT_LINES 2048 /* about half a megabyte */
#define SLOW_LINES 128

static void fill_standard_fds(void);
static void record(const struct log_head *head, const char *event, const struct kv *pairs);
static struct log_quota *quota_of(const char *event);
static bool write_all(struct span line);
static bool may_write(void);

static struct {
	const char *process, *node;
	enum log_level level;
	enum log_format format;
	struct map
		quotas; /* event name -> struct log_quota; as many as there are names in the code */
	uint64_t lost;  /* lines that could not be written since the last one that was */
	struct buf line;
	bool records;               /* once it was opened */
	struct flight recent, slow; /* whatever the level is, and beyond every quota */
} sink = {
	.process = "moot",
	.level = LOG_LEVEL_INFO,
	.line = {.max = LINE_MAX_BYTES},
	.recent = {.cap = RECENT_LINES},
	.slow = {.cap = SLOW_LINES},
};

void log_open(const char *process, const char *node, enum log_level level, enum log_format format)
{
	fill_standard_fds();
	sink.process = process;
	sink.node = node;
	sink.level = level;
	sink.format = format;
	sink.records = true;
}

void log_set_level(enum log_level level)
{
	sink.level = level;
}

bool log_level_of(const char *name, enum log_level *out)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

bool log_is_on(enum log_level level)
{
	return level <= sink.level || (sink.records && level <= LOG_LEVEL_INFO);
}

void log_write(enum log_level level, const char *event, const struct kv *pairs)
{
	struct log_head head = {
		.process = sink.process,
		.node = sink.node,
		.pid = getpid(),
		.unix_ms = wall_unix_ms(),
		.level = level,
	};

	if (sink.records && level <= LOG_LEVEL_INFO)
		record(&head, event, pairs);
	if (level > sink.level || !log_quota_take(quota_of(event), mono_now_ns(), &head.suppressed))
		return;
	head.suppressed += sink.lost;
	buf_clear(&sink.line);
	log_line_put(&sink.line, sink.format, &head, event, pairs);
	sink.lost = write_all(buf_span(&sink.line)) ? 0 : sink.lost + 1;
}

void log_put_recent(struct span text, size_t limit, struct buf *out)
{
	flight_find(&sink.recent, text, limit, out);
}

void log_put_slow(size_t limit, struct buf *out)
{
	flight_find(&sink.slow, SPAN_NONE, limit, out);
}

/* Where they were closed for us, the first sockets would get their numbers, and our lines. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void record(const struct log_head *head, const char *event, const struct kv *pairs)
{
	struct flight *f = strcmp(event, LOG_SLOW) == 0 ? &sink.slow : &sink.recent;

	buf_clear(&sink.line);
	log_line_put(&sink.line, LOG_FORMAT_JSON, head, event, pairs);
	struct span line = buf_span(&sink.line);
	line.len--; /* without its newline */
	flight_put(f, line);
}

static struct log_quota *quota_of(const char *event)
{
	struct log_quota *q = map_find(&sink.quotas, span_str(event));

	if (!q) {
		q = mem_new(sizeof(*q));
		map_add(&sink.quotas, span_str(event), q);
	}
	return q;
}

/* A log that cannot be written has nobody to tell: the rest of the line is dropped. */
static bool write_all(struct span line)
{
	while (line.len > 0) {
		if (!may_write())
			return false;
		ssize_t n = write(STDERR_FILENO, line.p, line.len < PIPE_BUF ? line.len : PIPE_BUF);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		line = span_from(line, (size_t)n);
	}
	return true;
}

/* A pipe that is writable takes PIPE_BUF bytes at once. */
static bool may_write(void)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&err, 1, 0) == 1 && (err.revents & POLLOUT);
}
