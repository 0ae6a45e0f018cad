/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/ownership.h"

#include "common/log.h"
#include "common/mem.h"
#include "roomd/handover.h"
#include "roomd/placement.h"

#define RETRY_NS (200 * NS_PER_MS) /* after the store refused, or did less than was asked */
#define PAUSE_NS                                                                                   \
	(20 * NS_PER_MS) /* between two batches with rooms: gateways attach what has moved */
#define PLAN_NS                                                                                    \
	(50 * NS_PER_MS) /* a plan is followed while slots move, and made anew this often          \
			  */

struct ownership {
	struct ownership_setup setup;
	struct view view;
	struct handover *handover;
	incarnation_id targets[SLOTS];   /* what placement says of the view, and then the wishes */
	incarnation_id wishes[SLOTS];    /* of operators, until they are granted; 0: none */
	bool stale;                      /* who lives has changed since, or something went wrong */
	bool aged;                       /* slots have moved since */
	bool none_to_take, none_to_give; /* until it changes again */
	bool taking;
	bool renounced;
	int64_t now_ns, placed_ns, take_at_ns, give_at_ns;
};

static bool would_stay(struct ownership *, unsigned slot, incarnation_id at);
static uint64_t mark_of_shards(const struct ownership *);
static void look_again(struct ownership *, bool *why);
static void take_members(struct ownership *, const struct store_view *);
static void take_slot(struct ownership *, const struct store_slot *);
static void keep(struct ownership *, unsigned slot);
static void place(struct ownership *);
static void grant_wishes(struct ownership *);
static bool take_slots(struct ownership *);
static void on_taken(void *owner, enum err, uint64_t version, const struct store_slot *,
		     size_t count);
static bool give_slots(struct ownership *);
static size_t on_given(void *owner, unsigned slot);
static void on_given_end(void *owner, enum err, size_t rooms);
static bool is_mine(const struct ownership *, unsigned slot);
static bool is_ownerless(const struct ownership *, unsigned slot);

struct ownership *ownership_new(const struct ownership_setup *setup)
{
	struct ownership *o = mem_new(sizeof(*o));

	o->setup = *setup;
	o->stale = true;
	view_init(&o->view);
	o->handover = handover_new(&(struct handover_setup){
		.self = setup->self,
		.feeds = setup->feeds,
		.store = setup->store,
		.journal = setup->journal,
		.view = &o->view,
		.on_given = on_given,
		.on_end = on_given_end,
		.owner = o,
	});
	return o;
}

void ownership_free(struct ownership **po)
{
	struct ownership *o = *po;

	if (!o)
		return;
	*po = NULL;
	handover_free(&o->handover);
	view_fini(&o->view);
	mem_free(o);
}

void ownership_take_view(struct ownership *o, const struct store_view *v)
{
	if (v->version == o->view.version)
		return;
	uint64_t mark = mark_of_shards(o);

	take_members(o, v);
	for (size_t i = 0; i < v->slot_count; i++)
		take_slot(o, &v->slots[i]);
	view_set_version(&o->view, v->version);
	look_again(o, mark_of_shards(o) == mark ? &o->aged : &o->stale);
}

void ownership_on_retaken(struct ownership *o, const struct store_slot *slots, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)view_set_slot(&o->view, slots[i].slot, slots[i].owner, slots[i].epoch);
}

void ownership_advance(struct ownership *o, int64_t now_ns)
{
	o->now_ns = now_ns;
	if (o->stale || (o->aged && now_ns - o->placed_ns >= PLAN_NS))
		place(o);
	if (!o->none_to_take && !o->taking && now_ns >= o->take_at_ns)
		o->none_to_take = !take_slots(o);
	if (!o->none_to_give && handover_is_idle(o->handover) && now_ns >= o->give_at_ns)
		o->none_to_give = !give_slots(o);
}

void ownership_tick(struct ownership *o, int64_t now_ns)
{
	o->now_ns = now_ns;
	handover_tick(o->handover, now_ns);
}

void ownership_on_held(struct ownership *o, struct feed *f, uint64_t move, int64_t now_ns)
{
	handover_on_held(o->handover, f, move, now_ns);
}

enum err ownership_move(struct ownership *o, unsigned slot, incarnation_id to)
{
	if (handover_has(o->handover, slot))
		return ERR_NO_CREDIT;
	if (!would_stay(o, slot, to))
		return ERR_OVERLOADED;
	o->wishes[slot] = to;
	look_again(o, &o->stale);
	return OK;
}

void ownership_renounce(struct ownership *o)
{
	o->renounced = true;
	look_again(o, &o->stale);
	o->give_at_ns = 0;
}

struct view *ownership_view(struct ownership *o)
{
	return &o->view;
}

size_t ownership_slots(const struct ownership *o)
{
	size_t count = 0;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		count += is_mine(o, slot);
	return count;
}

size_t ownership_missing(const struct ownership *o)
{
	size_t count = 0;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		count += o->targets[slot].v == o->setup.self.v && !is_mine(o, slot);
	return o->stale ? SLOTS : count;
}

bool ownership_is_calm(const struct ownership *o)
{
	return !o->stale && !o->aged && o->none_to_take && o->none_to_give &&
	       handover_is_idle(o->handover);
}

bool ownership_is_empty(const struct ownership *o)
{
	if (o->stale || !handover_is_idle(o->handover))
		return false;
	return o->targets[0].v == 0 || ownership_slots(o) == 0;
}

/* What all shards would compute if it were there already. */
static bool would_stay(struct ownership *o, unsigned slot, incarnation_id at)
{
	struct view_slot was = o->view.slots[slot];
	incarnation_id targets[SLOTS];

	o->view.slots[slot].owner = at;
	placement_targets(&o->view, targets);
	o->view.slots[slot] = was;
	return targets[slot].v == at.v;
}

/* Changes with who of the shards lives, and as what. */
static uint64_t mark_of_shards(const struct ownership *o)
{
	const struct view_member *m;
	uint64_t mark = 0;
	size_t at = 0;

	while ((m = map_next(&o->view.members, &at)))
		if (m->kind == MEMBER_SHARD)
			mark += (m->id.v | 1) * (2 * (uint64_t)m->state + 3);
	return mark;
}

static void look_again(struct ownership *o, bool *why)
{
	*why = true;
	o->none_to_take = o->none_to_give = false;
}

static void take_members(struct ownership *o, const struct store_view *v)
{
	view_members_begin(&o->view);
	for (size_t i = 0; i < v->member_count; i++)
		view_put_member(&o->view, &v->members[i]);
	view_members_end(&o->view);
}

static void take_slot(struct ownership *o, const struct store_slot *s)
{
	bool was_mine = is_mine(o, s->slot);

	if (!view_set_slot(&o->view, s->slot, s->owner, s->epoch))
		return;
	if (was_mine) {
		o->setup.on_lost(o->setup.owner, s->slot, s->epoch);
		journal_lose(o->setup.journal, s->slot);
	}
	if (!is_mine(o, s->slot))
		return;
	if (!was_mine)
		keep(o, s->slot);
	journal_gain(o->setup.journal, s->slot, s->epoch);
}

/* Until the next plan: what was wanted of it when it was ours before has been done. */
static void keep(struct ownership *o, unsigned slot)
{
	o->wishes[slot] = (incarnation_id){0};
	o->targets[slot] = o->setup.self;
}

static void place(struct ownership *o)
{
	struct view_member *self = view_member(&o->view, o->setup.self);

	if (self && o->renounced && self->state == MEMBER_ACTIVE)
		self->state = MEMBER_DRAINING;
	placement_targets(&o->view, o->targets);
	grant_wishes(o);
	o->placed_ns = o->now_ns;
	o->stale = o->aged = false;
	o->none_to_take = o->none_to_give = false;
}

static void grant_wishes(struct ownership *o)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (o->wishes[slot].v == 0)
			continue;
		const struct view_member *m = view_member(&o->view, o->wishes[slot]);

		if (is_mine(o, slot) && m && m->state == MEMBER_ACTIVE)
			o->targets[slot] = o->wishes[slot];
		else
			o->wishes[slot].v = 0;
	}
}

static bool take_slots(struct ownership *o)
{
	struct store_move moves[SLOTS];
	size_t count = 0;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (o->targets[slot].v == o->setup.self.v && !is_mine(o, slot) &&
		    is_ownerless(o, slot))
			moves[count++] =
				(struct store_move){slot, o->view.slots[slot].owner, o->setup.self};
	if (count > 0) {
		o->taking = true;
		store_assign(o->setup.store, moves, count, o->view.version, on_taken, o);
	}
	return count > 0;
}

static void on_taken(void *owner, enum err e, uint64_t version, const struct store_slot *slots,
		     size_t count)
{
	struct ownership *o = owner;

	o->taking = false;
	for (size_t i = 0; i < count; i++)
		take_slot(o, &slots[i]);
	look_again(o, e ? &o->stale : &o->aged);
	if (count > 0)
		log_info("slots_taken", kv_u64("count", count), kv_u64("version", version));
	if (e || count == 0)
		o->take_at_ns = o->now_ns + RETRY_NS;
	o->setup.on_doubt(o->setup.owner);
}

/* The first slot that belongs elsewhere names the target of the batch. */
static bool give_slots(struct ownership *o)
{
	unsigned slots[HANDOVER_SLOTS_MAX];
	incarnation_id target = {0};
	size_t count = 0;

	for (unsigned slot = 0; slot < SLOTS && count < HANDOVER_SLOTS_MAX; slot++) {
		incarnation_id to = o->targets[slot];

		if (!is_mine(o, slot) || to.v == 0 || to.v == o->setup.self.v)
			continue;
		if (target.v == 0)
			target = to;
		if (to.v == target.v)
			slots[count++] = slot;
	}
	if (count > 0)
		handover_begin(o->handover, slots, count, target, o->now_ns);
	return count > 0;
}

static size_t on_given(void *owner, unsigned slot)
{
	struct ownership *o = owner;

	return o->setup.on_given(o->setup.owner, slot);
}

static void on_given_end(void *owner, enum err e, size_t rooms)
{
	struct ownership *o = owner;

	look_again(o, e ? &o->stale : &o->aged);
	o->give_at_ns = o->now_ns + (e ? RETRY_NS : rooms > 0 ? PAUSE_NS : 0);
	if (e)
		o->setup.on_doubt(o->setup.owner);
}

static bool is_mine(const struct ownership *o, unsigned slot)
{
	return o->view.slots[slot].owner.v == o->setup.self.v;
}

/* Nobody's, or of one that is dead or so long gone that its row is too. */
static bool is_ownerless(const struct ownership *o, unsigned slot)
{
	const struct view_member *m = view_member(&o->view, o->view.slots[slot].owner);

	return !m || m->state == MEMBER_DEAD;
}
