/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fake_store.h"

#include <string.h>

#include "common/list.h"
#include "common/mem.h"
#include "proto/slot.h"

enum ask { REGISTER, SET_STATE, PULL, ASSIGN, TAKE, APPEND, HEADS, READ };

struct question {
	struct list node;
	enum ask ask;
	struct view_member member;
	uint64_t since;
	struct store_move *moves;
	size_t count;
	struct store_slot *slots;
	struct fake_event *events; /* APPEND; HEADS and READ: their rooms */
	uint64_t *heads;
	struct store_range range; /* READ; its room is `events` */
	char types[FAKE_TEXT_MAX];
	union {
		store_done_fn *done;
		store_view_fn *pulled;
		store_assigned_fn *assigned;
		store_appended_fn *appended;
		store_heads_fn *heads_told;
		store_page_fn *page;
	};
	void *owner;
};

struct store {
	struct fake_database *db;
	struct list asked;
	bool up, loses_answers, full;
	size_t appends;
};

static struct store_head head_of(const struct fake_database *, const char *room);

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

static void answer_take(struct store *s, struct question *q)
{
	static struct store_slot taken[SLOTS];
	size_t count = 0;

	if (!s->up) {
		q->assigned(q->owner, ERR_DB_AWAY, 0, NULL, 0);
		return;
	}
	s->db->version = (s->db->version > q->since ? s->db->version : q->since) + 1;
	for (size_t i = 0; i < q->count; i++) {
		struct view_slot *slot = &s->db->slots[q->slots[i].slot];

		if (slot->owner.v != q->member.id.v)
			continue;
		slot->epoch++;
		s->db->slot_versions[q->slots[i].slot] = s->db->version;
		taken[count++] = (struct store_slot){q->slots[i].slot, slot->owner, slot->epoch};
	}
	q->assigned(q->owner, OK, s->db->version, taken, count);
}

static bool passes(const struct store *s, const struct question *q, unsigned slot)
{
	for (size_t i = 0; i < q->since; i++)
		if (q->slots[i].slot == slot)
			return s->db->slots[slot].owner.v == q->member.id.v &&
			       s->db->slots[slot].epoch == q->slots[i].epoch;
	return false;
}

static const struct fake_event *newer(const struct fake_database *db, const struct fake_event *than)
{
	const struct fake_event *found = NULL;

	for (size_t i = 0; i < db->event_count && than->base > 0; i++) {
		const struct fake_event *e = &db->events[i];

		if (e->seq >= than->base && !strcmp(e->room, than->room) &&
		    !strcmp(e->type, than->type) && !strcmp(e->field, than->field) &&
		    (!found || found->seq < e->seq))
			found = e;
	}
	return found;
}

static struct store_stored append_one(struct fake_database *db, const struct fake_event *e,
				      uint64_t seq)
{
	const struct fake_event *conflict = newer(db, e);

	for (size_t i = 0; i < db->event_count; i++)
		if (!strcmp(db->events[i].room, e->room) && db->events[i].pseq == e->pseq &&
		    !strcmp(db->events[i].producer, e->producer))
			return (struct store_stored){db->events[i].seq, true, {0}};
	if (conflict)
		return (struct store_stored){0, false, {conflict->seq, span_str(conflict->body)}};
	must(db->event_count < FAKE_EVENTS_MAX);
	for (size_t i = 0; i < db->event_count; i++)
		must(strcmp(db->events[i].room, e->room) != 0 || db->events[i].seq != seq);
	db->events[db->event_count] = *e;
	db->events[db->event_count++].seq = seq;
	return (struct store_stored){seq, false, {0}};
}

static void answer_append(struct store *s, struct question *q)
{
	struct store_stored *stored = mem_new(q->count * sizeof *stored);
	bool is_away = !s->up || s->full;

	s->appends++;
	for (size_t i = 0; !is_away && i < q->count; i++) {
		const struct fake_event *e = &q->events[i];
		uint64_t seq = q->heads[i] + 1;

		for (size_t j = 0; j < i; j++)
			seq += !strcmp(q->events[j].room, e->room) && stored[j].seq > 0 &&
			       !stored[j].known;
		if (passes(s, q, slot_of(span_str(e->room))))
			stored[i] = append_one(s->db, e, seq);
	}
	enum err e = is_away ? ERR_DB_AWAY : s->loses_answers ? ERR_DB_UNKNOWN : OK;
	q->appended(q->owner, e, e ? NULL : stored, q->count);
	mem_free(stored);
}

static void answer_heads(struct store *s, struct question *q)
{
	if (!s->up) {
		q->heads_told(q->owner, ERR_DB_AWAY, NULL, q->count);
		return;
	}
	struct store_head *heads = mem_new(q->count * sizeof *heads);

	for (size_t i = 0; i < q->count; i++)
		heads[i] = head_of(s->db, q->events[i].room);
	q->heads_told(q->owner, OK, heads, q->count);
	mem_free(heads);
}

static struct store_head head_of(const struct fake_database *db, const char *room)
{
	struct store_head head = {0, 1};

	for (size_t i = 0; i < db->event_count; i++) {
		const struct fake_event *e = &db->events[i];

		if (strcmp(e->room, room) != 0)
			continue;
		head.first = head.seq ? head.first : e->seq;
		head.seq = e->seq;
	}
	return head;
}

void fake_database_forget(struct fake_database *db, const char *room, uint64_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < db->event_count; i++)
		if (strcmp(db->events[i].room, room) != 0 || db->events[i].seq >= before)
			db->events[kept++] = db->events[i];
	db->event_count = kept;
}

static const struct fake_event *find(const struct fake_database *db, const char *room, uint64_t seq)
{
	for (size_t i = 0; i < db->event_count; i++)
		if (db->events[i].seq == seq && !strcmp(db->events[i].room, room))
			return &db->events[i];
	return NULL;
}

static bool is_one_of(struct span types, const char *type)
{
	if (types.len == 0)
		return true;
	while (types.len > 0)
		if (span_is(span_until(&types, ','), type))
			return true;
	return false;
}

static struct store_event event_of(const struct fake_event *e)
{
	return (struct store_event){.seq = e->seq,
				    .producer = span_str(e->producer),
				    .pseq = e->pseq,
				    .type = span_str(e->type),
				    .name = span_str(e->name),
				    .shape = e->shape,
				    .field = span_str(e->field),
				    .body = span_str(e->body)};
}

static void read_range(const struct fake_database *db, const struct question *q,
		       struct store_page *page, struct store_event *events)
{
	bool backward = q->range.before > 0;
	uint64_t at = backward ? q->range.before : q->range.after;

	while (backward ? --at > 0 : ++at <= page->head) {
		const struct fake_event *e = find(db, q->events[0].room, at);

		if (!e || !is_one_of(span_str(q->types), e->type))
			continue;
		if (page->count == q->range.limit) {
			page->more = true;
			return;
		}
		if (backward)
			memmove(events + 1, events, page->count * sizeof *events);
		events[backward ? 0 : page->count] = event_of(e);
		page->count++;
	}
}

static void answer_read(struct store *s, struct question *q)
{
	struct store_event *events = mem_new((q->range.limit + 1) * sizeof *events);
	struct store_head log = head_of(s->db, q->events[0].room);
	struct store_page page = {.room = span_str(q->events[0].room),
				  .events = events,
				  .first = log.first,
				  .head = log.seq};

	if (s->up)
		read_range(s->db, q, &page, events);
	q->page(q->owner, s->up ? OK : ERR_DB_AWAY, &page);
	mem_free(events);
}

static void free_question(struct question *q)
{
	list_remove(&q->node);
	mem_free(q->slots);
	mem_free(q->events);
	mem_free(q->heads);
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
		[REGISTER] = answer_register, [SET_STATE] = answer_state, [PULL] = answer_pull,
		[ASSIGN] = answer_assign,     [TAKE] = answer_take,       [APPEND] = answer_append,
		[HEADS] = answer_heads,       [READ] = answer_read,
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

static void copy(char out[FAKE_TEXT_MAX], struct span text)
{
	must(text.len < FAKE_TEXT_MAX);
	if (text.len > 0)
		memcpy(out, text.p, text.len);
	out[text.len] = '\0';
}

void fake_store_lose_answers(struct store *s)
{
	s->loses_answers = !s->loses_answers;
}

void fake_store_fill(struct store *s, bool full)
{
	s->full = full;
}

size_t fake_store_appends(const struct store *s)
{
	return s->appends;
}

void store_take(struct store *s, const struct store_claim *claim, store_assigned_fn *taken,
		void *owner)
{
	struct question *q = ask(s, TAKE, owner);

	q->member.id = claim->owner;
	q->slots = mem_new((claim->count + 1) * sizeof *q->slots);
	for (size_t i = 0; i < claim->count; i++)
		q->slots[i].slot = claim->slots[i];
	q->count = claim->count;
	q->since = claim->seen;
	q->assigned = taken;
}

/* `since` is how many slots there are. */
void store_append(struct store *s, const struct store_batch *batch, store_appended_fn *appended,
		  void *owner)
{
	struct question *q = ask(s, APPEND, owner);

	q->member.id = batch->owner;
	q->slots = mem_copy(batch->slots, batch->slot_count * sizeof *batch->slots);
	q->since = batch->slot_count;
	q->events = mem_new(batch->count * sizeof *q->events);
	q->heads = mem_new(batch->count * sizeof *q->heads);
	q->count = batch->count;
	q->appended = appended;
	for (size_t i = 0; i < batch->count; i++) {
		const struct store_append *a = &batch->events[i];

		copy(q->events[i].room, a->room.key);
		copy(q->events[i].producer, a->event.producer);
		copy(q->events[i].body, a->event.body);
		copy(q->events[i].type, a->event.type);
		copy(q->events[i].name, a->event.name);
		copy(q->events[i].field, a->event.field);
		q->events[i].shape = a->event.shape;
		q->events[i].base = a->event.base;
		q->events[i].pseq = a->event.pseq;
		q->heads[i] = a->head;
	}
}

void store_heads(struct store *s, const struct store_room *rooms, size_t count,
		 store_heads_fn *heads, void *owner)
{
	struct question *q = ask(s, HEADS, owner);

	q->events = mem_new(count * sizeof *q->events);
	q->count = count;
	q->heads_told = heads;
	for (size_t i = 0; i < count; i++)
		copy(q->events[i].room, rooms[i].key);
}

void store_read(struct store *s, const struct store_range *range, store_page_fn *page, void *owner)
{
	struct question *q = ask(s, READ, owner);

	q->events = mem_new(sizeof *q->events);
	copy(q->events[0].room, range->room.key);
	copy(q->types, range->types);
	q->range = *range;
	q->page = page;
}

/* Tests say themselves what is forgotten. */
void store_forget(struct store *s, int64_t age_ms, unsigned limit, store_done_fn *done, void *owner)
{
	(void)s, (void)age_ms, (void)limit, (void)done, (void)owner;
}

/* Nobody publishes in SQL here: the first question stays open. */
void store_publications(struct store *s, incarnation_id owner, unsigned limit,
			store_publications_fn *publications, void *asker)
{
	(void)s, (void)owner, (void)limit, (void)publications, (void)asker;
}

void store_place(struct store *s, const struct store_room *rooms, size_t count, store_done_fn *done,
		 void *owner)
{
	(void)s, (void)rooms, (void)count, (void)done, (void)owner;
}

bool store_is_up(const struct store *s)
{
	return s->up;
}
