/* SPDX-License-Identifier: Apache-2.0 */
/* The loop over libuv. One iteration of libuv is: poll (watches call back), then uv_prepare, where
 * a turn ends: due timers, turn functions, reaping. The wheel needs one uv_timer, set to wake the
 * poll. */
#include "common/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"

#define TURNS_MAX 16
#define SLACK_NS 1000ul
#define CLOSE_ROUNDS                                                                               \
	64 /* libuv needs two to report closed handles; more means that one was left open */

/* Read lazily, so that what runs after a long wait never sees the time of before it. */
struct turn_clock {
	int64_t now_ns;
	bool fresh;
};

struct turn {
	turn_fn *fn; /* NULL: removed */
	void *owner;
};

struct reaping {
	void (*fn)(void *p);
	void *p;
};

struct reapings {
	struct reaping *items;
	size_t len, cap;
};

struct watched_signal {
	uv_signal_t handle;
	struct list node;
	signal_fn *fn;
	void *owner;
};

struct watch {
	uv_poll_t handle;
	struct loop *loop;
	int fd;
	unsigned events;
	watch_fn *fn; /* NULL: closed */
	void *owner;
};

/* The descriptors of urgent watches, as poll wants them. */
struct urgent {
	struct pollfd *fds;
	size_t len, cap;
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t timer;
	int64_t timer_at_ns; /* what `timer` is set to; INT64_MAX: not set */
	int wake_fd;         /* a timer of the kernel */
	int64_t wake_ns;     /* what it is set to; INT64_MAX: not set */
	struct watch *wake;
	struct urgent urgent;
	int64_t rest_ns; /* until when; 0: not at all */
	struct turn_clock *clock;
	struct timers *timers;
	struct turn turns[TURNS_MAX];
	size_t turn_count;
	struct reapings reapings, reaping_now;
	struct list signals;
	bool hurry;
};

static void on_prepare(uv_prepare_t *handle);
static bool rest(struct loop *l);
static bool run_turns(struct loop *l, int64_t now_ns);
static void reap(struct loop *l);
static void set_timer(struct loop *l);
static void on_timer(uv_timer_t *handle);
static bool open_wake(struct loop *l);
static void on_wake(void *owner, unsigned events);
static void on_idle(uv_idle_t *handle);
static void on_poll(uv_poll_t *handle, int status, int events);
static void set_urgent(struct watch *w, bool is_urgent);
static void start_polling(struct watch *w);
static void on_watch_closed(uv_handle_t *handle);
static void on_signal(uv_signal_t *handle, int signo);
static void on_signal_closed(uv_handle_t *handle);

struct loop *loop_new(void)
{
	struct loop *l = mem_new(sizeof *l);
	int rc = uv_loop_init(&l->uv);

	if (rc != 0) {
		log_error("loop_failed", kv_str("why", uv_strerror(rc)));
		mem_free(l);
		return NULL;
	}
	signal(SIGPIPE, SIG_IGN);
	/* With the kernel's own 50 us a rest ended 43 us later, measured over 2,000 of 1 ms. */
	prctl(PR_SET_TIMERSLACK, SLACK_NS);
	l->clock = mem_new(sizeof *l->clock);
	l->timers = timers_new(mono_now_ns());
	l->timer_at_ns = INT64_MAX;
	list_init(&l->signals);
	uv_timer_init(&l->uv, &l->timer);
	uv_idle_init(&l->uv, &l->idle);
	uv_prepare_init(&l->uv, &l->prepare);
	uv_prepare_start(&l->prepare, on_prepare);
	if (!open_wake(l))
		loop_free(&l);
	return l;
}

void loop_free(struct loop **loop)
{
	struct loop *l = *loop;

	if (!l)
		return;
	while (l->reapings.len > 0)
		reap(l);
	watch_close(&l->wake);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	uv_close((uv_handle_t *)&l->timer, NULL);
	LIST_EACH (&l->signals, node, ahead) {
		struct watched_signal *s = container_of(node, struct watched_signal, node);
		uv_close((uv_handle_t *)&s->handle, on_signal_closed);
	}
	for (int i = 0; i < CLOSE_ROUNDS && uv_run(&l->uv, UV_RUN_NOWAIT) != 0; i++)
		;
	must(uv_loop_close(&l->uv) == 0);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	timers_free(&l->timers);
	mem_free(l->urgent.fds);
	mem_free(l->reapings.items);
	mem_free(l->reaping_now.items);
	mem_free(l->clock);
	mem_free(l);
	*loop = NULL;
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

int64_t loop_now_ns(const struct loop *l)
{
	if (!l->clock->fresh) {
		l->clock->now_ns = mono_now_ns();
		l->clock->fresh = true;
	}
	return l->clock->now_ns;
}

struct timers *loop_timers(struct loop *l)
{
	return l->timers;
}

void *loop_uv(struct loop *l)
{
	return &l->uv;
}

struct watch *watch_open(struct loop *l, int fd, unsigned events, watch_fn *fn, void *owner)
{
	struct watch *w = mem_new(sizeof *w);

	w->loop = l;
	w->fd = fd;
	w->fn = fn;
	w->owner = owner;
	must(uv_poll_init(&l->uv, &w->handle, fd) == 0);
	watch_set(w, events);
	return w;
}

void watch_set(struct watch *w, unsigned events)
{
	if (w->events == events)
		return;
	if ((w->events ^ events) & WATCH_URGENT)
		set_urgent(w, events & WATCH_URGENT);
	w->events = events;
	if (!(events & (WATCH_READ | WATCH_WRITE | WATCH_HANGUP)))
		uv_poll_stop(&w->handle);
	else
		start_polling(w);
}

void watch_close(struct watch **watch)
{
	struct watch *w = *watch;

	if (!w)
		return;
	*watch = NULL;
	if (w->events & WATCH_URGENT)
		set_urgent(w, false);
	w->fn = NULL;
	uv_close((uv_handle_t *)&w->handle, on_watch_closed);
}

void loop_on_signal(struct loop *l, int signo, signal_fn *fn, void *owner)
{
	struct watched_signal *s = mem_new(sizeof *s);

	s->fn = fn;
	s->owner = owner;
	uv_signal_init(&l->uv, &s->handle);
	must(uv_signal_start(&s->handle, on_signal, signo) == 0);
	list_add_last(&l->signals, &s->node);
}

void loop_on_turn(struct loop *l, turn_fn *fn, void *owner)
{
	must(l->turn_count < TURNS_MAX);
	l->turns[l->turn_count++] = (struct turn){.fn = fn, .owner = owner};
}

void loop_off_turn(struct loop *l, const void *owner)
{
	for (size_t i = 0; i < l->turn_count; i++) {
		if (l->turns[i].owner == owner)
			l->turns[i].fn = NULL;
	}
}

void loop_turn_by(struct loop *l, int64_t at_ns)
{
	const struct itimerspec at = {.it_value = {at_ns / NS_PER_S, at_ns % NS_PER_S}};

	if (at_ns >= l->wake_ns)
		return;
	l->wake_ns = at_ns;
	must(timerfd_settime(l->wake_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
}

void loop_rest(struct loop *l, int64_t until_ns)
{
	l->rest_ns = until_ns;
}

void loop_hurry(struct loop *l)
{
	l->hurry = true;
}

void loop_reap(struct loop *l, void (*fn)(void *p), void *p)
{
	struct reapings *r = &l->reapings;

	if (r->len == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->items = mem_grow(r->items, r->cap * sizeof *r->items);
	}
	r->items[r->len++] = (struct reaping){.fn = fn, .p = p};
}

static void on_prepare(uv_prepare_t *handle)
{
	struct loop *l = container_of(handle, struct loop, prepare);

	l->hurry = false;
	l->rest_ns = 0;
	l->clock->fresh = false;
	timers_run(l->timers, loop_now_ns(l));
	if (run_turns(l, loop_now_ns(l)))
		l->hurry = true;
	reap(l);
	bool is_due = l->hurry || l->reapings.len > 0 || rest(l);
	if (is_due)
		uv_idle_start(&l->idle, on_idle);
	else
		uv_idle_stop(&l->idle);
	l->clock->fresh = false;
	set_timer(l);
}

/* True: it is over, and the poll must not block; false: there was none. */
static bool rest(struct loop *l)
{
	int64_t until_ns = l->rest_ns, timer_ns = timers_next_ns(l->timers);

	if (until_ns == 0)
		return false;
	int64_t wait_ns = (timer_ns < until_ns ? timer_ns : until_ns) - mono_now_ns();
	const struct timespec wait = {wait_ns / NS_PER_S, wait_ns % NS_PER_S};

	if (wait_ns > 0)
		(void)ppoll(l->urgent.fds, l->urgent.len, &wait, NULL);
	return true;
}

static bool run_turns(struct loop *l, int64_t now_ns)
{
	bool more = false;
	size_t kept = 0;

	for (size_t i = 0; i < l->turn_count; i++) {
		if (l->turns[i].fn && l->turns[i].fn(l->turns[i].owner, now_ns))
			more = true;
	}
	for (size_t i = 0; i < l->turn_count; i++) {
		if (l->turns[i].fn)
			l->turns[kept++] = l->turns[i];
	}
	l->turn_count = kept;
	return more;
}

/* What is handed in meanwhile waits for the next turn, so that a chain of them cannot hold the
 * loop. */
static void reap(struct loop *l)
{
	struct reapings now = l->reapings;

	l->reapings = l->reaping_now;
	l->reapings.len = 0;
	for (size_t i = 0; i < now.len; i++)
		now.items[i].fn(now.items[i].p);
	now.len = 0;
	l->reaping_now = now;
}

static void set_timer(struct loop *l)
{
	int64_t at_ns = timers_next_ns(l->timers);

	if (at_ns == l->timer_at_ns)
		return;
	l->timer_at_ns = at_ns;
	if (at_ns == INT64_MAX) {
		uv_timer_stop(&l->timer);
		return;
	}
	int64_t wait_ns = at_ns - mono_now_ns();
	uint64_t wait_ms = wait_ns > 0 ? (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;

	uv_update_time(&l->uv);
	uv_timer_start(&l->timer, on_timer, wait_ms, 0);
}

/* Only wakes the poll: on_prepare runs the wheel. */
static void on_timer(uv_timer_t *handle)
{
	struct loop *l = container_of(handle, struct loop, timer);

	l->timer_at_ns = INT64_MAX;
}

static bool open_wake(struct loop *l)
{
	l->wake_ns = INT64_MAX;
	l->wake_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->wake_fd < 0) {
		log_error("loop_failed", kv_str("why", strerror(errno)));
		return false;
	}
	l->wake = watch_open(l, l->wake_fd, WATCH_READ, on_wake, l);
	return true;
}

/* Only for the turn that follows. */
static void on_wake(void *owner, unsigned events)
{
	struct loop *l = owner;
	uint64_t times;

	(void)events;
	if (read(l->wake_fd, &times, sizeof times) > 0)
		l->wake_ns = INT64_MAX;
}

/* Its being active is what keeps the poll from blocking. */
static void on_idle(uv_idle_t *handle)
{
	(void)handle;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct watch *w = container_of(handle, struct watch, handle);
	unsigned seen = 0;

	if (!w->fn)
		return;
	if (status < 0) {
		seen = WATCH_READ;
		start_polling(w); /* libuv stops at an error; the owner decides, not libuv */
	}
	if (events & UV_READABLE)
		seen |= WATCH_READ;
	if (events & UV_WRITABLE)
		seen |= WATCH_WRITE;
	if (events & UV_DISCONNECT)
		seen |= WATCH_HANGUP;
	w->fn(w->owner, seen);
}

static void set_urgent(struct watch *w, bool is_urgent)
{
	struct urgent *u = &w->loop->urgent;
	size_t at = 0;

	if (is_urgent) {
		if (u->len == u->cap) {
			u->cap = u->cap ? u->cap * 2 : 8;
			u->fds = mem_grow(u->fds, u->cap * sizeof *u->fds);
		}
		u->fds[u->len++] = (struct pollfd){.fd = w->fd, .events = POLLIN};
		return;
	}
	while (u->fds[at].fd != w->fd)
		at++;
	u->fds[at] = u->fds[--u->len];
}

static void start_polling(struct watch *w)
{
	int wanted = 0;

	if (w->events & WATCH_READ)
		wanted |= UV_READABLE;
	if (w->events & WATCH_WRITE)
		wanted |= UV_WRITABLE;
	if (w->events & WATCH_HANGUP)
		wanted |= UV_DISCONNECT;
	must(uv_poll_start(&w->handle, wanted, on_poll) == 0);
}

static void on_watch_closed(uv_handle_t *handle)
{
	mem_free(container_of(handle, struct watch, handle));
}

static void on_signal(uv_signal_t *handle, int signo)
{
	struct watched_signal *s = container_of(handle, struct watched_signal, handle);

	s->fn(s->owner, signo);
}

static void on_signal_closed(uv_handle_t *handle)
{
	mem_free(container_of(handle, struct watched_signal, handle));
}
