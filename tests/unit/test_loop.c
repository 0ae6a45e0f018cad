/* SPDX-License-Identifier: Apache-2.0 */
/* The loop with real descriptors, signals and the real clock. */
#include "common/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/mono.h"
#include "tests/lib/until.h"

struct seen {
	struct loop *loop;
	struct watch *watch;
	int fds[2];
	unsigned calls, events, order;
	int signo;
	int64_t at_ns, rest_ns;
	struct timer timer;
};

static int setup(void **state)
{
	static struct seen s;

	s = (struct seen){.loop = loop_new()};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s.fds), 0);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct seen *s = *state;

	watch_close(&s->watch);
	timers_disarm(loop_timers(s->loop), &s->timer);
	loop_free(&s->loop);
	close(s->fds[0]);
	if (s->fds[1] >= 0)
		close(s->fds[1]);
	return 0;
}

static void on_event(void *owner, unsigned events)
{
	struct seen *s = owner;

	s->calls++;
	s->events = events;
	s->at_ns = loop_now_ns(s->loop);
	loop_stop(s->loop);
}

static void on_event_close(void *owner, unsigned events)
{
	struct seen *s = owner;

	on_event(owner, events);
	watch_close(&s->watch);
}

static bool was_called(void *what)
{
	const struct seen *s = what;

	return s->calls > 0;
}

static void on_timer(struct timer *timer, int64_t now_ns)
{
	struct seen *s = container_of(timer, struct seen, timer);

	s->calls++;
	s->at_ns = now_ns;
	loop_stop(s->loop);
}

static void watch_says_when_bytes_arrive(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event, s);
	assert_int_equal(write(s->fds[1], "x", 1), 1);

	loop_run(s->loop);

	assert_int_equal(s->events, WATCH_READ);
}

static void watch_paused_says_nothing_until_resumed(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event, s);
	watch_set(s->watch, 0);
	assert_int_equal(write(s->fds[1], "x", 1), 1);

	loop_for(s->loop, 30);
	assert_int_equal(s->calls, 0);

	watch_set(s->watch, WATCH_READ);
	assert_true(loop_until(s->loop, 1000, was_called, s));
}

static void watch_shows_a_hang_up_as_readable(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event, s);
	close(s->fds[1]);
	s->fds[1] = -1;

	loop_run(s->loop);

	assert_true(s->events & WATCH_READ);
}

static void watch_may_be_closed_in_its_own_callback(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event_close, s);
	assert_int_equal(write(s->fds[1], "x", 1), 1);

	loop_run(s->loop);
	loop_for(s->loop, 20);

	assert_int_equal(s->calls, 1);
	assert_null(s->watch);
}

static void watch_may_be_opened_again_on_the_same_descriptor(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event, s);
	watch_close(&s->watch);
	s->watch = watch_open(s->loop, s->fds[0], WATCH_WRITE, on_event, s);

	loop_run(s->loop);

	assert_int_equal(s->events, WATCH_WRITE);
}

static void timer_of_the_loop_fires_not_early_and_soon_after(void **state)
{
	struct seen *s = *state;
	int64_t start_ns = mono_now_ns();
	timers_arm(loop_timers(s->loop), &s->timer, start_ns + 50 * NS_PER_MS, on_timer);

	loop_run(s->loop);

	int64_t late_ns = mono_now_ns() - start_ns - 50 * NS_PER_MS;
	assert_true(s->at_ns >= start_ns + 50 * NS_PER_MS);
	assert_true(late_ns < 500 * NS_PER_MS);
}

static bool stop_when_due(void *owner, int64_t now_ns)
{
	struct seen *s = owner;

	s->calls++;
	if (now_ns >= s->at_ns)
		loop_stop(s->loop);
	return false;
}

/* Of the wheel it would be up to ten milliseconds late, each time. */
static void turn_comes_when_it_was_asked_for_the_earlier_counts(void **state)
{
	struct seen *s = *state;
	int64_t late_ns = 0;

	loop_on_turn(s->loop, stop_when_due, s);
	for (int i = 0; i < 50; i++) {
		s->at_ns = mono_now_ns() + 500 * NS_PER_MS / 1000;
		loop_turn_by(s->loop, s->at_ns + 60 * NS_PER_S);
		loop_turn_by(s->loop, s->at_ns);
		loop_turn_by(s->loop, s->at_ns + NS_PER_S);
		loop_run(s->loop);
		late_ns += mono_now_ns() - s->at_ns;
	}
	loop_off_turn(s->loop, s);
	assert_in_range(late_ns, 0, 10 * NS_PER_S); /* not the second, nor the minute */
	assert_in_range(s->calls, 50, 500);
}

static bool rest_once(void *owner, int64_t now_ns)
{
	struct seen *s = owner;

	if (s->rest_ns)
		loop_rest(s->loop, now_ns + s->rest_ns);
	s->rest_ns = 0;
	return false;
}

/* When what came in during a rest is delivered. */
static int64_t delivered_after_ns(struct seen *s, unsigned events)
{
	int64_t start_ns = mono_now_ns();

	assert_int_equal(write(s->fds[1], "x", 1), 1);
	s->watch = watch_open(s->loop, s->fds[0], events, on_event, s);
	loop_on_turn(s->loop, rest_once, s);
	loop_run(s->loop);
	loop_off_turn(s->loop, s);
	assert_int_equal(s->events, WATCH_READ);
	return mono_now_ns() - start_ns;
}

static void what_comes_in_during_a_rest_is_delivered_at_its_end(void **state)
{
	struct seen *s = *state;

	s->rest_ns = 300 * NS_PER_MS;
	assert_true(delivered_after_ns(s, WATCH_READ) >= 300 * NS_PER_MS);
}

static void what_is_urgent_ends_a_rest(void **state)
{
	struct seen *s = *state;

	s->rest_ns = 60 * NS_PER_S;
	assert_true(delivered_after_ns(s, WATCH_READ | WATCH_URGENT) < 30 * NS_PER_S);
}

static void timer_ends_a_rest(void **state)
{
	struct seen *s = *state;
	int64_t start_ns = mono_now_ns();

	s->rest_ns = 60 * NS_PER_S;
	timers_arm(loop_timers(s->loop), &s->timer, start_ns + 50 * NS_PER_MS, on_timer);
	loop_on_turn(s->loop, rest_once, s);
	loop_run(s->loop);
	loop_off_turn(s->loop, s);
	assert_true(mono_now_ns() - start_ns < 30 * NS_PER_S);
}

static bool rest_in_haste(void *owner, int64_t now_ns)
{
	struct seen *s = owner;

	if (s->calls++ == 0)
		loop_rest(s->loop, now_ns + 60 * NS_PER_S);
	else
		loop_stop(s->loop);
	return s->calls == 1;
}

static void rest_that_was_not_taken_is_none_later(void **state)
{
	struct seen *s = *state;
	int64_t start_ns = mono_now_ns();

	loop_on_turn(s->loop, rest_in_haste, s);
	loop_run(s->loop);
	loop_off_turn(s->loop, s);
	assert_true(mono_now_ns() - start_ns < 30 * NS_PER_S);
}

static void now_is_read_after_the_wait(void **state)
{
	struct seen *s = *state;
	s->watch = watch_open(s->loop, s->fds[0], WATCH_READ, on_event, s);
	pid_t writer = fork();
	if (writer == 0) {
		usleep(60000);
		_exit(write(s->fds[1], "x", 1) == 1 ? 0 : 1);
	}
	int64_t before_ns = loop_now_ns(s->loop);

	loop_run(s->loop);

	assert_true(s->at_ns - before_ns > 40 * NS_PER_MS);
	assert_int_equal(waitpid(writer, NULL, 0), writer);
}

static void on_sigusr1(void *owner, int signo)
{
	struct seen *s = owner;

	s->signo = signo;
	loop_stop(s->loop);
}

static void signal_comes_as_an_event(void **state)
{
	struct seen *s = *state;
	loop_on_signal(s->loop, SIGUSR1, on_sigusr1, s);
	kill(getpid(), SIGUSR1);

	loop_run(s->loop);

	assert_int_equal(s->signo, SIGUSR1);
}

static bool first_turn(void *owner, int64_t now_ns)
{
	struct seen *s = owner;

	(void)now_ns;
	assert_int_equal(s->order % 2, 0);
	s->order++;
	return s->order < 20; /* more work: must not block */
}

static bool second_turn(void *owner, int64_t now_ns)
{
	struct seen *const *s = owner;

	(void)now_ns;
	assert_int_equal((*s)->order % 2, 1);
	(*s)->order++;
	return false;
}

static bool is_twenty(void *what)
{
	const struct seen *s = what;

	return s->order >= 20;
}

static void turn_functions_run_in_order_and_go_on_without_blocking(void **state)
{
	struct seen *s = *state;
	int64_t start_ns = mono_now_ns();
	loop_on_turn(s->loop, first_turn, s);
	loop_on_turn(s->loop, second_turn, &s);

	assert_true(loop_until(s->loop, 2000, is_twenty, s));

	assert_true(mono_now_ns() - start_ns < NS_PER_S);
	loop_off_turn(s->loop, s);
	loop_off_turn(s->loop, &s);
}

static bool leave_at_once(void *owner, int64_t now_ns)
{
	struct seen *s = owner;

	(void)now_ns;
	s->calls++;
	loop_off_turn(s->loop, s);
	return true;
}

static void turn_function_may_remove_itself(void **state)
{
	struct seen *s = *state;
	loop_on_turn(s->loop, leave_at_once, s);

	loop_for(s->loop, 30);

	assert_int_equal(s->calls, 1);
}

static void count(void *p)
{
	struct seen *s = p;

	s->calls++;
	if (s->calls < 3)
		loop_reap(s->loop, count, s);
}

static void reaped_things_are_reaped_and_may_hand_in_more(void **state)
{
	struct seen *s = *state;
	loop_reap(s->loop, count, s);
	assert_int_equal(s->calls, 0);

	loop_for(s->loop, 30);

	assert_int_equal(s->calls, 3);
}

static void what_is_left_is_reaped_when_the_loop_is_freed(void **state)
{
	struct seen *s = *state;
	struct loop *other = loop_new();
	loop_reap(other, count, s);
	s->calls = 2;

	loop_free(&other);

	assert_int_equal(s->calls, 3);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(watch_says_when_bytes_arrive),
		CASE(watch_paused_says_nothing_until_resumed),
		CASE(watch_shows_a_hang_up_as_readable),
		CASE(watch_may_be_closed_in_its_own_callback),
		CASE(watch_may_be_opened_again_on_the_same_descriptor),
		CASE(timer_of_the_loop_fires_not_early_and_soon_after),
		CASE(turn_comes_when_it_was_asked_for_the_earlier_counts),
		CASE(what_comes_in_during_a_rest_is_delivered_at_its_end),
		CASE(what_is_urgent_ends_a_rest),
		CASE(timer_ends_a_rest),
		CASE(rest_that_was_not_taken_is_none_later),
		CASE(now_is_read_after_the_wait),
		CASE(signal_comes_as_an_event),
		CASE(turn_functions_run_in_order_and_go_on_without_blocking),
		CASE(turn_function_may_remove_itself),
		CASE(reaped_things_are_reaped_and_may_hand_in_more),
		CASE(what_is_left_is_reaped_when_the_loop_is_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
