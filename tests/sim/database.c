/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/database.h"

#include <string.h>

#include "common/mem.h"
#include "tests/sim/store.h"
#include "tests/sim/world.h"

static void run_register(struct database *, struct statement *);
static void run_state(struct database *, struct statement *);
static void run_view(struct database *, struct statement *);
static void run_assign(struct database *, struct statement *);
static void set_state(struct database *, struct view_member *, enum member_state);
static bool may_move(struct database *, const struct store_move *);
static void on_repair(struct event *);

void database_init(struct database *db, struct world *w)
{
	memset(db, 0, sizeof *db);
	db->world = w;
	db->version = 1;
	db->up = true;
	list_init(&db->stores);
	list_init(&db->backends);
}

void database_fini(struct database *db)
{
	sim_cancel(&db->world->sim, &db->repair);
	store_end_backends(db);
	database_free_events(&db->events, db->event_count);
}

bool statement_writes(const struct statement *q)
{
	return q->kind == STATEMENT_REGISTER || q->kind == STATEMENT_STATE ||
	       q->kind == STATEMENT_ASSIGN || q->kind == STATEMENT_TAKE;
}

void database_run(struct database *db, struct statement *q)
{
	static void (*const run[])(struct database *, struct statement *) = {
		[STATEMENT_REGISTER] = run_register, [STATEMENT_STATE] = run_state,
		[STATEMENT_VIEW] = run_view,         [STATEMENT_ASSIGN] = run_assign,
		[STATEMENT_TAKE] = database_take,    [STATEMENT_APPEND] = database_append,
		[STATEMENT_HEADS] = database_heads,  [STATEMENT_READ] = database_read,
	};

	run[q->kind](db, q);
	if (statement_writes(q))
		store_notify(db);
}

void statement_free(struct statement *q)
{
	list_remove(&q->node);
	mem_free(q->moves);
	mem_free(q->members);
	mem_free(q->slots);
	database_free_events(&q->events, q->event_count > q->count ? q->event_count : q->count);
	mem_free(q);
}

struct view_member *database_member(struct database *db, incarnation_id id)
{
	for (size_t i = db->member_count; i-- > 0;)
		if (db->members[i].id.v == id.v)
			return &db->members[i];
	return NULL;
}

void database_stop(struct database *db, int64_t ns, uint64_t tail)
{
	struct sim *s = &db->world->sim;

	sim_trace(s, "the database is away for %lld ms", (long long)(ns / NS_PER_MS));
	db->up = false;
	db->trouble_ns = s->now_ns;
	db->lock_free_ns = 0;
	for (unsigned i = 0; i < SLOTS; i++)
		db->slots[i].shared_ns = 0;
	store_end_backends(db);
	store_lose_connections(db);
	if (db->version > tail)
		db->version -= tail;
	sim_in(s, &db->repair, ns, on_repair);
}

void database_lock(struct database *db, int64_t ns)
{
	int64_t now_ns = db->world->sim.now_ns;

	sim_trace(&db->world->sim, "view is locked for %lld ms", (long long)(ns / NS_PER_MS));
	db->trouble_ns = now_ns;
	if (db->lock_free_ns < now_ns + ns)
		db->lock_free_ns = now_ns + ns;
}

/* moot_register */
static void run_register(struct database *db, struct statement *q)
{
	struct view_member *known = database_member(db, q->member.id);

	q->version = database_bump(db, 0);
	for (size_t i = 0; i < db->member_count; i++) {
		struct view_member *m = &db->members[i];

		if (m->kind == q->member.kind && m->id.v != q->member.id.v &&
		    m->state != MEMBER_DEAD && !strcmp(m->name, q->member.name)) {
			set_state(db, m, MEMBER_DEAD);
			invariant_on_dead(&db->world->invariants, m->id, "replaced");
		}
	}
	if (!known) {
		must(db->member_count < DATABASE_MEMBERS_MAX);
		known = &db->members[db->member_count++];
		*known = q->member;
		set_state(db, known, q->member.state);
	} else if (known->state < q->member.state) {
		set_state(db, known, q->member.state);
	}
}

/* moot_member_state */
static void run_state(struct database *db, struct statement *q)
{
	struct view_member *m = database_member(db, q->member.id);
	bool lives = m && m->state != MEMBER_DEAD;
	uint64_t version = database_bump(db, 0);

	if (lives && m->state < q->member.state)
		set_state(db, m, q->member.state);
	q->version = lives ? version : 0;
	if (lives && m->state == MEMBER_DEAD)
		invariant_on_dead(&db->world->invariants, m->id,
				  m->id.v == q->by.v ? "left" : "declared");
}

static void set_state(struct database *db, struct view_member *m, enum member_state state)
{
	m->state = state;
	db->changed_ns[m - db->members] = db->world->sim.now_ns;
}

/* moot_view */
static void run_view(struct database *db, struct statement *q)
{
	size_t count = 0;

	q->version = db->version;
	q->members = mem_copy(db->members, db->member_count * sizeof db->members[0]);
	q->member_count = db->member_count;
	for (size_t i = 0; i < q->member_count; i++)
		q->members[i].age_ms = (db->world->sim.now_ns - db->changed_ns[i]) / NS_PER_MS;
	for (unsigned i = 0; i < SLOTS && q->since < db->slot_version; i++)
		count += db->slots[i].version > q->since;
	q->slots = mem_new((count + 1) * sizeof *q->slots);
	for (unsigned i = 0; i < SLOTS && count > 0; i++)
		if (db->slots[i].version > q->since)
			q->slots[q->slot_count++] =
				(struct store_slot){i, db->slots[i].owner, db->slots[i].epoch};
}

/* moot_assign */
static void run_assign(struct database *db, struct statement *q)
{
	uint64_t version = database_bump(db, q->since);

	q->slots = mem_new((q->count + 1) * sizeof *q->slots);
	for (size_t i = 0; i < q->count; i++) {
		const struct store_move *move = &q->moves[i];
		struct database_slot *slot = &db->slots[move->slot];

		if (!may_move(db, move))
			continue;
		invariant_on_assign(&db->world->invariants, move->slot, slot->owner, q->by);
		slot->owner = move->to;
		slot->epoch += mutant_is(db->world->mutant, MUTANT_EPOCH_KEPT) ? 0 : 1;
		slot->version = db->slot_version = version;
		q->slots[q->slot_count++] =
			(struct store_slot){move->slot, slot->owner, slot->epoch};
	}
	q->version = q->slot_count > 0 ? version : 0;
	sim_trace(&db->world->sim, "%llx assigns %zu slots of %zu, first to %llx: version %llu",
		  (unsigned long long)q->by.v, q->slot_count, q->count,
		  (unsigned long long)(q->count ? q->moves[0].to.v : 0),
		  (unsigned long long)version);
}

static bool may_move(struct database *db, const struct store_move *move)
{
	const struct view_member *to = database_member(db, move->to);

	if (!to || to->state != MEMBER_ACTIVE)
		return false;
	return db->slots[move->slot].owner.v == move->from.v ||
	       mutant_is(db->world->mutant, MUTANT_OWNER_UNFENCED);
}

uint64_t database_bump(struct database *db, uint64_t seen)
{
	db->version = (db->version > seen ? db->version : seen) + 1;
	return db->version;
}

static void on_repair(struct event *e)
{
	struct database *db = container_of(e, struct database, repair);

	sim_trace(&db->world->sim, "the database is back");
	db->up = true;
	db->trouble_ns = db->world->sim.now_ns;
}
