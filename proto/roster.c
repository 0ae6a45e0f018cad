/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/roster.h"

#include <string.h>

#include "common/mem.h"

#define KEPT_KEY_MAX 64 /* bytes; keys come from proto/v0.def */

static struct roster_entry *add_entry(struct roster *, const struct item_member *);
static void refresh_entry(struct roster *, struct roster_entry *, const struct item_member *);
static struct roster_user *user_of(struct roster *, const struct item_member *);
static void free_user(struct roster *, struct roster_user *);
static void place(struct roster *, struct roster_entry *);
static bool comes_before(const struct roster_entry *, const struct roster_entry *);
static void keep_list(struct roster_entry *, struct span kept);
static void forget(struct roster_entry *, size_t at);
static void free_entry(struct roster_entry *);
static char *str_copy(struct span);

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
	e->tail = (unsigned)m->tail;
	if (m->proved > e->proved)
		e->proved = m->proved;
	keep_list(e, m->kept);
	return e;
}

struct roster_entry *roster_find(const struct roster *r, session_id session)
{
	return map_find_u64(&r->by_session, session.v);
}

bool roster_is_meant(const struct roster_entry *e, struct span user, uint64_t session)
{
	return (user.len || session) && (!user.len || span_is(user, e->user->id)) &&
	       (!session || session == e->session.v);
}

bool roster_remove(struct roster *r, struct roster_entry *e)
{
	struct roster_user *u = e->user;

	r->changes += roster_leads(e);
	(void)map_remove_u64(&r->by_session, e->session.v);
	list_remove(&e->of_roster);
	list_remove(&e->of_user);
	free_entry(e);
	if (--u->count > 0)
		return false;
	free_user(r, u);
	return true;
}

bool roster_leads(const struct roster_entry *e)
{
	return e->user->entries.next == &e->of_user;
}

void roster_keep(struct roster_entry *e, struct span key, struct span body)
{
	for (size_t i = 0; i < e->kept_count; i++)
		if (span_is(key, e->kept[i].key)) {
			forget(e, i);
			break;
		}
	if (body.len == 0 || body.len > KEPT_BODY_MAX || e->kept_count == KEPT_PER_SESSION ||
	    key.len == 0 || key.len > KEPT_KEY_MAX)
		return;
	e->kept[e->kept_count++] = (struct roster_kept){
		.key = str_copy(key),
		.body = mem_copy(body.p, body.len),
		.body_len = body.len,
	};
}

size_t roster_kept_of_others(const struct roster *r, const struct roster_entry *self)
{
	size_t count = 0;

	LIST_EACH (&r->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		for (size_t i = 0; e != self && i < e->kept_count; i++)
			count += strcmp(e->kept[i].key, ROSTER_STATE_KEY) != 0;
	}
	return count;
}

size_t roster_users(const struct roster *r)
{
	return r->by_user.len;
}

size_t roster_entries(const struct roster *r)
{
	return r->by_session.len;
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
	for (size_t i = 0; i < e->kept_count; i++)
		item_put_kept(kept, &(struct item_kept){
					    .key = span_str(e->kept[i].key),
					    .body = span_of(e->kept[i].body, e->kept[i].body_len),
				    });
	*out = (struct item_member){
		.session = e->session.v,
		.conn_gen = e->conn_gen,
		.user = span_str(e->user->id),
		.name = span_str(e->user->name),
		.email = span_str(e->user->email),
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
	map_add_u64(&r->by_session, e->session.v, e);
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
	char *id = str_copy(m->user);
	struct roster_user *u = map_find(&r->by_user, span_str(id));

	if (u) {
		mem_free(id);
		return u;
	}
	u = mem_new(sizeof(*u));
	list_init(&u->entries);
	u->id = id;
	u->name = str_copy(m->name);
	u->email = str_copy(m->email);
	map_add(&r->by_user, span_str(id), u);
	return u;
}

static void free_user(struct roster *r, struct roster_user *u)
{
	(void)map_remove(&r->by_user, span_str(u->id));
	mem_free(u->id);
	mem_free(u->name);
	mem_free(u->email);
	mem_free(u);
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

static void keep_list(struct roster_entry *e, struct span kept)
{
	struct item_kept k;

	if (kept.len == 0)
		return;
	while (e->kept_count > 0)
		forget(e, e->kept_count - 1);
	while (item_next_kept(&kept, &k))
		roster_keep(e, k.key, k.body);
}

static void forget(struct roster_entry *e, size_t at)
{
	mem_free(e->kept[at].key);
	mem_free(e->kept[at].body);
	e->kept_count--;
	memmove(&e->kept[at], &e->kept[at + 1], (e->kept_count - at) * sizeof(e->kept[0]));
}

static void free_entry(struct roster_entry *e)
{
	while (e->kept_count > 0)
		forget(e, e->kept_count - 1);
	mem_free(e);
}

/* Ends at a NUL inside: the same text for everybody who reads it. */
static char *str_copy(struct span text)
{
	char *s = mem_new(text.len + 1);

	if (text.len > 0)
		memcpy(s, text.p, text.len);
	return s;
}
