/* SPDX-License-Identifier: Apache-2.0 */
/* Whose limit it is that a message goes beyond, and that nothing is taken then. */
#include "gateway/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NOW (5 * NS_PER_S)
#define ANN SPAN("ann")
#define ROOM SPAN("submission:s1")

static struct gateway_options opt;
static struct quota q;

static int quota_open(void **state)
{
	(void)state;
	opt = (struct gateway_options){
		.limits_rate = 10,
		.limits_bytes = 1000,
		.limits_user_rate = 16,
		.limits_room_rate = 20,
		.limits_service_rate = 5,
	};
	quota_init(&q, &opt);
	return 0;
}

static int quota_close(void **state)
{
	(void)state;
	quota_fini(&q);
	return 0;
}

/* How many of so many go at once. */
static unsigned take(struct rate *own, struct span user, size_t bytes, unsigned count)
{
	unsigned taken = 0;

	while (count-- > 0)
		taken += !quota_take(&q, own, user, bytes, NOW);
	return taken;
}

static unsigned post(bool is_service, struct span who, unsigned count)
{
	const struct quota_post p = {
		.is_service = is_service, .who = who, .word = {.room_key = ROOM}};
	unsigned taken = 0;

	while (count-- > 0)
		taken += !quota_take_post(&q, &p, NOW);
	return taken;
}

static void connections_of_one_user_share_a_rate(void **state)
{
	struct rate first = {0}, second = {0}, other = {0};

	(void)state;
	assert_int_equal(take(&first, ANN, 0, 100), 20);
	assert_int_equal(take(&second, ANN, 0, 100), 12);
	assert_int_equal(take(&other, SPAN("bo"), 0, 100), 20);
	assert_int_equal(quota_take(&q, &second, ANN, 0, NOW), NS_PER_S / 16);
}

static void whose_user_has_to_wait_takes_nothing_of_his_own(void **state)
{
	struct rate first = {0}, second = {0};

	(void)state;
	take(&first, ANN, 0, 20);
	take(&second, ANN, 0, 100);

	assert_int_equal(take(&second, SPAN_NONE, 0, 100), 8); /* the rest of its twenty */
}

static void large_messages_count_by_their_bytes(void **state)
{
	struct rate own = {0};

	(void)state;
	assert_int_equal(take(&own, ANN, 500, 100), 3); /* 0.6 s each */
}

/* How many of a hundred go to a room of that size at once. */
static unsigned tell(struct span room_key, size_t recipients)
{
	const struct quota_word w = {.room_key = room_key, .recipients = recipients};
	unsigned taken = 0;

	for (int i = 0; i < 100; i++)
		taken += !quota_take_room(&q, &w, NOW);
	return taken;
}

static void room_has_one_rate_for_all(void **state)
{
	(void)state;
	assert_int_equal(tell(ROOM, 1), 40);
	assert_int_equal(tell(ROOM, 1), 0);
	assert_int_equal(tell(SPAN("submission:s2"), 0), 40);
}

static void what_many_hear_counts_as_often(void **state)
{
	(void)state;
	assert_int_equal(tell(ROOM, 8), 5);
	assert_int_equal(tell(SPAN("submission:s2"), 1000000), 1); /* alone, and paid for */
}

static void service_waits_for_itself_and_for_the_room(void **state)
{
	(void)state;
	assert_int_equal(post(true, SPAN("key"), 100), 10);
	assert_int_equal(post(true, SPAN("another"), 100), 10);
	assert_int_equal(post(false, ANN, 100), 20); /* what is left of the room's forty */
	assert_int_equal(post(true, SPAN("third"), 100), 0);
	const struct quota_post there = {true, SPAN("third"), {.room_key = SPAN("submission:s2")}};
	assert_int_equal(quota_take_post(&q, &there, NOW), 0);
}

static void zero_is_no_limit(void **state)
{
	struct rate own = {0};

	(void)state;
	opt = (struct gateway_options){0};

	assert_int_equal(take(&own, ANN, 1 << 20, 10000), 10000);
	assert_int_equal(post(true, SPAN("key"), 10000), 10000);
	assert_int_equal(rate_set_count(&q.users) + rate_set_count(&q.rooms), 0);
}

static void who_was_quiet_is_forgotten(void **state)
{
	struct rate own = {0};

	(void)state;
	take(&own, ANN, 0, 5);
	quota_tick(&q, NOW);
	size_t before = rate_set_count(&q.users);
	quota_tick(&q, NOW + 3 * NS_PER_S);

	assert_int_equal(before, 1);
	assert_int_equal(rate_set_count(&q.users), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, quota_open, quota_close)
	const struct CMUnitTest tests[] = {
		T(connections_of_one_user_share_a_rate),
		T(whose_user_has_to_wait_takes_nothing_of_his_own),
		T(large_messages_count_by_their_bytes),
		T(room_has_one_rate_for_all),
		T(what_many_hear_counts_as_often),
		T(service_waits_for_itself_and_for_the_room),
		T(zero_is_no_limit),
		T(who_was_quiet_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
