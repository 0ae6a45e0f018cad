/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of a small run: JSON that is JSON, a page that needs nothing else, and complaints that
 * name what was wrong. */
#include "bench/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/json.h"

static struct scenario scenario;
static struct tally tally;
static struct course course;
static struct refusal refusals[REFUSALS];
static struct account *account;
static struct result result;
static struct buf out;

static int setup(void **state)
{
	static const size_t people[] = {2};
	struct account_plan plan = {.rooms = 1, .people = people, .merge_ns = NS_PER_S};

	(void)state;
	scenario_init(&scenario);
	memset(&tally, 0, sizeof tally);
	memset(&course, 0, sizeof course);
	account = account_new(&plan);
	for (int64_t i = 0; i < 20; i++) {
		struct sample s = {.at_ns = i * NS_PER_S, .long_ns = NS_PER_S, .connections = 2};
		struct tally second = {.counts = {[COUNTER_CASTS] = 5}};

		histogram_add(&second.of[MEASURE_CAST], (i + 1) * NS_PER_MS);
		sample_take(&s, &second);
		course_add(&course, &s);
		tally_add(&tally, &second);
	}
	course_mark(&course, 3 * NS_PER_S, "shard-1 <killed> & \"back\"");
	result = (struct result){.name = "a<b",
				 .label = "here",
				 .scenario = &scenario,
				 .tally = &tally,
				 .course = &course,
				 .account = account,
				 .refusals = refusals,
				 .people = 2,
				 .rooms = 1,
				 .load = {.long_ns = 20 * NS_PER_S, .delivered = 100},
				 .is_settled = true,
				 .has_servers = true};
	buf_init(&out, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&out);
	account_free(&account);
	scenario_fini(&scenario);
	return 0;
}

static bool has(const char *text)
{
	return memmem(out.p, out.len, text, strlen(text)) != NULL;
}

static void lines_of_json_are_json(void **state)
{
	struct span rest, line;
	enum json_kind kind;
	unsigned count = 0;

	(void)state;
	report_put_phase(&out, &scenario, "load", NS_PER_S);
	report_put_mark(&out, &course.marks[0]);
	report_put_sample(&out, &course.samples[3]);
	report_put_result(&out, &result);
	for (rest = buf_span(&out); (line = span_until(&rest, '\n')).len; count++) {
		assert_int_equal(json_check(line, &kind), OK);
		assert_int_equal(kind, JSON_OBJECT);
	}

	assert_int_equal(count, 4);
	assert_true(has("\"is_good\":true"));
}

static void a_page_needs_nothing_else_and_escapes_what_it_is_told(void **state)
{
	static const char *const outside[] = {
		"http:", "https:", "src=", "<script", "@import", "url("};

	(void)state;
	report_put_html(&out, &result);

	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		assert_false(has(outside[i]));
	assert_false(has("<killed>"));
	assert_true(has("shard-1 &#60;killed&#62;"));
	assert_true(has("<h1>a&#60;b <span class=\"good\">good</span></h1>"));
	assert_true(has("Latency by percentile"));
	assert_false(has("nan,"));
	assert_false(out.over);
}

static void a_run_without_samples_has_a_page_too(void **state)
{
	(void)state;
	course.sample_count = 0;
	memset(&tally, 0, sizeof tally);
	report_put_html(&out, &result);

	assert_true(has("</html>"));
	assert_false(has("nan,"));
	assert_false(has("inf,"));
}

static void a_flaw_is_a_complaint(void **state)
{
	(void)state;
	account_garbled(account, 0, SPAN("x"));
	result_put_complaints(&result, &out);
	assert_true(has("garbled 1: "));
	buf_clear(&out);
	report_put_table(&result, &out);

	assert_true(has("FAILED\n"));
	assert_true(has("garbled: 0 was told x"));
}

static void a_limit_that_is_exceeded_is_a_complaint(void **state)
{
	(void)state;
	assert_true(result_is_within(&scenario, &tally));
	scenario.keep_cast_p99_ns = 5 * NS_PER_MS;
	assert_false(result_is_within(&scenario, &tally));
	result_put_complaints(&result, &out);

	assert_true(has("cast_p99 is 20.0 ms, more than 5.0 ms"));
}

static void a_good_run_has_no_complaints(void **state)
{
	(void)state;
	result_put_complaints(&result, &out);
	assert_int_equal(out.len, 0);
	result.gone = 1;
	result.gone_code = 403;
	result_put_complaints(&result, &out);

	assert_true(has("1 people were turned away for good, the last with 403"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(lines_of_json_are_json),
		CASE(a_page_needs_nothing_else_and_escapes_what_it_is_told),
		CASE(a_run_without_samples_has_a_page_too),
		CASE(a_flaw_is_a_complaint),
		CASE(a_limit_that_is_exceeded_is_a_complaint),
		CASE(a_good_run_has_no_complaints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
