/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: shape, escaping, how many. */
#include "common/log_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const struct log_head head = {.process = "moot-gateway",
				     .node = "gw 1",
				     .pid = 7,
				     .unix_ms = 1763916331123,
				     .level = LOG_LEVEL_INFO};

static void check_line(enum log_format format, const struct log_head *h, const struct kv *pairs,
		       const char *want)
{
	struct buf b;

	buf_init(&b, 65536);
	log_line_put(&b, format, h, "session_closed", pairs);
	buf_put_u8(&b, 0);
	assert_string_equal((const char *)b.p, want);
	buf_fini(&b);
}

static void line_is_logfmt_with_typed_pairs(void **state)
{
	const struct kv pairs[] = {kv_str("why", "GAP"),
				   kv_u64("n", 18446744073709551615u),
				   kv_i64("d", INT64_MIN),
				   kv_hex("session", 0xbeef),
				   kv_span("room", SPAN("document:1")),
				   kv_str("none", NULL),
				   KV_DONE};

	(void)state;
	check_line(LOG_FORMAT_LOGFMT, &head, pairs,
		   "ts=2025-11-23T16:45:31.123Z level=info msg=session_closed proc=moot-gateway "
		   "node=\"gw 1\" "
		   "pid=7 why=GAP n=18446744073709551615 d=-9223372036854775808 "
		   "session=000000000000beef "
		   "room=document:1 none=\"\"\n");
}

static void line_is_json_with_typed_pairs(void **state)
{
	struct log_head h = head;
	const struct kv pairs[] = {kv_str("why", "GAP"), kv_u64("n", 5), kv_hex("session", 1),
				   KV_DONE};

	(void)state;
	h.node = NULL;
	h.level = LOG_LEVEL_ERROR;
	h.suppressed = 3;
	check_line(LOG_FORMAT_JSON, &h, pairs,
		   "{\"ts\":\"2025-11-23T16:45:31.123Z\",\"level\":\"error\",\"msg\":\"session_"
		   "closed\","
		   "\"proc\":\"moot-gateway\",\"pid\":7,\"why\":\"GAP\",\"n\":5,\"session\":"
		   "\"0000000000000001\","
		   "\"suppressed\":3}\n");
}

static void check_value(struct span value, const char *want)
{
	struct kv pairs[] = {kv_span("v", value), KV_DONE};
	struct buf b;

	buf_init(&b, 65536);
	log_line_put(&b, LOG_FORMAT_LOGFMT, &head, "e", pairs);
	buf_put_u8(&b, 0);
	const char *at = strstr((const char *)b.p, " v=");
	assert_non_null(at);
	assert_string_equal(at + 3, want);
	buf_fini(&b);
}

static void value_cannot_break_the_line_or_the_terminal(void **state)
{
	(void)state;
	check_value(SPAN("plain:1/2"), "plain:1/2\n");
	check_value(SPAN("a b"), "\"a b\"\n");
	check_value(SPAN("a=b"), "\"a=b\"\n");
	check_value(SPAN("say \"x\" \\"), "\"say \\\"x\\\" \\\\\"\n");
	check_value(SPAN("x\nlevel=error\t\r"), "\"x\\nlevel=error\\t\\u000d\"\n");
	check_value(SPAN("\x1b[31m\x7f"), "\"\\u001b[31m\\u007f\"\n");
	check_value(SPAN("\0"), "\"\\u0000\"\n");
	check_value(SPAN("J\xc3\xb6rg \xf0\x9f\x98\x80"), "\"J\xc3\xb6rg \xf0\x9f\x98\x80\"\n");
}

static void value_that_is_no_utf8_is_escaped(void **state)
{
	(void)state;
	check_value(SPAN("\xc2\x9b"), "\"\\ufffd\\ufffd\"\n");            /* C1 control */
	check_value(SPAN("\xc0\xaf"), "\"\\ufffd\\ufffd\"\n");            /* overlong */
	check_value(SPAN("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"\n"); /* surrogate */
	check_value(SPAN("a\xe2\x82"), "\"a\\ufffd\\ufffd\"\n");          /* cut short */
	check_value(SPAN("\xff"), "\"\\ufffd\"\n");
}

static void long_value_is_cut(void **state)
{
	char text[LOG_VALUE_MAX + 10], want[LOG_VALUE_MAX + 10];

	(void)state;
	memset(text, 'x', sizeof(text));
	snprintf(want, sizeof(want), "\"%.*s...\"\n", LOG_VALUE_MAX, text);
	check_value(span_of(text, sizeof(text)), want);
}

static void quota_lets_ten_through_and_counts_the_rest(void **state)
{
	struct log_quota q = {0};
	uint64_t suppressed;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(log_quota_take(&q, 5 * NS_PER_S + i, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	for (int i = 0; i < 7; i++)
		assert_false(log_quota_take(&q, 5 * NS_PER_S + 500 * NS_PER_MS, &suppressed));
	assert_true(log_quota_take(&q, 6 * NS_PER_S, &suppressed));
	assert_int_equal(suppressed, 7);
	assert_true(log_quota_take(&q, 6 * NS_PER_S, &suppressed));
	assert_int_equal(suppressed, 0);
}

/* What `write_lines` makes the sink say on stderr. */
static size_t capture(void (*write_lines)(void), char *out, size_t cap)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	write_lines();
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	size_t len = fread(out, 1, cap - 1, f);
	out[len] = 0;
	fclose(f);
	return len;
}

static void write_some(void)
{
	log_open("moot-roomd", "r1", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	log_debug("unseen");
	log_info("seen");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("seen_too", kv_u64("n", 1));
}

static void write_many(void)
{
	for (int i = 0; i < 100; i++)
		log_warn("again", kv_i64("i", i));
	log_warn("other");
}

static void sink_writes_only_what_its_level_allows(void **state)
{
	char text[4096];

	(void)state;
	capture(write_some, text, sizeof(text));
	assert_null(strstr(text, "unseen"));
	assert_non_null(strstr(text, "level=info msg=seen proc=moot-roomd node=r1 pid="));
	assert_non_null(strstr(text, "level=debug msg=seen_too"));
}

static void sink_limits_each_event_by_itself(void **state)
{
	char text[16384];
	unsigned lines = 0;

	(void)state;
	capture(write_many, text, sizeof(text));
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_in_range(lines, 11, 21); /* 21 when a second ends in between */
	assert_non_null(strstr(text, "msg=other"));
}

static void full_pipe_loses_lines_and_holds_nobody(void **state)
{
	char text[4096];
	int ends[2], old = dup(STDERR_FILENO);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
	dup2(ends[1], STDERR_FILENO);
	assert_int_equal(write(STDERR_FILENO, text, sizeof(text)), sizeof(text));

	log_warn("lost_one");
	log_warn("lost_two");
	assert_int_equal(read(ends[0], text, sizeof(text)), sizeof(text));
	log_warn("after");

	dup2(old, STDERR_FILENO);
	ssize_t len = read(ends[0], text, sizeof(text) - 1);
	assert_true(len > 0);
	text[len] = '\0';
	assert_null(strstr(text, "lost_"));
	assert_non_null(strstr(text, "suppressed=2"));
	close(old);
	close(ends[0]);
	close(ends[1]);
}

static void closed_descriptors_are_not_left_to_sockets(void **state)
{
	int old = dup(STDERR_FILENO);

	(void)state;
	close(STDERR_FILENO);
	log_open("moot-roomd", "r1", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	int next = open("/dev/null", O_RDONLY);
	dup2(old, STDERR_FILENO);

	assert_int_not_equal(next, STDERR_FILENO);
	close(next);
	close(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_is_logfmt_with_typed_pairs),
		cmocka_unit_test(line_is_json_with_typed_pairs),
		cmocka_unit_test(value_cannot_break_the_line_or_the_terminal),
		cmocka_unit_test(value_that_is_no_utf8_is_escaped),
		cmocka_unit_test(long_value_is_cut),
		cmocka_unit_test(quota_lets_ten_through_and_counts_the_rest),
		cmocka_unit_test(sink_writes_only_what_its_level_allows),
		cmocka_unit_test(sink_limits_each_event_by_itself),
		cmocka_unit_test(full_pipe_loses_lines_and_holds_nobody),
		cmocka_unit_test(closed_descriptors_are_not_left_to_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
