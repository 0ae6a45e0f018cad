/* SPDX-License-Identifier: Apache-2.0 */
/* The timing wheel, alone and against a list that is searched. */
#include "common/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

#define MS NS_PER_MS
#define TICK (10 * MS)

struct probe {
	struct timer timer;
	struct timers *wheel;
	struct probe *other;
	int64_t want_ns, fired_at_ns, again_ns;
	unsigned fired;
};

static void on_fire(struct timer *t, int64_t now_ns)
{
	struct probe *p = container_of(t, struct probe, timer);

	p->fired++;
	p->fired_at_ns = now_ns;
	if (p->other)
		timers_disarm(p->wheel, &p->other->timer);
	if (p->again_ns)
		timers_arm(p->wheel, t, now_ns + p->again_ns, on_fire);
}

static void timer_fires_not_early_and_within_a_tick(void **state)
{
	struct timers *wheel = timers_new(5 * MS);
	struct probe p = {0};

	(void)state;
	timers_arm(wheel, &p.timer, 123 * MS, on_fire);
	timers_run(wheel, 122 * MS);
	assert_int_equal(p.fired, 0);
	assert_true(timers_is_armed(&p.timer));

	timers_run(wheel, 133 * MS);
	assert_int_equal(p.fired, 1);
	assert_false(timers_is_armed(&p.timer));
	assert_true(timers_next_ns(wheel) == INT64_MAX);
	timers_free(&wheel);
}

static void timer_rearmed_fires_only_at_the_new_time(void **state)
{
	struct timers *wheel = timers_new(1);
	struct probe p = {0};

	(void)state;
	timers_arm(wheel, &p.timer, 100 * MS, on_fire);
	timers_arm(wheel, &p.timer, 5000 * MS, on_fire);
	timers_run(wheel, 4999 * MS);
	assert_int_equal(p.fired, 0);
	timers_arm(wheel, &p.timer, 5010 * MS, on_fire);
	timers_run(wheel, 5010 * MS);
	assert_int_equal(p.fired, 1);
	timers_free(&wheel);
}

static void timer_disarmed_never_fires_and_leaves_an_idle_wheel(void **state)
{
	struct timers *wheel = timers_new(1);
	struct probe p = {0};

	(void)state;
	for (int64_t at = 1; at < INT64_MAX / 3; at *= 3) {
		timers_arm(wheel, &p.timer, at, on_fire);
		timers_disarm(wheel, &p.timer);
		timers_disarm(wheel, &p.timer);
		assert_true(timers_next_ns(wheel) == INT64_MAX);
	}
	timers_run(wheel, INT64_MAX / 2);
	assert_int_equal(p.fired, 0);
	timers_free(&wheel);
}

static void timer_armed_for_the_past_fires_in_the_next_run_once(void **state)
{
	struct timers *wheel = timers_new(1000 * MS);
	struct probe p = {.wheel = wheel};

	(void)state;
	timers_arm(wheel, &p.timer, 10, on_fire);
	assert_true(timers_next_ns(wheel) <= 1000 * MS);
	p.again_ns = -500 * MS; /* re-arms into the past: must not keep the run busy for ever */
	timers_run(wheel, 1001 * MS);
	assert_int_equal(p.fired, 1);
	timers_run(wheel, 1001 * MS);
	assert_int_equal(p.fired, 2);
	timers_free(&wheel);
}

static void callback_may_disarm_another_timer_of_the_same_slot(void **state)
{
	struct timers *wheel = timers_new(1);
	struct probe a = {.wheel = wheel}, b = {.wheel = wheel};

	(void)state;
	a.other = &b;
	timers_arm(wheel, &a.timer, 20 * MS, on_fire);
	timers_arm(wheel, &b.timer, 20 * MS, on_fire);
	timers_run(wheel, 30 * MS);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);
	assert_true(timers_next_ns(wheel) == INT64_MAX);
	timers_free(&wheel);
}

static void farthest_time_is_held_without_overflow(void **state)
{
	struct timers *wheel = timers_new(1);
	struct probe p = {0};

	(void)state;
	timers_arm(wheel, &p.timer, INT64_MAX, on_fire);
	timers_run(wheel, INT64_MAX - TICK);
	assert_int_equal(p.fired, 0);
	assert_true(timers_next_ns(wheel) > INT64_MAX - 2 * TICK);
	timers_disarm(wheel, &p.timer);
	timers_free(&wheel);
}

static void fifty_thousand_periodic_timers_fire_on_time(void **state)
{
	enum { COUNT = 50000 };
	struct timers *wheel = timers_new(1);
	struct probe *p = mem_new(COUNT * sizeof(*p));

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		p[i].wheel = wheel;
		p[i].again_ns = 30000 * MS;
		timers_arm(wheel, &p[i].timer, i * MS + 1, on_fire);
	}
	for (int64_t now = MS; now <= 120000 * MS; now += 7 * MS)
		timers_run(wheel, now);
	for (int i = 0; i < COUNT; i++) {
		/* each round trip is late by less than a tick and a turn */
		int64_t rounds = (120000 - i) / 30000;
		assert_in_range(p[i].fired, rounds, rounds + 1);
	}
	timers_free(&wheel);
	mem_free(p);
}

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

/* One step of the comparison: some operation on the wheel, the same on the plain fields. */
static void step(struct timers *wheel, struct probe *p, uint64_t dice, int64_t now_ns)
{
	static const int64_t reach[] = {TICK, 700 * MS, 50000 * MS, 5000000 * MS};

	if (dice % 4 == 0) {
		timers_disarm(wheel, &p->timer);
		p->want_ns = 0;
		return;
	}
	p->want_ns = now_ns + (int64_t)(dice >> 8) % reach[dice / 4 % 4];
	if (p->want_ns < 1)
		p->want_ns = 1;
	timers_arm(wheel, &p->timer, p->want_ns, on_fire);
}

static void check_fired(struct probe *p, int64_t now_ns)
{
	if (p->fired) {
		assert_true(p->want_ns && p->want_ns <= now_ns);
		p->fired = 0;
		p->want_ns = 0;
	}
	/* what is a whole tick late should have fired */
	assert_true(p->want_ns == 0 || p->want_ns > now_ns - TICK);
	assert_true(timers_is_armed(&p->timer) == (p->want_ns != 0));
}

static void wheel_agrees_with_a_plain_list_on_random_operations(void **state)
{
	enum { COUNT = 200 };
	uint64_t seed = 88172645463325252u;
	int64_t now_ns = 77 * MS;
	struct timers *wheel = timers_new(now_ns);
	struct probe p[COUNT] = {0};

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		for (int i = 0; i < 5; i++)
			step(wheel, &p[next_random(&seed) % COUNT], next_random(&seed) >> 1,
			     now_ns);
		int64_t next_ns = timers_next_ns(wheel);
		int64_t earliest_ns = INT64_MAX;
		for (int i = 0; i < COUNT; i++)
			if (p[i].want_ns && p[i].want_ns < earliest_ns)
				earliest_ns = p[i].want_ns;
		assert_true(earliest_ns == INT64_MAX || next_ns <= earliest_ns + TICK);

		uint64_t dice = next_random(&seed);
		now_ns += (int64_t)(dice >> 8) % (dice % 64 ? 50 * MS : 4000000 * MS);
		timers_run(wheel, now_ns);
		for (int i = 0; i < COUNT; i++)
			check_fired(&p[i], now_ns);
	}
	timers_free(&wheel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_fires_not_early_and_within_a_tick),
		cmocka_unit_test(timer_rearmed_fires_only_at_the_new_time),
		cmocka_unit_test(timer_disarmed_never_fires_and_leaves_an_idle_wheel),
		cmocka_unit_test(timer_armed_for_the_past_fires_in_the_next_run_once),
		cmocka_unit_test(callback_may_disarm_another_timer_of_the_same_slot),
		cmocka_unit_test(farthest_time_is_held_without_overflow),
		cmocka_unit_test(fifty_thousand_periodic_timers_fire_on_time),
		cmocka_unit_test(wheel_agrees_with_a_plain_list_on_random_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
