/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/membership.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "roomd/ownership.h"
#include "roomd/verdicts.h"

#define RETRY_NS (200 * NS_PER_MS) /* after the store was away */
#define REFUSED_NS (1 * NS_PER_S)  /* after it refused */
#define PATIENCE_NS (5 * NS_PER_S) /* ready at last, even if others do not give us our share */
#define AWAY_NS (2 * NS_PER_S)     /* a drain waits no longer for a store that is away */
#define LEAVE_NS (1 * NS_PER_S)    /* nor for the last word to the store */

struct membership {
	struct membership_setup setup;
	enum membership_state state;
	struct ownership *ownership;
	struct verdicts *verdicts;
	bool pulling, pull_again, asking;
	bool said_draining, leaving;
	bool knows_view; /* it was read once */
	enum member_state registered_as;
	uint64_t registered;      /* the version from which on the view knows us; 0: not yet */
	int64_t now_ns, since_ns; /* since_ns: in this state */
	bool was_up;              /* the store, at the last tick */
	enum member_state asked;
	int64_t poll_at_ns, retry_at_ns;
	int64_t pull_ns, up_ns, leaving_ns;
};

static void set_state(struct membership *, enum membership_state);
static void advance(struct membership *);
static void advance_drain(struct membership *);
static bool can_ask(const struct membership *);
static bool may_be_active(const struct membership *);
static bool nobody_is(const struct membership *, enum member_kind, int states);
static void register_self(struct membership *);
static void on_registered(void *owner, enum err, uint64_t version);
static void ask_state(struct membership *, enum member_state);
static void on_state(void *owner, enum err, uint64_t version);
static void start_pull(struct membership *);
static void on_pulled(void *owner, enum err, const struct store_view *);
static void check_alive(struct membership *);
static void list_gateways(struct membership *, const struct store_view *);
static void on_lost(void *owner, unsigned slot, uint64_t epoch);
static size_t on_given(void *owner, unsigned slot);
static void on_doubt(void *owner);

struct membership *membership_new(const struct membership_setup *setup, int64_t now_ns)
{
	struct membership *m = mem_new(sizeof(*m));

	m->setup = *setup;
	m->ownership = ownership_new(&(struct ownership_setup){
		.self = setup->self,
		.feeds = setup->feeds,
		.store = setup->store,
		.journal = setup->journal,
		.on_lost = on_lost,
		.on_given = on_given,
		.on_doubt = on_doubt,
		.owner = m,
	});
	m->verdicts = verdicts_new(&(struct verdicts_setup){
		.self = setup->self,
		.feeds = setup->feeds,
		.store = setup->store,
		.vote_ns = setup->vote_ns,
		.on_declared = on_doubt,
		.owner = m,
	});
	m->now_ns = m->since_ns = m->up_ns = now_ns;
	return m;
}

void membership_free(struct membership **pm)
{
	struct membership *m = *pm;

	if (!m)
		return;
	*pm = NULL;
	verdicts_free(&m->verdicts);
	ownership_free(&m->ownership);
	mem_free(m);
}

void membership_tick(struct membership *m, int64_t now_ns)
{
	m->now_ns = now_ns;
	if (m->state == MEMBERSHIP_LEFT || m->state == MEMBERSHIP_DEAD)
		return;
	if (store_is_up(m->setup.store))
		m->up_ns = now_ns;
	bool is_back = m->up_ns == now_ns && !m->was_up;
	m->was_up = m->up_ns == now_ns;
	if (is_back || now_ns >= m->poll_at_ns)
		membership_pull(m);
	if (m->registered)
		verdicts_tick(m->verdicts, membership_view(m), now_ns);
	ownership_tick(m->ownership, now_ns);
	advance(m);
}

void membership_pull(struct membership *m)
{
	if (m->pulling)
		m->pull_again = true;
	else
		start_pull(m);
}

void membership_on_hint(struct membership *m, uint64_t version)
{
	if (version > membership_view(m)->version)
		membership_pull(m);
}

void membership_on_held(struct membership *m, struct feed *f, uint64_t move, int64_t now_ns)
{
	ownership_on_held(m->ownership, f, move, now_ns);
}

void membership_on_suspect(struct membership *m, struct feed *f, incarnation_id shard,
			   int64_t now_ns)
{
	verdicts_on_suspect(m->verdicts, f, shard, now_ns);
}

enum err membership_move(struct membership *m, unsigned slot, struct span to)
{
	const struct view_member *member;
	size_t at = 0;

	if (!membership_owns(m, slot))
		return ERR_NOT_OWNER;
	while ((member = map_next(&membership_view(m)->members, &at)))
		if (member->kind == MEMBER_SHARD && member->state == MEMBER_ACTIVE &&
		    span_is(to, member->name))
			return ownership_move(m->ownership, slot, member->id);
	return ERR_NO_PEER;
}

void membership_drain(struct membership *m, int64_t now_ns)
{
	m->now_ns = now_ns;
	if (m->state >= MEMBERSHIP_DRAINING)
		return;
	set_state(m, m->registered ? MEMBERSHIP_DRAINING : MEMBERSHIP_LEFT);
	ownership_renounce(m->ownership);
	m->retry_at_ns = 0;
}

enum membership_state membership_state(const struct membership *m)
{
	return m->state;
}

const char *membership_state_name(enum membership_state state)
{
	static const char *const names[] = {"new", "joining", "active", "draining", "left", "dead"};

	return names[state];
}

const struct view *membership_view(const struct membership *m)
{
	return ownership_view(m->ownership);
}

bool membership_owns(const struct membership *m, unsigned slot)
{
	return membership_view(m)->slots[slot].owner.v == m->setup.self.v &&
	       journal_holds(m->setup.journal, slot);
}

void membership_on_retaken(struct membership *m, const struct store_slot *slots, size_t count)
{
	ownership_on_retaken(m->ownership, slots, count);
}

size_t membership_slots(const struct membership *m)
{
	return ownership_slots(m->ownership);
}

bool membership_is_calm(const struct membership *m)
{
	return m->state == MEMBERSHIP_ACTIVE && ownership_is_calm(m->ownership);
}

bool membership_is_settled(const struct membership *m)
{
	return m->state == MEMBERSHIP_ACTIVE &&
	       (ownership_missing(m->ownership) == 0 || m->now_ns - m->since_ns > PATIENCE_NS);
}

int64_t membership_worker_ns(const struct membership *m)
{
	return m->pulling ? m->pull_ns : m->now_ns;
}

static void set_state(struct membership *m, enum membership_state state)
{
	must(state > m->state);
	log_info("membership", kv_str("from", membership_state_name(m->state)),
		 kv_str("to", membership_state_name(state)), kv_u64("slots", membership_slots(m)));
	m->state = state;
	m->since_ns = m->now_ns;
}

static void advance(struct membership *m)
{
	if (m->state == MEMBERSHIP_DRAINING)
		advance_drain(m);
	if (m->state == MEMBERSHIP_LEFT || !store_is_up(m->setup.store))
		return;
	if (m->state == MEMBERSHIP_NEW && can_ask(m) && m->knows_view)
		register_self(m);
	else if (m->state == MEMBERSHIP_JOINING && can_ask(m) && may_be_active(m))
		ask_state(m, MEMBER_ACTIVE);
	/* before the view knows us, placement would leave us out */
	if (m->state >= MEMBERSHIP_ACTIVE && membership_view(m)->version >= m->registered)
		ownership_advance(m->ownership, m->now_ns);
}

static void advance_drain(struct membership *m)
{
	bool is_late = m->now_ns - m->since_ns > m->setup.drain_ns;

	if (m->now_ns - m->up_ns > AWAY_NS ||
	    (m->leaving && m->now_ns - m->leaving_ns > LEAVE_NS)) {
		log_warn("drain_given_up", kv_u64("slots", membership_slots(m)));
		set_state(m, MEMBERSHIP_LEFT);
	} else if (!m->said_draining) {
		if (can_ask(m))
			ask_state(m, MEMBER_DRAINING);
	} else if (can_ask(m) && (is_late || ownership_is_empty(m->ownership))) {
		m->leaving = true;
		m->leaving_ns = m->now_ns;
		ask_state(m, MEMBER_DEAD);
	}
}

static bool can_ask(const struct membership *m)
{
	return !m->asking && m->now_ns >= m->retry_at_ns && store_is_up(m->setup.store);
}

/* A shard that no gateway reaches would take slots, lose them, and take them again. */
static bool may_be_active(const struct membership *m)
{
	if (nobody_is(m, MEMBER_SHARD, 1 << MEMBER_ACTIVE))
		return true;
	if (nobody_is(m, MEMBER_GATEWAY, 1 << MEMBER_ACTIVE | 1 << MEMBER_DRAINING))
		return m->now_ns - m->since_ns >= m->setup.settle_ns;
	return feed_set_live(m->setup.feeds) > 0;
}

/* Leaving out ourselves, and who had our name before. */
static bool nobody_is(const struct membership *m, enum member_kind kind, int states)
{
	const struct view_member *member;
	size_t at = 0;

	while ((member = map_next(&membership_view(m)->members, &at)))
		if (member->kind == kind && states >> member->state & 1 &&
		    strcmp(member->name, m->setup.name) != 0)
			return false;
	return true;
}

/* One that need not wait is active at once: then nobody takes its predecessor's slots in between.
 */
static void register_self(struct membership *m)
{
	struct view_member self = {.id = m->setup.self, .kind = MEMBER_SHARD};

	self.state = may_be_active(m) ? MEMBER_ACTIVE : MEMBER_JOINING;
	m->registered_as = self.state;
	snprintf(self.name, sizeof(self.name), "%s", m->setup.name);
	snprintf(self.endpoint, sizeof(self.endpoint), "%s", m->setup.endpoint);
	m->asking = true;
	store_register(m->setup.store, &self, on_registered, m);
}

static void on_registered(void *owner, enum err e, uint64_t version)
{
	struct membership *m = owner;

	m->asking = false;
	if (e) {
		m->retry_at_ns = m->now_ns + (e == ERR_DB_REFUSED ? REFUSED_NS : RETRY_NS);
		return;
	}
	m->registered = version;
	if (m->state == MEMBERSHIP_NEW)
		set_state(m, m->registered_as == MEMBER_ACTIVE ? MEMBERSHIP_ACTIVE
							       : MEMBERSHIP_JOINING);
	membership_pull(m);
}

static void ask_state(struct membership *m, enum member_state state)
{
	m->asking = true;
	m->asked = state;
	store_set_state(m->setup.store, m->setup.self, state, on_state, m);
}

static void on_state(void *owner, enum err e, uint64_t version)
{
	struct membership *m = owner;

	m->asking = false;
	if (m->state == MEMBERSHIP_LEFT || m->state == MEMBERSHIP_DEAD)
		return;
	if (m->leaving) { /* whatever it said: who could not say so is found dead by its successor
			   */
		set_state(m, MEMBERSHIP_LEFT);
	} else if (e) {
		m->retry_at_ns = m->now_ns + (e == ERR_DB_REFUSED ? REFUSED_NS : RETRY_NS);
	} else if (version == 0) {
		set_state(m, MEMBERSHIP_DEAD);
	} else if (m->state == MEMBERSHIP_JOINING) {
		set_state(m, MEMBERSHIP_ACTIVE);
		m->registered = version;
		membership_pull(m);
	} else {
		/* not so when the drain began while ACTIVE was asked for */
		m->said_draining = m->asked == MEMBER_DRAINING;
		membership_pull(m);
	}
}

static void start_pull(struct membership *m)
{
	m->poll_at_ns = m->now_ns + m->setup.poll_ns;
	m->pull_again = false;
	if (!store_is_up(m->setup.store)) {
		m->setup.on_pulled(m->setup.owner, ERR_DB_AWAY);
		return;
	}
	m->pulling = true;
	m->pull_ns = m->now_ns;
	store_pull(m->setup.store, membership_view(m)->version, on_pulled, m);
}

static void on_pulled(void *owner, enum err e, const struct store_view *v)
{
	struct membership *m = owner;

	m->pulling = false;
	if (m->state == MEMBERSHIP_LEFT || m->state == MEMBERSHIP_DEAD)
		return;
	if (!e) {
		m->knows_view = true;
		ownership_take_view(m->ownership, v);
		check_alive(m);
		list_gateways(m, v);
	}
	if (m->pull_again)
		start_pull(m);
	else
		m->setup.on_pulled(m->setup.owner, e);
}

/* An incarnation that was declared dead never comes back. */
static void check_alive(struct membership *m)
{
	const struct view_member *self = view_member(membership_view(m), m->setup.self);

	if (!m->registered || m->leaving || membership_view(m)->version < m->registered)
		return;
	if (!self || self->state == MEMBER_DEAD)
		set_state(m, MEMBERSHIP_DEAD);
}

/* As just read: what the view holds may be as old as its version, and for how long one has been
 * dead is told by each reading. */
static void list_gateways(struct membership *m, const struct store_view *v)
{
	feed_set_list_begin(m->setup.feeds);
	for (size_t i = 0; i < v->member_count; i++) {
		const struct view_member *member = &v->members[i];

		if (member->kind != MEMBER_GATEWAY)
			continue;
		if (member->state == MEMBER_ACTIVE || member->state == MEMBER_DRAINING)
			feed_set_list(m->setup.feeds, member->id, m->now_ns);
		else if (member->state == MEMBER_DEAD)
			feed_set_list_dead(m->setup.feeds, member->id, member->age_ms * NS_PER_MS,
					   m->now_ns);
	}
	feed_set_list_end(m->setup.feeds);
}

static void on_lost(void *owner, unsigned slot, uint64_t epoch)
{
	struct membership *m = owner;

	m->setup.on_lost(m->setup.owner, slot, epoch);
}

static size_t on_given(void *owner, unsigned slot)
{
	struct membership *m = owner;

	return m->setup.on_given(m->setup.owner, slot);
}

static void on_doubt(void *owner)
{
	membership_pull(owner);
}
