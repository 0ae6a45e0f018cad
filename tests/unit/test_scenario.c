/* SPDX-License-Identifier: Apache-2.0 */
/* Scenario files: what they say, what is wrong with them and where, and where people are. */
#include "bench/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct scenario s;
static struct buf why;

static int setup(void **state)
{
	(void)state;
	scenario_init(&s);
	buf_init(&why, 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scenario_fini(&s);
	buf_fini(&why);
	return 0;
}

static void assert_why(const char *wanted)
{
	buf_put_u8(&why, '\0');
	assert_string_equal((const char *)why.p, wanted);
}

static void a_file_changes_what_it_names(void **state)
{
	(void)state;
	enum err err = scenario_read(
		&s, SPAN("; about\n[scenario]\nabout = a b\n[say]\ncast = 70\n[time]\nload = 2m\n"),
		"x.ini", &why);

	assert_int_equal(err, OK);
	assert_string_equal(s.scenario_about, "a b");
	assert_int_equal(s.say_cast, 70);
	assert_int_equal(s.say_comment, 0);
	assert_int_equal(s.time_load_ns, 120 * NS_PER_S);
	assert_int_equal(s.people_room, 5);
}

static void a_mistake_is_named_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(scenario_read(&s, SPAN("[say]\n\ncats = 70\n"), "x.ini", &why),
			 ERR_BAD_REQUEST);
	assert_why("x.ini:3: unknown option \"cats\" in [say]; did you mean \"cast\"?");
}

static void a_row_of_the_command_line_counts(void **state)
{
	(void)state;
	assert_int_equal(scenario_set(&s, "people.count=12", &why), OK);
	assert_int_equal(s.people_count, 12);
	assert_int_equal(scenario_set(&s, "people", &why), ERR_BAD_REQUEST);
	buf_clear(&why);
	assert_int_equal(scenario_set(&s, "people.cuont=1", &why), ERR_BAD_REQUEST);
	assert_why("unknown option \"cuont\" in [people]");
}

static void rows_that_do_not_go_together_are_refused(void **state)
{
	static const char *const wrong[] = {"people.v0=100 say.comment=1", "search.on=true",
					    "server.act=dance",
					    "people.count=19000 people.room=19000"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct span rest = span_str(wrong[i]), row;
		char text[64];

		scenario_fini(&s);
		scenario_init(&s);
		buf_clear(&why);
		while ((row = span_until(&rest, ' ')).len) {
			memcpy(text, row.p, row.len);
			text[row.len] = '\0';
			assert_int_equal(scenario_set(&s, text, &why), OK);
		}
		assert_int_equal(scenario_check(&s, &why), ERR_BAD_REQUEST);
		assert_true(why.len > 0);
	}
}

static void people_fill_rooms_and_the_last_one_may_be_smaller(void **state)
{
	size_t sizes[8] = {0};

	(void)state;
	assert_int_equal(scenario_set(&s, "people.count=19", &why), OK);
	assert_int_equal(scenario_set(&s, "people.hot_room=7", &why), OK);
	assert_int_equal(scenario_rooms(&s), 4);
	for (size_t i = 0; i < 19; i++)
		sizes[scenario_room_of(&s, i)]++;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(sizes[i], scenario_people_of(&s, i));
	assert_int_equal(sizes[0], 7);
	assert_int_equal(sizes[1], 5);
	assert_int_equal(sizes[3], 2);
}

static void people_come_each_to_the_next_gateway_or_room_by_room(void **state)
{
	(void)state;
	assert_int_equal(scenario_set(&s, "people.room=3", &why), OK);
	assert_int_equal(scenario_gateway_of(&s, 3), 3);
	assert_int_equal(scenario_gateway_of(&s, 4), 4);

	assert_int_equal(scenario_set(&s, "people.together=true", &why), OK);

	for (size_t i = 0; i < 9; i++)
		assert_int_equal(scenario_gateway_of(&s, i), i / 3);
}

static void programs_read_it_as_json(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(scenario_set(&s, "server.act=roll", &why), OK);
	scenario_put_json(&s, &out);

	assert_true(span_starts(buf_span(&out),
				"{\"scenario\":{\"about\":\"\"},\"people\":{\"count\":"));
	assert_non_null(memmem(out.p, out.len, "\"server\":{\"act\":\"roll\",\"every\":5000,", 36));
	buf_fini(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_changes_what_it_names, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mistake_is_named_with_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_of_the_command_line_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_that_do_not_go_together_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(people_fill_rooms_and_the_last_one_may_be_smaller,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			people_come_each_to_the_next_gateway_or_room_by_room, setup, teardown),
		cmocka_unit_test_setup_teardown(programs_read_it_as_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
