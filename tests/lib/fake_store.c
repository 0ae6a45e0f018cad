/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_store.h"

#include <string.h>

#include "common/list.h"
#include "common/mem.h"

enum ask { REGISTER, SET_STATE, PULL, ASSIGN };

struct question {
	struct list node;
	enum ask ask;
	struct view_member member;
	uint64_t since;
	struct store_move *moves;
	size_t count;
	union {
		store_done_fn *done;
		store_view_fn *pulled;
		store_assigned_fn *assigned;
	};
	void *owner;
};

struct store {
	struct fake_database *db;
	struct list asked;
	bool up;
};

static struct question *ask(struct store *s, enum ask what, void *owner)
{
	struct question *q = mem_new(sizeof *q);

	q->ask = what;
	q->owner = owner;
	list_init(&q->node);
	list_add_last(&s->asked, &q->node);
	return q;
}

static void answer_register(struct store *s, struct question *q)
{
	struct fake_database *db = s->db;

	if (!s->up) {
		q->done(q->owner, ERR_DB_AWAY, 0);
		return;
	}
	for (size_t i = 0; i < db->member_count; i++)
		if (db->members[i].kind == q->member.kind &&
		    !strcmp(db->members[i].name, q->member.name))
			db->members[i].state = MEMBER_DEAD;
	fake_database_put(db, &q->member);
	q->done(q->owner, OK, db->version);
}

static void answer_state(struct store *s, struct question *q)
{
	struct view_member *m = fake_database_member(s->db, q->member.id);
	bool lives = m && m->state != MEMBER_DEAD;

	if (!s->up) {
		q->done(q->owner, ERR_DB_AWAY, 0);
		return;
	}
	s->db->version++;
	if (lives)
		m->state = q->member.state;
	q->done(q->owner, OK, lives ? s->db->version : 0);
}

static void answer_pull(struct store *s, struct question *q)
{
	static struct store_slot slots[SLOTS];
	struct store_view v = {s->db->version, s->db->members, s->db->member_count, slots, 0};

	if (!s->up) {
		q->pulled(q->owner, ERR_DB_AWAY, NULL);
		return;
	}
	for (unsigned i = 0; i < SLOTS && q->since < v.version; i++)
		if (s->db->slot_versions[i] > q->since)
			slots[v.slot_count++] = (struct store_slot){i, s->db->slots[i].owner,
								    s->db->slots[i].epoch};
	q->pulled(q->owner, OK, &v);
}

static void answer_assign(struct store *s, struct question *q)
{
	static struct store_slot moved[SLOTS];
	size_t count = 0;

	if (!s->up) {
		q->assigned(q->owner, ERR_DB_AWAY, 0, NULL, 0);
		return;
	}
	s->db->version = (s->db->version > q->since ? s->db->version : q->since) + 1;
	for (size_t i = 0; i < q->count; i++) {
		const struct store_move *move = &q->moves[i];
		const struct view_member *to = fake_database_member(s->db, move->to);
		struct view_slot *slot = &s->db->slots[move->slot];

		if (slot->owner.v != move->from.v || !to || to->state != MEMBER_ACTIVE)
			continue;
		slot->owner = move->to;
		slot->epoch++;
		s->db->slot_versions[move->slot] = s->db->version;
		moved[count++] = (struct store_slot){move->slot, slot->owner, slot->epoch};
	}
	q->assigned(q->owner, OK, s->db->version, moved, count);
}

static void free_question(struct question *q)
{
	list_remove(&q->node);
	mem_free(q->moves);
	mem_free(q);
}

void fake_database_init(struct fake_database *db)
{
	memset(db, 0, sizeof *db);
	db->version = 1;
}

struct view_member *fake_database_member(struct fake_database *db, incarnation_id id)
{
	for (size_t i = 0; i < db->member_count; i++)
		if (db->members[i].id.v == id.v)
			return &db->members[i];
	return NULL;
}

void fake_database_put(struct fake_database *db, const struct view_member *m)
{
	must(db->member_count < FAKE_MEMBERS_MAX);
	db->members[db->member_count++] = *m;
	db->version++;
}

struct store *fake_store_new(struct fake_database *db)
{
	struct store *s = mem_new(sizeof *s);

	s->db = db;
	s->up = true;
	list_init(&s->asked);
	return s;
}

void fake_store_free(struct store **ps)
{
	if (!*ps)
		return;
	LIST_EACH (&(*ps)->asked, it, ahead)
		free_question(container_of(it, struct question, node));
	mem_free(*ps);
	*ps = NULL;
}

bool fake_store_run(struct store *s)
{
	static void (*const answers[])(struct store *, struct question *) = {
		[REGISTER] = answer_register,
		[SET_STATE] = answer_state,
		[PULL] = answer_pull,
		[ASSIGN] = answer_assign,
	};
	struct list now;

	if (list_is_empty(&s->asked))
		return false;
	list_init(&now);
	LIST_EACH (&s->asked, it, ahead) {
		list_remove(it);
		list_add_last(&now, it);
	}
	LIST_EACH (&now, it, ahead) {
		struct question *q = container_of(it, struct question, node);

		answers[q->ask](s, q);
		free_question(q);
	}
	return true;
}

void fake_store_set_up(struct store *s, bool up)
{
	s->up = up;
}

void store_register(struct store *s, const struct view_member *m, store_done_fn *done, void *owner)
{
	struct question *q = ask(s, REGISTER, owner);

	q->member = *m;
	q->done = done;
}

void store_set_state(struct store *s, incarnation_id id, enum member_state state,
		     store_done_fn *done, void *owner)
{
	struct question *q = ask(s, SET_STATE, owner);

	q->member.id = id;
	q->member.state = state;
	q->done = done;
}

void store_pull(struct store *s, uint64_t since, store_view_fn *pulled, void *owner)
{
	struct question *q = ask(s, PULL, owner);

	q->since = since;
	q->pulled = pulled;
}

void store_assign(struct store *s, const struct store_move *moves, size_t count, uint64_t seen,
		  store_assigned_fn *assigned, void *owner)
{
	struct question *q = ask(s, ASSIGN, owner);

	q->moves = mem_copy(moves, count * sizeof *moves);
	q->count = count;
	q->since = seen;
	q->assigned = assigned;
}

bool store_is_up(const struct store *s)
{
	return s->up;
}
