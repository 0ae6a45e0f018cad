/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/roster.h"

#include "common/mem.h"

#define FEW 8 /* entries: looking at each is as fast as a map, and costs no memory */

static struct roster_entry *add_entry(struct roster *, const struct item_member *);
static void refresh_entry(struct roster *, struct roster_entry *, const struct item_member *);
static struct roster_user *user_of(struct roster *, const struct item_member *);
static void index_entry(struct roster *, struct roster_entry *);
static void unindex(struct roster *, const struct roster_entry *);
static void place(struct roster *, struct roster_entry *);
static bool comes_before(const struct roster_entry *, const struct roster_entry *);

void roster_init(struct roster *r)
{
	*r = (struct roster){.changes = 0};
	list_init(&r->entries);
	map_init(&r->by_session);
	map_init(&r->by_user);
}

void roster_fini(struct roster *r)
{
	LIST_EACH (&r->entries, it, ahead) {
		(void)roster_remove(r, container_of(it, struct roster_entry, of_roster));
	}
	map_fini(&r->by_session);
	map_fini(&r->by_user);
}

struct roster_entry *roster_put(struct roster *r, const struct item_member *m, incarnation_id home,
				bool *first)
{
	struct roster_entry *e = roster_find(r, (session_id){m->session});

	*first = false;
	if (e && m->conn_gen < e->conn_gen)
		return e;
	if (e) {
		refresh_entry(r, e, m);
	} else {
		e = add_entry(r, m);
		*first = e->user->count == 1;
	}
	e->home = home;
	e->tail = (uint8_t)m->tail;
	if (m->proved > e->proved)
		e->proved = m->proved;
	kept_replace(&e->kept, m->kept);
	return e;
}

struct roster_entry *roster_find(const struct roster *r, session_id session)
{
	if (r->is_indexed)
		return map_find_u64(&r->by_session, session.v);
	LIST_EACH (&r->entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->session.v == session.v)
			return e;
	}
	return NULL;
}

bool roster_is_meant(const struct roster_entry *e, struct span user, uint64_t session)
{
	return (user.len || session) && (!user.len || span_eq(user, user_id(e->user->who))) &&
	       (!session || session == e->session.v);
}

bool roster_remove(struct roster *r, struct roster_entry *e)
{
	struct roster_user *u = e->user;

	r->changes += roster_leads(e);
	if (r->is_indexed)
		unindex(r, e);
	list_remove(&e->of_roster);
	list_remove(&e->of_user);
	kept_free(&e->kept);
	mem_free(e);
	r->entry_count--;
	r->is_indexed = r->is_indexed && r->entry_count > 0;
	if (--u->count > 0)
		return false;
	r->user_count--;
	user_free(&u->who);
	mem_free(u);
	return true;
}

bool roster_leads(const struct roster_entry *e)
{
	return e->user->entries.next == &e->of_user;
}

void roster_share(struct roster *r, struct roster_user *u, struct user *who)
{
	if (u->who == who || !user_eq(u->who, who))
		return;
	if (r->is_indexed)
		(void)map_remove(&r->by_user, user_id(u->who));
	user_share(&u->who, who);
	if (r->is_indexed)
		map_add(&r->by_user, user_id(u->who), u);
}

struct roster_user *roster_find_user(const struct roster *r, struct span id)
{
	if (r->is_indexed)
		return map_find(&r->by_user, id);
	LIST_EACH (&r->entries, it, ahead) {
		struct roster_user *u = container_of(it, struct roster_entry, of_roster)->user;

		if (span_eq(user_id(u->who), id))
			return u;
	}
	return NULL;
}

size_t roster_kept_of_others(const struct roster *r, const struct roster_entry *self)
{
	size_t count = 0;

	LIST_EACH (&r->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		for (size_t i = 0; e != self && i < kept_count(e->kept); i++)
			count += !span_is(kept_at(e->kept, i).key, ROSTER_STATE_KEY);
	}
	return count;
}

size_t roster_users(const struct roster *r)
{
	return r->user_count;
}

size_t roster_entries(const struct roster *r)
{
	return r->entry_count;
}

void roster_put_items(const struct roster *r, struct buf *items)
{
	struct item_member m;
	struct buf kept;

	buf_init(&kept, LINK_BATCH_MAX);
	LIST_EACH (&r->entries, it, ahead) {
		roster_item(container_of(it, struct roster_entry, of_roster), &kept, &m);
		item_put_member(items, &m);
	}
	buf_fini(&kept);
}

void roster_item(const struct roster_entry *e, struct buf *kept, struct item_member *out)
{
	buf_clear(kept);
	kept_put_items(e->kept, kept);
	*out = (struct item_member){
		.session = e->session.v,
		.conn_gen = e->conn_gen,
		.user = user_id(e->user->who),
		.name = user_name(e->user->who),
		.email = user_email(e->user->who),
		.since_ms = (uint64_t)e->since_ms,
		.kept = buf_span(kept),
		.proved = e->proved,
		.tail = e->tail,
	};
}

static struct roster_entry *add_entry(struct roster *r, const struct item_member *m)
{
	struct roster_entry *e = mem_new(sizeof(*e));

	e->session = (session_id){m->session};
	e->conn_gen = m->conn_gen;
	e->since_ms = (int64_t)m->since_ms;
	e->user = user_of(r, m);
	e->user->count++;
	list_init(&e->of_roster);
	list_init(&e->of_user);
	place(r, e);
	r->entry_count++;
	if (r->is_indexed)
		index_entry(r, e);
	else if (r->entry_count > FEW)
		LIST_EACH (&r->entries, it, ahead)
			index_entry(r, container_of(it, struct roster_entry, of_roster));
	r->is_indexed = r->entry_count > FEW || r->is_indexed;
	r->changes += roster_leads(e);
	return e;
}

/* A session never changes its user; only its socket is new. */
static void refresh_entry(struct roster *r, struct roster_entry *e, const struct item_member *m)
{
	if (m->conn_gen <= e->conn_gen)
		return;
	e->conn_gen = m->conn_gen;
	if (e->since_ms == (int64_t)m->since_ms)
		return;
	bool led = roster_leads(e);
	e->since_ms = (int64_t)m->since_ms;
	list_remove(&e->of_roster);
	list_remove(&e->of_user);
	place(r, e);
	r->changes += led || roster_leads(e);
}

static struct roster_user *user_of(struct roster *r, const struct item_member *m)
{
	struct roster_user *u = roster_find_user(r, m->user);

	if (u)
		return u;
	u = mem_new(sizeof(*u));
	list_init(&u->entries);
	u->who = user_new(m->user, m->name, m->email);
	r->user_count++;
	return u;
}

static void index_entry(struct roster *r, struct roster_entry *e)
{
	struct span id = user_id(e->user->who);

	map_add_u64(&r->by_session, e->session.v, e);
	if (!map_find(&r->by_user, id))
		map_add(&r->by_user, id, e->user);
}

static void unindex(struct roster *r, const struct roster_entry *e)
{
	(void)map_remove_u64(&r->by_session, e->session.v);
	if (e->user->count == 1)
		(void)map_remove(&r->by_user, user_id(e->user->who));
}

/* From the tail: who comes now comes last. */
static void place(struct roster *r, struct roster_entry *e)
{
	struct list *at = r->entries.prev;

	while (at != &r->entries &&
	       comes_before(e, container_of(at, struct roster_entry, of_roster)))
		at = at->prev;
	list_add_before(at->next, &e->of_roster);

	at = e->user->entries.prev;
	while (at != &e->user->entries &&
	       comes_before(e, container_of(at, struct roster_entry, of_user)))
		at = at->prev;
	list_add_before(at->next, &e->of_user);
}

static bool comes_before(const struct roster_entry *a, const struct roster_entry *b)
{
	if (a->since_ms != b->since_ms)
		return a->since_ms < b->since_ms;
	return a->session.v < b->session.v;
}
