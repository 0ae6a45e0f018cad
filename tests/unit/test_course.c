/* SPDX-License-Identifier: Apache-2.0 */
/* A course of any length keeps its sums and its worst, and stays small. */
#include "bench/course.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct course t;

static int setup(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	return 0;
}

static void a_long_run_keeps_its_sums_and_its_worst(void **state)
{
	uint64_t casts = 0;
	int64_t worst_ns = 0, long_ns = 0;

	(void)state;
	for (int64_t i = 0; i < COURSE_SAMPLES * 5; i++) {
		struct sample s = {.at_ns = i * NS_PER_S, .long_ns = NS_PER_S};

		s.counts[COUNTER_CASTS] = 3;
		s.p99_ns[MEASURE_CAST] = i == 77 ? NS_PER_S : NS_PER_MS;
		course_add(&t, &s);
	}
	for (size_t i = 0; i < t.sample_count; i++) {
		assert_int_equal(t.samples[i].at_ns, long_ns);
		casts += t.samples[i].counts[COUNTER_CASTS];
		long_ns += t.samples[i].long_ns;
		if (t.samples[i].p99_ns[MEASURE_CAST] > worst_ns)
			worst_ns = t.samples[i].p99_ns[MEASURE_CAST];
	}

	assert_true(t.sample_count <= COURSE_SAMPLES);
	assert_true(t.sample_count > COURSE_SAMPLES / 2);
	assert_int_equal(long_ns, COURSE_SAMPLES * 5 * NS_PER_S);
	assert_int_equal(casts, COURSE_SAMPLES * 5 * 3);
	assert_int_equal(worst_ns, NS_PER_S);
}

static void a_sample_takes_the_figures_of_its_second(void **state)
{
	static struct tally tally;
	struct sample s = {.at_ns = 0};

	(void)state;
	histogram_add(&tally.of[MEASURE_ACK], 5 * NS_PER_MS);
	tally.counts[COUNTER_SEEN] = 4;
	sample_take(&s, &tally);

	assert_int_equal(s.worst_ns[MEASURE_ACK], 5 * NS_PER_MS);
	assert_int_equal(s.counts[COUNTER_SEEN], 4);
}

static void marks_are_cut_and_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < COURSE_MARKS + 5; i++)
		course_mark(
			&t, i,
			"a text that is very much longer than what there is room for in a plot");

	assert_int_equal(t.mark_count, COURSE_MARKS);
	assert_int_equal(strlen(t.marks[0].text), MARK_LEN - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_long_run_keeps_its_sums_and_its_worst, setup),
		cmocka_unit_test_setup(a_sample_takes_the_figures_of_its_second, setup),
		cmocka_unit_test_setup(marks_are_cut_and_bounded, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
