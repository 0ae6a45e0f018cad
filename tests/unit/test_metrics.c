/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of an imaginary process, as Prometheus reads them. */
#include "common/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

#define METRICS_DEF "tests/unit/metrics_sample.def"
#include "common/metrics_table.h"
#define METRICS_DEF "tests/unit/metrics_sample.def"
#define METRICS_ROWS rows
#include "common/metrics_table.h"

static const struct metric_table table = {rows, ARRAY_LEN(rows)};

_Static_assert(METRIC_frames_LAST == METRIC_frames + 2, "three values");
_Static_assert(METRIC_COUNT == ARRAY_LEN(rows), "indices and rows agree");

static char *text_of(struct buf *b)
{
	buf_init(b, 1 << 20);
	metrics_put(b);
	assert_false(b->over);
	buf_put_u8(b, 0);
	return (char *)b->p;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static void counting_without_a_table_is_harmless(void **state)
{
	(void)state;
	metrics_add(METRIC_refused, 1);
	metrics_set(METRIC_connections, 1);
	metrics_observe_ns(METRIC_join_duration, 1);
}

static void every_series_exists_at_zero_from_the_start(void **state)
{
	struct buf b;

	(void)state;
	metrics_open(&table);
	const char *text = text_of(&b);
	assert_true(has_line(text, "moot_refused_total 0"));
	assert_true(has_line(text, "moot_connections 0"));
	assert_true(has_line(text, "moot_frames_total{type=\"cast\"} 0"));
	assert_true(has_line(text, "moot_frames_total{type=\"other\"} 0"));
	assert_true(has_line(text, "moot_join_duration_seconds_count 0"));
	buf_fini(&b);
}

static void values_show_under_their_labels(void **state)
{
	struct buf b;

	(void)state;
	metrics_open(&table);
	metrics_add(METRIC_refused, 2);
	metrics_add(METRIC_refused, 3);
	metrics_add(METRIC_frames + 1, 7);
	metrics_set(METRIC_connections, -4);
	metrics_set(METRIC_state_LAST, 1);
	const char *text = text_of(&b);
	assert_true(has_line(text, "moot_refused_total 5"));
	assert_true(has_line(text, "moot_frames_total{type=\"ping\"} 7"));
	assert_true(has_line(text, "moot_connections -4"));
	assert_true(has_line(text, "moot_state{state=\"ready\"} 1"));
	assert_int_equal(metrics_value(METRIC_refused), 5);
	buf_fini(&b);
}

static void histogram_buckets_are_cumulative_and_end_at_the_count(void **state)
{
	struct buf b;

	(void)state;
	metrics_open(&table);
	metrics_observe_ns(METRIC_join_duration, -5);
	metrics_observe_ns(METRIC_join_duration, 500000); /* a bound belongs to its bucket */
	metrics_observe_ns(METRIC_join_duration, 500001);
	metrics_observe_ns(METRIC_join_duration, 100 * NS_PER_S);
	metrics_observe_bytes(METRIC_frame, 65);
	const char *text = text_of(&b);
	assert_true(has_line(text, "moot_join_duration_seconds_bucket{le=\"0.0005\"} 2"));
	assert_true(has_line(text, "moot_join_duration_seconds_bucket{le=\"0.001\"} 3"));
	assert_true(has_line(text, "moot_join_duration_seconds_bucket{le=\"16.384\"} 3"));
	assert_true(has_line(text, "moot_join_duration_seconds_bucket{le=\"+Inf\"} 4"));
	assert_true(has_line(text, "moot_join_duration_seconds_sum 100.001000001"));
	assert_true(has_line(text, "moot_join_duration_seconds_count 4"));
	assert_true(has_line(text, "moot_frame_bytes_bucket{le=\"64\"} 0"));
	assert_true(has_line(text, "moot_frame_bytes_bucket{le=\"2097152\"} 1"));
	assert_true(has_line(text, "moot_frame_bytes_sum 65"));
	buf_fini(&b);
}

static void members_and_seconds_have_their_own_scale(void **state)
{
	struct buf b;

	(void)state;
	metrics_open(&table);
	metrics_set_build("1.2.3", 7);
	metrics_observe_members(METRIC_room, 2);
	metrics_observe_members(METRIC_room, 3);
	metrics_set(METRIC_wait_seconds, 1500 * NS_PER_MS);
	const char *text = text_of(&b);
	assert_true(has_line(text, "moot_room_members_bucket{le=\"1\"} 0"));
	assert_true(has_line(text, "moot_room_members_bucket{le=\"2\"} 1"));
	assert_true(has_line(text, "moot_room_members_bucket{le=\"4\"} 2"));
	assert_true(has_line(text, "moot_room_members_sum 5"));
	assert_true(has_line(text, "moot_wait_seconds 1.500"));
	assert_true(has_line(text, "moot_build_info{version=\"1.2.3\",revision=\"7\"} 1"));
	buf_fini(&b);
}

static void process_figures_are_there(void **state)
{
	static const char *const names[] = {"\nprocess_cpu_seconds_total ",
					    "\nprocess_resident_memory_bytes ",
					    "\nprocess_open_fds ", "\nprocess_max_fds "};
	struct buf b;

	(void)state;
	metrics_open(&table);
	const char *text = text_of(&b);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *at = strstr(text, names[i]);
		assert_non_null(at);
		assert_true(strtod(at + strlen(names[i]), NULL) > 0);
	}
	buf_fini(&b);
}

static bool ends_with(struct span s, const char *end)
{
	size_t len = strlen(end);

	return s.len >= len && span_is(span_from(s, s.len - len), end);
}

/* The rules of `promtool check metrics` that names can break, and one head per family. */
static void check_type_line(struct span line, struct span *seen, size_t *count)
{
	struct span name = span_until(&line, ' ');

	for (size_t i = 0; i < *count; i++)
		assert_false(span_eq(seen[i], name));
	seen[(*count)++] = name;
	assert_true(ends_with(name, "_total") == span_is(line, "counter"));
	for (size_t i = 0; i < name.len; i++)
		assert_true(islower(name.p[i]) || name.p[i] == '_');
	if (span_is(line, "histogram"))
		assert_true(ends_with(name, "_seconds") || ends_with(name, "_bytes") ||
			    ends_with(name, "_members"));
}

static void text_passes_the_lint_of_prometheus(void **state)
{
	struct span seen[64], last_help = SPAN_NONE;
	size_t count = 0;
	struct buf b;

	(void)state;
	metrics_open(&table);
	struct span rest = span_str(text_of(&b));
	while (rest.len) {
		struct span line = span_until(&rest, '\n');
		if (span_starts(line, "# HELP ")) {
			last_help = span_from(line, 7);
			struct span name = span_until(&last_help, ' ');
			assert_true(last_help.len > 0);
			last_help = name;
		} else if (span_starts(line, "# TYPE ")) {
			line = span_from(line, 7);
			assert_memory_equal(line.p, last_help.p, last_help.len);
			check_type_line(line, seen, &count);
		} else {
			assert_memory_equal(line.p, last_help.p, last_help.len);
		}
	}
	assert_int_equal(count, 8 + 1 + 4);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counting_without_a_table_is_harmless),
		cmocka_unit_test(every_series_exists_at_zero_from_the_start),
		cmocka_unit_test(values_show_under_their_labels),
		cmocka_unit_test(histogram_buckets_are_cumulative_and_end_at_the_count),
		cmocka_unit_test(members_and_seconds_have_their_own_scale),
		cmocka_unit_test(process_figures_are_there),
		cmocka_unit_test(text_passes_the_lint_of_prometheus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
