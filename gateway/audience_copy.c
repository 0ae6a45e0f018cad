/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of a room's roster, which most rooms need seldom: one that was not looked at for a while
 * is folded into one string of bytes, the members as links carry them, and unfolded when somebody
 * looks. Of a connection here it says no more than its place among the attendees: who it is, they
 * know.
 * Large rooms stay as they are: somebody always comes or goes, and all of it would be unfolded. */
#include "gateway/audience_inside.h"

#include <string.h>

#include "common/mem.h"

#define FOLD_ENTRIES_MAX 32
#define LOOKS 1000     /* at copies, each time */
#define BUSY_LOOKS 200 /* of audience_fold, until each busy copy was looked at */

struct folded {
	uint64_t changes; /* of the roster */
	uint32_t entries, users, len;
	uint8_t members[];
};

static void calm_down(struct audience_shared *);
static void fold_open(struct audience_shared *);
static void unfold(struct audience *);
static void unfold_members(struct audience *, struct span members);
static const struct attendee *at_place(const struct audience *, uint64_t place);
static uint64_t place_of(const struct audience *, const struct attendee *);
static void name(struct item_member *, const struct attendee *own);
static void name_by_place(struct item_member *, uint64_t place);
static bool may_fold(const struct copy *);
static void fold(struct copy *);
static void fold_members(const struct copy *, struct buf *members);
static void drop_copy(struct copy *);

struct roster *audience_copy(struct audience *a)
{
	if (!a->copy)
		unfold(a);
	a->copy->used = true;
	return &a->copy->roster;
}

/* A member's state changes with each cursor: folded in between, all of it would be unfolded for
 * each. */
struct roster *audience_busy_copy(struct audience *a)
{
	struct roster *copy = audience_copy(a);

	if (!a->copy->is_busy) {
		a->copy->is_busy = true;
		a->shared->busy_count++;
		list_remove(&a->copy->of_shared);
		list_add_last(&a->shared->busy, &a->copy->of_shared);
	}
	return copy;
}

size_t audience_size(const struct audience *a)
{
	if (a->copy)
		return roster_entries(&a->copy->roster);
	return a->folded ? a->folded->entries : 0;
}

size_t audience_users(const struct audience *a)
{
	if (a->copy)
		return roster_users(&a->copy->roster);
	return a->folded ? a->folded->users : 0;
}

void audience_drop_copy(struct audience *a)
{
	if (a->copy)
		drop_copy(a->copy);
	mem_free(a->folded);
	a->folded = NULL;
}

void audience_fold(struct audience_shared *all)
{
	calm_down(all);
	fold_open(all);
}

/* Those that nobody needed since they were looked at last are open ones from now on. */
static void calm_down(struct audience_shared *all)
{
	for (all->busy_due += all->busy_count; all->busy_due >= BUSY_LOOKS;
	     all->busy_due -= BUSY_LOOKS) {
		if (list_is_empty(&all->busy))
			continue;
		struct copy *c = container_of(all->busy.next, struct copy, of_shared);

		list_remove(&c->of_shared);
		list_add_last(c->used ? &all->busy : &all->open, &c->of_shared);
		c->is_busy = c->used;
		all->busy_count -= !c->used;
		c->used = false;
	}
}

/* What was looked at goes to the end. */
static void fold_open(struct audience_shared *all)
{
	struct list seen;

	list_init(&seen);
	for (unsigned i = 0; i < LOOKS && !list_is_empty(&all->open); i++) {
		struct copy *c = container_of(all->open.next, struct copy, of_shared);

		if (!c->used && may_fold(c)) {
			fold(c);
			continue;
		}
		c->used = false;
		list_remove(&c->of_shared);
		list_add_last(&seen, &c->of_shared);
	}
	list_move_all(&seen, &all->open);
}

static void unfold(struct audience *a)
{
	struct folded *f = a->folded;

	a->copy = mem_new(sizeof *a->copy);
	a->copy->audience = a;
	roster_init(&a->copy->roster);
	list_init(&a->copy->of_shared);
	list_add_last(&a->shared->open, &a->copy->of_shared);
	if (!f)
		return;
	a->folded = NULL;
	unfold_members(a, span_of(f->members, f->len));
	a->copy->roster.changes = f->changes;
	mem_free(f);
}

static void unfold_members(struct audience *a, struct span members)
{
	struct item_member m;
	bool first;

	while (item_next_member(&members, &m)) {
		const struct attendee *own = m.fresh ? at_place(a, m.session) : NULL;

		if (own)
			name(&m, own);
		struct roster_entry *e =
			roster_put(&a->copy->roster, &m, (incarnation_id){0}, &first);

		if (own)
			roster_share(&a->copy->roster, e->user, own->user);
	}
	must(members.p); /* they are our own */
}

/* Attendees come in at the end, and none goes while the copy is folded. */
static const struct attendee *at_place(const struct audience *a, uint64_t place)
{
	LIST_EACH (&a->attendees, it, ahead)
		if (place-- == 0)
			return container_of(it, struct attendee, node);
	return NULL;
}

static uint64_t place_of(const struct audience *a, const struct attendee *who)
{
	uint64_t place = 0;

	LIST_EACH (&a->attendees, it, ahead) {
		if (it == &who->node)
			break;
		place++;
	}
	return place;
}

static void name(struct item_member *m, const struct attendee *own)
{
	m->session = own->id.v;
	m->user = user_id(own->user);
	m->name = user_name(own->user);
	m->email = user_email(own->user);
	m->since_ms = (uint64_t)own->since_ms;
}

/* `fresh`, which is no matter of a copy, marks it. */
static void name_by_place(struct item_member *m, uint64_t place)
{
	m->session = place;
	m->user = m->name = m->email = SPAN("");
	m->since_ms = 0;
	m->fresh = true;
}

/* Whom not all were shown, the roster marks, and the members do not. */
static bool may_fold(const struct copy *c)
{
	if (roster_entries(&c->roster) > FOLD_ENTRIES_MAX)
		return false;
	LIST_EACH (&c->roster.entries, it, ahead)
		if (container_of(it, struct roster_entry, of_roster)->user->unshown)
			return false;
	return true;
}

static void fold(struct copy *c)
{
	struct buf members;

	buf_init(&members, LINK_BATCH_MAX);
	fold_members(c, &members);
	must(!members.over); /* FOLD_ENTRIES_MAX of the largest fit */
	struct folded *f = mem_new(sizeof *f + members.len);
	f->changes = c->roster.changes;
	f->entries = (uint32_t)roster_entries(&c->roster);
	f->users = (uint32_t)roster_users(&c->roster);
	f->len = (uint32_t)members.len;
	if (members.len)
		memcpy(f->members, members.p, members.len);
	buf_fini(&members);
	c->audience->folded = f;
	drop_copy(c);
}

static void fold_members(const struct copy *c, struct buf *members)
{
	const struct audience *a = c->audience;
	struct item_member m;
	struct buf kept;

	buf_init(&kept, LINK_BATCH_MAX);
	LIST_EACH (&c->roster.entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);
		const struct attendee *own = audience_find(a, e->session.v);

		roster_item(e, &kept, &m);
		if (own && own->user == e->user->who && own->since_ms == e->since_ms)
			name_by_place(&m, place_of(a, own));
		item_put_member(members, &m);
	}
	buf_fini(&kept);
}

static void drop_copy(struct copy *c)
{
	c->audience->copy = NULL;
	c->audience->shared->busy_count -= c->is_busy;
	roster_fini(&c->roster);
	list_remove(&c->of_shared);
	mem_free(c);
}
