/* SPDX-License-Identifier: Apache-2.0 */
/* Votes and verdicts. */
#include "roomd/suspicion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S(n) ((n)*NS_PER_S)

static const incarnation_id self = {1}, a = {2}, b = {3}, c = {4};
static const incarnation_id g1 = {11}, g2 = {12}, g3 = {13};

struct court {
	struct suspicion *suspicion;
	struct view view;
};

static void put(struct court *t, incarnation_id id, enum member_state state)
{
	view_put_member(&t->view, &(struct view_member){.id = id, .state = state});
}

static int court_open(void **state)
{
	static struct court t;

	t.suspicion = suspicion_new(S(2));
	view_init(&t.view);
	view_members_begin(&t.view);
	put(&t, self, MEMBER_ACTIVE);
	put(&t, a, MEMBER_ACTIVE);
	put(&t, b, MEMBER_ACTIVE);
	put(&t, c, MEMBER_ACTIVE);
	view_members_end(&t.view);
	*state = &t;
	return 0;
}

static int court_close(void **state)
{
	struct court *t = *state;

	suspicion_free(&t->suspicion);
	view_fini(&t->view);
	return 0;
}

static uint64_t verdict(struct court *t, unsigned voters)
{
	return suspicion_verdict(t->suspicion, &t->view, self, voters).v;
}

static void suspicion_of_one_among_two_is_no_verdict(void **state)
{
	struct court *t = *state;

	suspicion_vote(t->suspicion, g1, a, 0);
	suspicion_vote(t->suspicion, g1, a, S(1)); /* the same one again */

	assert_int_equal(verdict(t, 2), 0);
}

static void suspicion_of_two_is_a_verdict(void **state)
{
	struct court *t = *state;

	suspicion_vote(t->suspicion, g1, a, 0);
	suspicion_vote(t->suspicion, g2, a, 0);

	assert_int_equal(verdict(t, 5), a.v);
}

static void suspicion_of_the_only_gateway_is_a_verdict(void **state)
{
	struct court *t = *state;

	suspicion_vote(t->suspicion, g1, a, 0);

	assert_int_equal(verdict(t, 1), a.v);
	assert_int_equal(verdict(t, 0), 0);
}

static void suspicion_that_is_not_repeated_ends_after_2_s(void **state)
{
	struct court *t = *state;

	suspicion_vote(t->suspicion, g1, a, 0);
	suspicion_vote(t->suspicion, g2, a, S(1));
	suspicion_expire(t->suspicion, S(2));

	assert_int_equal(suspicion_votes(t->suspicion, a), 1);
	assert_int_equal(verdict(t, 2), 0);
}

static void suspicion_of_most_shards_needs_most_voters(void **state)
{
	struct court *t = *state;

	for (unsigned i = 0; i < 2; i++) {
		suspicion_vote(t->suspicion, g1, i ? a : b, 0);
		suspicion_vote(t->suspicion, g2, i ? a : b, 0);
	}
	assert_int_equal(verdict(t, 5), 0);

	suspicion_vote(t->suspicion, g3, b, 0);
	assert_int_equal(verdict(t, 5), b.v);
	assert_int_not_equal(verdict(t, 3), 0);
}

static void suspicion_of_who_is_dead_joining_or_ourselves_is_none(void **state)
{
	struct court *t = *state;

	put(t, a, MEMBER_DEAD);
	put(t, b, MEMBER_JOINING);
	for (unsigned i = 0; i < 3; i++) {
		incarnation_id who = i == 0 ? a : i == 1 ? b : self;

		suspicion_vote(t->suspicion, g1, who, 0);
		suspicion_vote(t->suspicion, g2, who, 0);
	}

	assert_int_equal(verdict(t, 2), 0);
}

static void suspicion_of_a_draining_shard_counts(void **state)
{
	struct court *t = *state;

	put(t, c, MEMBER_DRAINING);
	suspicion_vote(t->suspicion, g1, c, 0);
	suspicion_vote(t->suspicion, g2, c, 0);

	assert_int_equal(verdict(t, 2), c.v);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, court_open, court_close)
	const struct CMUnitTest tests[] = {
		TEST(suspicion_of_one_among_two_is_no_verdict),
		TEST(suspicion_of_two_is_a_verdict),
		TEST(suspicion_of_the_only_gateway_is_a_verdict),
		TEST(suspicion_that_is_not_repeated_ends_after_2_s),
		TEST(suspicion_of_most_shards_needs_most_voters),
		TEST(suspicion_of_who_is_dead_joining_or_ourselves_is_none),
		TEST(suspicion_of_a_draining_shard_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
