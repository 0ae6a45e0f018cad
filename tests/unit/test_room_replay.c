/* SPDX-License-Identifier: Apache-2.0 */
/* What a v0 user is shown when he comes back, with a real shard on a stage: what his lost
 * connection had not proved to have received, once, whether its gateway says that it was lost or is
 * gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/stage.h"

#define HEARD "WELCOMED EVENT"

/* Ann is at gateway 0 and knows event 1; nobody is at gateway 1, where she will come back. */
static int open_stage(void **state)
{
	struct stage *s = stage_new();

	s->resume_ns = 60 * NS_PER_S;
	stage_start(s, 0);
	stage_run(s, 200);
	for (unsigned g = 0; g < 2; g++)
		stage_call(s, g, 0);
	stage_turn(s);
	stage_attach(s, 1, "9:bob!", 0);
	stage_attach(s, 0, "1:ann~!", 0);
	stage_run(s, 300);
	stage_publish(s, 0, STAGE_ROOM, 1);
	stage_turn(s);
	stage_prove(s, 0, 1, 1, false);
	(void)stage_heard(s, 0);
	(void)stage_heard(s, 1);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	struct stage *s = *state;

	stage_free(&s);
	return 0;
}

static void publish(struct stage *s, uint64_t pseq)
{
	stage_publish(s, 1, STAGE_ROOM, pseq);
	stage_turn(s);
}

/* Comes to gateway 1; what its gateway is told until the welcome and what follows it at once. */
static const char *come(struct stage *s, const char *member)
{
	(void)stage_heard(s, 1);
	stage_join(s, 1, member);
	stage_run(s, 1500);
	return stage_heard_of(s, 1, HEARD);
}

static void is_shown_what_was_not_proved_after_the_welcome(void **state)
{
	struct stage *s = *state;

	publish(s, 2);
	publish(s, 3);
	stage_prove(s, 0, 1, 1, true);
	const char *heard = come(s, "3:ann~!");

	assert_non_null(strstr(heard, "WELCOMED"));
	assert_non_null(strstr(heard, "EVENT 2:2@3; EVENT 3:3@3"));
}

static void who_had_all_is_shown_nothing(void **state)
{
	struct stage *s = *state;

	stage_prove(s, 0, 1, 1, true);
	assert_null(strstr(come(s, "3:ann~!"), "EVENT"));
}

static void a_gateway_that_is_silent_counts_as_gone(void **state)
{
	struct stage *s = *state;

	publish(s, 2);
	stage_hang_up(s, 0);
	stage_run(s, 1000);
	assert_non_null(strstr(come(s, "3:ann~!"), "EVENT 2:2@3"));
	assert_null(strstr(come(s, "4:ann~!"), "EVENT"));
}

/* Its gateway falls silent after it has said so: the lost connection is still listed, and is not
 * taken for another one that is owed the same. */
static void what_was_given_is_not_given_again(void **state)
{
	struct stage *s = *state;

	stage_prove(s, 0, 1, 1, true);
	assert_null(strstr(come(s, "3:ann~!"), "EVENT"));
	publish(s, 2);
	stage_hang_up(s, 0);
	stage_run(s, 1000);

	assert_null(strstr(come(s, "4:ann~!"), "EVENT"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
	const struct CMUnitTest tests[] = {
		CASE(is_shown_what_was_not_proved_after_the_welcome),
		CASE(who_had_all_is_shown_nothing),
		CASE(a_gateway_that_is_silent_counts_as_gone),
		CASE(what_was_given_is_not_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
