/* SPDX-License-Identifier: Apache-2.0 */
/* A hierarchical timing wheel: 7 levels of 64 slots hold every int64_t of nanoseconds in ticks of
 * 10 ms. A timer sits at the level of the highest group of 6 bits in which its tick differs from
 * the last tick done, and sinks a level whenever time reaches its slot. So the next thing to do is
 * always the first slot of the lowest level in use, and idle time is skipped rather than walked. */
#include "common/timers.h"

#include "common/mem.h"

#define TICK_NS (10 * NS_PER_MS)
#define LEVEL_BITS 6
#define SLOTS 64
#define LEVELS 7
#define DUE LEVELS /* the level of what was armed for a tick already done */

struct place {
	unsigned level, slot;
};

struct timers {
	uint64_t tick; /* done up to here */
	struct list due;
	uint64_t used[LEVELS]; /* bit: the slot is not empty */
	struct list slots[LEVELS][SLOTS];
};

static uint64_t tick_of(int64_t at_ns);
static struct place place_of(const struct timers *ts, uint64_t tick);
static void put(struct timers *ts, struct timer *t);
static bool find_next(const struct timers *ts, struct place *at, uint64_t *tick);
static void turn_to(struct timers *ts, struct place at, uint64_t tick, int64_t now_ns);
static void take_all(struct list *from, struct list *to);
static void fire_all(struct list *l, int64_t now_ns);

struct timers *timers_new(int64_t now_ns)
{
	struct timers *ts = mem_new(sizeof(*ts));

	must(now_ns >= 0);
	ts->tick = (uint64_t)(now_ns / TICK_NS);
	list_init(&ts->due);
	for (size_t level = 0; level < LEVELS; level++)
		for (size_t slot = 0; slot < SLOTS; slot++)
			list_init(&ts->slots[level][slot]);
	return ts;
}

void timers_free(struct timers **ts)
{
	mem_free(*ts);
	*ts = NULL;
}

void timers_arm(struct timers *ts, struct timer *t, int64_t at_ns, timer_fn *fn)
{
	must(at_ns > 0);
	if (t->at_ns == at_ns && t->fn == fn)
		return;
	timers_disarm(ts, t);
	t->at_ns = at_ns;
	t->fn = fn;
	put(ts, t);
}

void timers_disarm(struct timers *ts, struct timer *t)
{
	if (!timers_is_armed(t))
		return;
	struct place at = place_of(ts, tick_of(t->at_ns));
	list_remove(&t->node);
	t->at_ns = 0;
	if (at.level != DUE && list_is_empty(&ts->slots[at.level][at.slot]))
		ts->used[at.level] &= ~(UINT64_C(1) << at.slot);
}

bool timers_is_armed(const struct timer *t)
{
	return t->at_ns != 0;
}

void timers_run(struct timers *ts, int64_t now_ns)
{
	uint64_t now = (uint64_t)(now_ns / TICK_NS), tick;
	struct place at;
	struct list late;

	/* what a callback arms for a tick already done waits for the next run, so a run always ends
	 */
	take_all(&ts->due, &late);
	fire_all(&late, now_ns);
	while (find_next(ts, &at, &tick) && tick <= now)
		turn_to(ts, at, tick, now_ns);
	if (now > ts->tick)
		ts->tick = now;
}

int64_t timers_next_ns(const struct timers *ts)
{
	uint64_t tick = ts->tick;
	struct place at;

	if (list_is_empty(&ts->due) && !find_next(ts, &at, &tick))
		return INT64_MAX;
	return tick > INT64_MAX / TICK_NS ? INT64_MAX - 1 : (int64_t)tick * TICK_NS;
}

/* Rounded up: a timer never fires early. */
static uint64_t tick_of(int64_t at_ns)
{
	return (uint64_t)(at_ns / TICK_NS) + (at_ns % TICK_NS != 0);
}

static struct place place_of(const struct timers *ts, uint64_t tick)
{
	if (tick <= ts->tick)
		return (struct place){DUE, 0};
	unsigned top_bit = 63 - (unsigned)__builtin_clzll(tick ^ ts->tick);
	unsigned level = top_bit / LEVEL_BITS;
	return (struct place){level, (unsigned)(tick >> (level * LEVEL_BITS)) % SLOTS};
}

static void put(struct timers *ts, struct timer *t)
{
	struct place at = place_of(ts, tick_of(t->at_ns));

	if (at.level == DUE) {
		list_add_last(&ts->due, &t->node);
		return;
	}
	list_add_last(&ts->slots[at.level][at.slot], &t->node);
	ts->used[at.level] |= UINT64_C(1) << at.slot;
}

/* The first slot in use and the tick at which it begins. All used slots of a level lie ahead of the
 * current one, within the same slot of the level above. */
static bool find_next(const struct timers *ts, struct place *at, uint64_t *tick)
{
	for (unsigned level = 0; level < LEVELS; level++) {
		if (!ts->used[level])
			continue;
		unsigned slot = (unsigned)__builtin_ctzll(ts->used[level]);
		unsigned shift = level * LEVEL_BITS;
		uint64_t above = ts->tick >> (shift + LEVEL_BITS) << LEVEL_BITS;
		*at = (struct place){level, slot};
		*tick = (above | slot) << shift;
		return true;
	}
	return false;
}

/* Time reaches a slot: what is due now fires, the rest sinks to a lower level. */
static void turn_to(struct timers *ts, struct place at, uint64_t tick, int64_t now_ns)
{
	struct list reached, firing;

	take_all(&ts->slots[at.level][at.slot], &reached);
	ts->used[at.level] &= ~(UINT64_C(1) << at.slot);
	ts->tick = tick;
	list_init(&firing);
	LIST_EACH (&reached, it, ahead) {
		struct timer *t = container_of(it, struct timer, node);
		list_remove(it);
		if (tick_of(t->at_ns) <= tick)
			list_add_last(&firing, it);
		else
			put(ts, t);
	}
	fire_all(&firing, now_ns);
}

static void take_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/* One at a time from the front: a callback may disarm any other timer of the list. */
static void fire_all(struct list *l, int64_t now_ns)
{
	while (!list_is_empty(l)) {
		struct timer *t = container_of(l->next, struct timer, node);
		list_remove(&t->node);
		t->at_ns = 0;
		t->fn(t, now_ns);
	}
}
