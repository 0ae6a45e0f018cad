/* SPDX-License-Identifier: Apache-2.0 */
/* The one event loop of a process; the only file that speaks libuv. Thread: the main thread.
 * A turn is: wait, deliver ready descriptors and due timers, then call the turn functions in the
 * order they were added. Owns the uv loop and everything opened on it. */
#pragma once

#include "common/err.h"
#include "common/timers.h"

struct loop;
struct watch;

/* HANGUP: the other side has ended its half, also while nobody reads. Level-triggered like the
 * others: who has seen it stops asking for it. */
enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_URGENT = 4, WATCH_HANGUP = 8 };

/* `events`: WATCH_READ, WATCH_WRITE, WATCH_HANGUP; an error shows as readable. */
typedef void watch_fn(void *owner, unsigned events);
typedef void signal_fn(void *owner, int signo);
typedef bool turn_fn(void *owner, int64_t now_ns); /* true: more work waits, do not block */

MUST_USE struct loop *loop_new(void);
void loop_free(struct loop **); /* all watches must be closed */
void loop_run(struct loop *);   /* until loop_stop */
void loop_stop(struct loop *);
int64_t loop_now_ns(const struct loop *);  /* monotonic, read once per turn */
struct timers *loop_timers(struct loop *); /* the wheel, run by the loop */
void *loop_uv(struct loop *); /* uv_loop_t *, for a library that wants the foreign loop */

/* `fd` stays the caller's; close the watch before the fd. One that is WATCH_URGENT ends a rest. */
MUST_USE struct watch *watch_open(struct loop *, int fd, unsigned events, watch_fn *, void *owner);
void watch_set(struct watch *, unsigned events); /* 0 pauses */
void watch_close(struct watch **);               /* NULL is fine; safe inside its own callback */

void loop_on_signal(struct loop *, int signo, signal_fn *, void *owner);
void loop_on_turn(struct loop *, turn_fn *, void *owner);
void loop_off_turn(struct loop *, const void *owner); /* fine from inside a turn function */
/* A turn at this time at the latest, to a fraction of a millisecond: the ticks of the wheel are
 * ten. Once; of two the earlier counts. */
void loop_turn_by(struct loop *, int64_t at_ns);
/* After this turn only what is urgent, and a timer, is minded before `until_ns`; what else came in
 * meanwhile is delivered together then, in one turn. It saves a wake-up for each. */
void loop_rest(struct loop *, int64_t until_ns);
/* Do not block before the next turn: work came up after its turn function had run. */
void loop_hurry(struct loop *);
/* Nothing is freed inside its own callback: `fn(p)` runs when the turn is over. */
void loop_reap(struct loop *, void (*fn)(void *p), void *p);
