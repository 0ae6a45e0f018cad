/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/handover.h"

#include "common/log.h"
#include "common/mem.h"
#include "roomd/metrics.h"

#define HELD_WAIT_NS (1 * NS_PER_S) /* a gateway that does not answer holds up nobody longer */

/* FLUSHING is a second HOLD: its HELD says that what rooms still told after the first was taken in,
 * so that a gateway which learns of the move elsewhere has nothing of the old owner left to read.
 * DRAINING waits for what is being written: ASSIGN would end that midway. */
enum handover_state { IDLE, HOLDING, FLUSHING, DRAINING, ASSIGNING };

struct handover {
	struct handover_setup setup;
	enum handover_state state;
	uint64_t number;
	uint64_t given_up; /* the last move for which somebody's HELD did not come */
	incarnation_id target;
	unsigned slots[HANDOVER_SLOTS_MAX];
	size_t count;
	int64_t until_ns;
	int64_t begun_ns; /* of the batch under way, or that has just ended; 0: counted */
};

static void hold(struct handover *, enum handover_state, int64_t now_ns);
static void say_hold(struct handover *);
static bool all_held(const struct handover *);
static void drain(struct handover *);
static bool is_writing(const struct handover *);
static void assign(struct handover *);
static void on_assigned(void *owner, enum err, uint64_t version, const struct store_slot *,
			size_t count);
static size_t settle(struct handover *, unsigned slot);
static void say_moved(struct handover *, incarnation_id owner, uint64_t version);
static void put_grant(struct handover *, struct buf *, unsigned slot);

struct handover *handover_new(const struct handover_setup *setup)
{
	struct handover *h = mem_new(sizeof(*h));

	h->setup = *setup;
	return h;
}

void handover_free(struct handover **ph)
{
	mem_free(*ph);
	*ph = NULL;
}

bool handover_is_idle(const struct handover *h)
{
	return h->state == IDLE;
}

bool handover_has(const struct handover *h, unsigned slot)
{
	for (size_t i = 0; h->state != IDLE && i < h->count; i++)
		if (h->slots[i] == slot)
			return true;
	return false;
}

void handover_begin(struct handover *h, const unsigned *slots, size_t count, incarnation_id target,
		    int64_t now_ns)
{
	must(h->state == IDLE && count > 0 && count <= HANDOVER_SLOTS_MAX);
	for (size_t i = 0; i < count; i++)
		h->slots[i] = slots[i];
	h->count = count;
	h->target = target;
	h->begun_ns = now_ns;
	hold(h, HOLDING, now_ns);
	handover_tick(h, now_ns);
}

void handover_on_held(struct handover *h, struct feed *f, uint64_t move, int64_t now_ns)
{
	if (move > f->held && move <= f->hold_told)
		f->held = move;
	handover_tick(h, now_ns);
}

void handover_tick(struct handover *h, int64_t now_ns)
{
	bool waits = h->state == HOLDING || h->state == FLUSHING;

	if (h->state == IDLE && h->begun_ns) {
		metrics_observe_ns(METRIC_handover, now_ns - h->begun_ns);
		h->begun_ns = 0;
	}
	if (waits && now_ns >= h->until_ns) {
		log_info("handover_unheld", kv_u64("move", h->number), kv_hex("to", h->target.v));
		h->given_up = h->number;
		drain(h);
	}
	if (h->state == HOLDING && all_held(h))
		hold(h, FLUSHING, now_ns);
	if (h->state == FLUSHING && all_held(h))
		drain(h);
	if (h->state == DRAINING && !is_writing(h))
		assign(h);
}

static void hold(struct handover *h, enum handover_state state, int64_t now_ns)
{
	h->number++;
	h->state = state;
	h->until_ns = now_ns + HELD_WAIT_NS;
	say_hold(h);
}

static void say_hold(struct handover *h)
{
	struct buf grants;

	buf_init(&grants, 64 * HANDOVER_SLOTS_MAX);
	for (size_t i = 0; i < h->count; i++)
		put_grant(h, &grants, h->slots[i]);
	LIST_EACH (feed_set_all(h->setup.feeds), it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);
		struct buf *out = feed_out(f);

		if (!out)
			continue;
		message_put_hold(out, &(struct msg_hold){h->number, buf_span(&grants)});
		f->hold_told = h->number;
	}
	buf_fini(&grants);
}

/* Gateways that called after the HOLD know nothing of it and are not waited for; one that let a
 * HOLD run out is waited for again once it has answered. */
static bool all_held(const struct handover *h)
{
	LIST_EACH (feed_set_all(h->setup.feeds), it, ahead) {
		const struct feed *f = container_of(it, struct feed, of_set);

		if (f->state == FEED_LIVE && f->hold_told == h->number && f->held != h->number &&
		    f->held >= h->given_up)
			return false;
	}
	return true;
}

static void drain(struct handover *h)
{
	h->state = DRAINING;
	for (size_t i = 0; i < h->count; i++)
		journal_hold(h->setup.journal, h->slots[i]);
}

static bool is_writing(const struct handover *h)
{
	for (size_t i = 0; i < h->count; i++)
		if (journal_is_writing(h->setup.journal, h->slots[i]))
			return true;
	return false;
}

static void assign(struct handover *h)
{
	struct store_move moves[HANDOVER_SLOTS_MAX];

	h->state = ASSIGNING;
	for (size_t i = 0; i < h->count; i++)
		moves[i] = (struct store_move){h->slots[i], h->setup.self, h->target};
	store_assign(h->setup.store, moves, h->count, h->setup.view->version, on_assigned, h);
}

/* What was not moved is ours as before: MOVED says so too, and ends the HOLD. */
static void on_assigned(void *owner, enum err e, uint64_t version, const struct store_slot *slots,
			size_t count)
{
	struct handover *h = owner;
	size_t rooms = 0;

	for (size_t i = 0; i < count; i++)
		(void)view_set_slot(h->setup.view, slots[i].slot, slots[i].owner, slots[i].epoch);
	if (version == 0)
		version = h->setup.view->version;
	say_moved(h, h->target, version);
	say_moved(h, h->setup.self, version);
	for (size_t i = 0; i < h->count; i++)
		rooms += settle(h, h->slots[i]);
	log_debug("slots_given", kv_hex("to", h->target.v), kv_u64("asked", h->count),
		  kv_u64("moved", count), kv_u64("rooms", rooms), kv_str("err", err_name(e)));
	h->state = IDLE;
	h->setup.on_end(h->setup.owner, e ? e : count < h->count ? ERR_NOT_OWNER : OK, rooms);
}

static size_t settle(struct handover *h, unsigned slot)
{
	if (h->setup.view->slots[slot].owner.v == h->setup.self.v) {
		journal_resume(h->setup.journal, slot);
		return 0;
	}
	journal_lose(h->setup.journal, slot);
	return h->setup.on_given(h->setup.owner, slot);
}

/* Those of the batch that belong to `owner` now. */
static void say_moved(struct handover *h, incarnation_id owner, uint64_t version)
{
	const struct view_member *m = view_member(h->setup.view, owner);
	struct buf grants;

	buf_init(&grants, 64 * HANDOVER_SLOTS_MAX);
	for (size_t i = 0; i < h->count; i++)
		if (h->setup.view->slots[h->slots[i]].owner.v == owner.v)
			put_grant(h, &grants, h->slots[i]);
	LIST_EACH (feed_set_all(h->setup.feeds), it, ahead) {
		struct buf *out = feed_out(container_of(it, struct feed, of_set));

		if (out && grants.len > 0)
			message_put_moved(out, &(struct msg_moved){
						       .view = version,
						       .owner = owner.v,
						       .endpoint = span_str(m ? m->endpoint : ""),
						       .slots = buf_span(&grants),
					       });
	}
	buf_fini(&grants);
}

static void put_grant(struct handover *h, struct buf *grants, unsigned slot)
{
	item_put_grant(grants, &(struct item_grant){slot, h->setup.view->slots[slot].epoch});
}
