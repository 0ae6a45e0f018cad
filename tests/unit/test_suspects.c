/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a gateway misses, whom it tells, and when it knows that it is cut off itself. Three shards
 * at the other end of real links, another gateway in the view. */
#include "gateway/suspects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)
#define SHARDS 3
#define TICK MS(50)

struct world {
	struct fake_shards shards;
	struct link_setup setup;
	struct link *link[SHARDS];
	struct map links;
	struct view view;
	struct suspects *suspects;
	int64_t now_ns;
	bool mute[SHARDS], ailing[SHARDS];
	uint64_t age_ms[SHARDS];
	bool stale; /* the view is not confirmed */
};

static void on_open(void *owner, struct link *link, int64_t now_ns)
{
	(void)owner, (void)link, (void)now_ns;
}

static void on_message(void *owner, struct link *link, const struct message *m, int64_t now_ns)
{
	(void)owner, (void)link, (void)m, (void)now_ns;
}

static void greet(struct world *w, unsigned i)
{
	message_put_greeting(fake_out(&w->shards.of[i]), &(struct msg_greeting){.revision = 1});
	fake_say(&w->shards.of[i], w->now_ns);
}

static void put_gateway(struct world *w, uint64_t id, enum member_state state)
{
	view_put_member(&w->view,
			&(struct view_member){.id = {id}, .kind = MEMBER_GATEWAY, .state = state});
}

static void put_shard(struct world *w, unsigned i, enum member_state state)
{
	view_put_member(&w->view, &(struct view_member){.id = w->shards.of[i].id, .state = state});
	view_set_slot(&w->view, i, w->shards.of[i].id, 1);
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	fake_shards_init(&w->shards);
	w->setup = (struct link_setup){
		.self = {7},
		.name = "gateway-1",
		.bus = fake_bus(&w->shards),
		.hooks = {on_open, on_open, on_message, w},
		.heartbeat_ns = MS(100),
		.silence_ns = MS(600),
	};
	w->now_ns = MS(1000);
	view_init(&w->view);
	map_init(&w->links);
	put_gateway(w, 7, MEMBER_ACTIVE);
	put_gateway(w, 8, MEMBER_ACTIVE);
	for (unsigned i = 0; i < SHARDS; i++) {
		char endpoint[16];

		snprintf(endpoint, sizeof endpoint, "fake:%u", i);
		w->link[i] = link_new(&w->setup, w->shards.of[i].id, endpoint, w->now_ns);
		map_add_u64(&w->links, w->shards.of[i].id.v, w->link[i]);
		link_open(w->link[i], w->now_ns);
		link_flush(w->link[i], w->now_ns);
		greet(w, i);
		put_shard(w, i, MEMBER_ACTIVE);
	}
	w->suspects = suspects_new(&(struct suspects_setup){
		.self = {7}, .silence_ns = MS(600), .isolated_ns = MS(5000)});
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	suspects_free(&w->suspects);
	for (unsigned i = 0; i < SHARDS; i++)
		link_free(&w->link[i]);
	map_fini(&w->links);
	view_fini(&w->view);
	fake_shards_fini(&w->shards);
	test_free(w);
	return 0;
}

static void heartbeat(struct world *w, unsigned i)
{
	struct fake_shard *s = &w->shards.of[i];

	if (w->mute[i] || !s->link)
		return;
	if (!link_is_up(w->link[i]))
		greet(w, i);
	message_put_heartbeat(fake_out(s), &(struct msg_heartbeat){.database_ok = !w->ailing[i],
								   .worker_age_ms = w->age_ms[i]});
	fake_say(s, w->now_ns);
}

static void run(struct world *w, int64_t ms)
{
	for (int64_t end_ns = w->now_ns + MS(ms); w->now_ns < end_ns;) {
		w->now_ns += TICK;
		for (unsigned i = 0; i < SHARDS; i++) {
			heartbeat(w, i);
			link_tick(w->link[i], w->now_ns);
		}
		suspects_tick(w->suspects, &(struct suspects_look){&w->links, &w->view, !w->stale},
			      w->now_ns);
		for (unsigned i = 0; i < SHARDS; i++)
			link_flush(w->link[i], w->now_ns);
	}
}

/* How often shard `i` was told of `suspect`, and with which reason at last. */
static unsigned told(struct world *w, unsigned i, unsigned suspect, uint64_t *reason)
{
	unsigned count = 0;

	for (struct message m; (m = fake_next(&w->shards.of[i])).type;)
		if (m.type == MESSAGE_SUSPECT && m.suspect.shard == w->shards.of[suspect].id.v) {
			count++;
			*reason = m.suspect.reason;
		}
	return count;
}

static void shards_that_talk_are_not_missed(void **state)
{
	struct world *w = *state;

	run(w, 10000);

	assert_int_equal(suspects_count(w->suspects), 0);
}

static void silent_shard_is_told_to_every_other_each_500_ms(void **state)
{
	struct world *w = *state;
	uint64_t reason = 0;

	w->mute[0] = true;
	run(w, 550);
	assert_int_equal(suspects_count(w->suspects), 0);
	run(w, 1550); /* from 650 ms on */

	assert_int_equal(suspects_count(w->suspects), 1);
	assert_in_range(told(w, 1, 0, &reason), 3, 4);
	assert_int_equal(reason, SUSPECT_SILENT);
	assert_in_range(told(w, 2, 0, &reason), 3, 4);
	assert_int_equal(told(w, 0, 0, &reason), 0);
}

static void refused_connection_is_told_at_once(void **state)
{
	struct world *w = *state;
	uint64_t reason = 0;

	w->mute[0] = true;
	link_on_broken(w->link[0], w->now_ns);
	link_on_refused(w->link[0]);
	run(w, 50);

	assert_int_equal(told(w, 1, 0, &reason), 1);
	assert_int_equal(reason, SUSPECT_REFUSED);
}

static void shard_that_is_back_is_missed_no_more(void **state)
{
	struct world *w = *state;
	uint64_t reason;

	w->mute[0] = true;
	run(w, 1000);
	w->mute[0] = false;
	run(w, 100);
	(void)told(w, 1, 0, &reason);
	run(w, 1000);

	assert_int_equal(suspects_count(w->suspects), 0);
	assert_int_equal(told(w, 1, 0, &reason), 0);
}

static void joiner_is_not_missed(void **state)
{
	struct world *w = *state;

	put_shard(w, 0, MEMBER_JOINING);
	w->mute[0] = true;
	run(w, 3000);

	assert_int_equal(suspects_count(w->suspects), 0);
}

static void shard_without_its_database_is_told_after_3_s(void **state)
{
	struct world *w = *state;
	uint64_t reason = 0;

	run(w, 4000);
	w->ailing[0] = true;
	run(w, 2900);
	assert_int_equal(suspects_count(w->suspects), 0);
	run(w, 300);

	assert_int_equal(told(w, 1, 0, &reason), 1);
	assert_int_equal(reason, SUSPECT_DATABASE);
}

static void shard_whose_database_does_not_answer_is_told(void **state)
{
	struct world *w = *state;
	uint64_t reason = 0;

	run(w, 4000);
	w->age_ms[0] = 3000;
	run(w, 50);

	assert_int_equal(told(w, 1, 0, &reason), 1);
	assert_int_equal(reason, SUSPECT_DATABASE);
}

static void outage_for_all_is_nobodys_fault(void **state)
{
	struct world *w = *state;

	run(w, 4000);
	for (unsigned i = 0; i < SHARDS; i++)
		w->ailing[i] = true;
	run(w, 10000);
	assert_int_equal(suspects_count(w->suspects), 0);

	w->ailing[1] = false; /* it is the first to have its database back */
	run(w, 2500);
	assert_int_equal(suspects_count(w->suspects), 0);
	w->ailing[0] = w->ailing[2] = false;
	run(w, 5000);
	assert_int_equal(suspects_count(w->suspects), 0);
}

/* As seen when it stops answering: each shard waits for a question it asked at another time. */
static void outage_noticed_at_different_moments_is_nobodys_fault(void **state)
{
	struct world *w = *state;

	run(w, 4000);
	for (uint64_t t = 0; t <= 6000; t += 50) {
		w->age_ms[0] = t;
		w->age_ms[1] = t > 900 ? t - 900 : 0;
		w->age_ms[2] = t > 400 ? t - 400 : 0;
		run(w, 50);
		assert_int_equal(suspects_count(w->suspects), 0);
	}
}

static void gateway_alone_with_a_missed_shard_is_cut_off_after_5_s(void **state)
{
	struct world *w = *state;

	w->mute[0] = true;
	run(w, 5500);
	assert_false(suspects_cut_off(w->suspects));
	run(w, 300);

	assert_true(suspects_cut_off(w->suspects));
	assert_true(suspects_cut_off_from(w->suspects, w->shards.of[0].id));
	assert_false(suspects_cut_off_from(w->suspects, w->shards.of[1].id));
}

static void cut_off_ends_when_the_shard_has_been_back_for_a_second(void **state)
{
	struct world *w = *state;

	w->mute[0] = true;
	run(w, 6000);
	w->mute[0] = false;
	run(w, 900);
	assert_true(suspects_cut_off(w->suspects));
	run(w, 300);

	assert_false(suspects_cut_off(w->suspects));
}

static void cut_off_ends_when_the_shard_is_dead_after_all(void **state)
{
	struct world *w = *state;

	w->mute[0] = true;
	run(w, 6000);
	put_shard(w, 0, MEMBER_DEAD);
	run(w, 50);

	assert_false(suspects_cut_off(w->suspects));
}

static void only_gateway_is_never_cut_off(void **state)
{
	struct world *w = *state;

	put_gateway(w, 8, MEMBER_DEAD);
	w->mute[0] = true;
	run(w, 10000);

	assert_false(suspects_cut_off(w->suspects));
}

static void gateway_without_the_database_does_not_know_that_it_is_cut_off(void **state)
{
	struct world *w = *state;

	w->stale = true;
	w->mute[0] = true;
	run(w, 10000);

	assert_false(suspects_cut_off(w->suspects));
}

static void gateway_that_all_shards_refuse_waits_for_them(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < SHARDS; i++) {
		w->mute[i] = true;
		link_on_broken(w->link[i], w->now_ns);
		link_on_refused(w->link[i]);
	}
	run(w, 10000);

	assert_false(suspects_cut_off(w->suspects));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		TEST(shards_that_talk_are_not_missed),
		TEST(silent_shard_is_told_to_every_other_each_500_ms),
		TEST(refused_connection_is_told_at_once),
		TEST(shard_that_is_back_is_missed_no_more),
		TEST(joiner_is_not_missed),
		TEST(shard_without_its_database_is_told_after_3_s),
		TEST(shard_whose_database_does_not_answer_is_told),
		TEST(outage_for_all_is_nobodys_fault),
		TEST(outage_noticed_at_different_moments_is_nobodys_fault),
		TEST(gateway_alone_with_a_missed_shard_is_cut_off_after_5_s),
		TEST(cut_off_ends_when_the_shard_has_been_back_for_a_second),
		TEST(cut_off_ends_when_the_shard_is_dead_after_all),
		TEST(only_gateway_is_never_cut_off),
		TEST(gateway_without_the_database_does_not_know_that_it_is_cut_off),
		TEST(gateway_that_all_shards_refuse_waits_for_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
