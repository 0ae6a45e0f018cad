/* SPDX-License-Identifier: Apache-2.0 */
/* Two rosters: `local` is this gateway's truth about its own connections (what ATTACH says), `copy`
 * is what the owner says of the whole room (what clients are shown). They are kept apart so that
 * nobody is shown a joiner before the owner numbered it. */
#include "gateway/audience.h"

#include "common/mem.h"
#include "proto/v0.h"

/* A room_state of the largest room we serve; beyond it the list would not fit any client's frame.
 */
#define RENDER_MAX (32u << 20)

struct audience {
	enum room_kind kind;
	char *room_id;
	const struct audience_sink *sink;
	struct list listeners;
	struct roster local, copy;
	uint64_t relay;
};

static struct roster_entry *local_entry(const struct listener *);
static void put_member(const struct listener *, bool with_kept, struct buf *items);
static bool hears(const struct listener *);
static void number(struct audience *, uint64_t relay, uint64_t count);
static void mark_unseen(struct audience *);
static void drop_unseen(struct audience *);
static struct v0_identity identity_of(const struct audience *, const struct roster_user *);
static void show_list(struct audience *, uint64_t relay, int64_t at_ms);
static void show_user(struct audience *, enum v0_type, const struct roster_entry *, uint64_t relay,
		      int64_t at_ms);
static void show_all(struct audience *, struct buf *text, uint64_t but_session, bool droppable);
static void show_one(struct audience *, struct listener *, struct buf *text);
static void welcome(struct audience *, struct listener *, const struct msg_welcomed *);
static void welcome_kept(struct audience *, struct listener *, uint64_t relay, uint64_t count);
static struct listener *find_listener(const struct audience *, uint64_t session);

struct audience *audience_new(enum room_kind kind, struct span room_id,
			      const struct audience_sink *sink)
{
	struct audience *a = mem_new(sizeof *a);

	a->kind = kind;
	a->room_id = mem_new(room_id.len + 1);
	for (size_t i = 0; i < room_id.len; i++)
		a->room_id[i] = (char)room_id.p[i];
	a->sink = sink;
	list_init(&a->listeners);
	roster_init(&a->local);
	roster_init(&a->copy);
	return a;
}

void audience_free(struct audience **pa)
{
	struct audience *a = *pa;

	if (!a)
		return;
	*pa = NULL;
	must(list_is_empty(&a->listeners));
	roster_fini(&a->local);
	roster_fini(&a->copy);
	mem_free(a->room_id);
	mem_free(a);
}

struct listener *audience_add(struct audience *a, void *session, const struct item_member *m)
{
	struct listener *who = mem_new(sizeof *who);
	bool first;

	who->audience = a;
	who->owner = session;
	who->id = (session_id){m->session};
	who->conn_gen = m->conn_gen;
	list_init(&who->node);
	list_add_last(&a->listeners, &who->node);
	(void)roster_put(&a->local, m, (incarnation_id){0}, &first);
	return who;
}

void audience_remove(struct listener **pwho)
{
	struct listener *who = *pwho;

	*pwho = NULL;
	(void)roster_remove(&who->audience->local, local_entry(who));
	list_remove(&who->node);
	mem_free(who);
}

bool audience_is_empty(const struct audience *a)
{
	return list_is_empty(&a->listeners);
}

struct list *audience_listeners(struct audience *a)
{
	return &a->listeners;
}

void audience_keep(struct listener *who, struct span key, unsigned keep, struct span body)
{
	if (keep && key.len)
		roster_keep(local_entry(who), key, keep == 1 ? body : SPAN_NONE);
}

bool audience_has_kept(const struct listener *who, const char *key)
{
	const struct roster_entry *e = local_entry(who);

	for (size_t i = 0; i < e->kept_count; i++)
		if (span_is(span_str(e->kept[i].key), key))
			return true;
	return false;
}

bool audience_put_members(const struct audience *a, bool with_kept, struct buf *items)
{
	LIST_EACH (&a->listeners, it, ahead) {
		size_t whole_len = items->len;

		put_member(container_of(it, struct listener, node), with_kept, items);
		if (items->over) {
			items->len = whole_len;
			items->over = false;
			return false;
		}
	}
	return true;
}

void audience_put_member(const struct listener *who, struct buf *items)
{
	put_member(who, true, items);
}

uint64_t audience_relay(const struct audience *a)
{
	return a->relay;
}

void audience_on_attached(struct audience *a, const struct msg_attached *m)
{
	number(a, m->relay, 1);
}

void audience_on_roster(struct audience *a, const struct msg_roster *m)
{
	struct span members = m->members;
	struct item_member item;
	bool first;

	if (m->covered)
		mark_unseen(a);
	while (item_next_member(&members, &item))
		roster_put(&a->copy, &item, (incarnation_id){0}, &first)->seen = true;
	if (!m->covered)
		return;
	drop_unseen(a);
	show_list(a, m->relay, (int64_t)m->at_ms);
}

void audience_on_member_joined(struct audience *a, const struct msg_member_joined *m)
{
	struct span members = m->members;
	struct item_member item;
	bool first;

	if (!item_next_member(&members, &item))
		return;
	struct roster_entry *e = roster_put(&a->copy, &item, (incarnation_id){0}, &first);
	if (m->relay)
		show_user(a, V0_USER_JOINED, e, m->relay, (int64_t)m->at_ms);
}

void audience_on_member_left(struct audience *a, const struct msg_member_left *m)
{
	struct roster_entry *e = roster_find(&a->copy, (session_id){m->session});

	if (!e)
		return;
	if (m->relay)
		show_user(a, V0_USER_LEFT, e, m->relay, (int64_t)m->at_ms);
	(void)roster_remove(&a->copy, e);
}

void audience_on_welcomed(struct audience *a, const struct msg_welcomed *m)
{
	struct listener *who = find_listener(a, m->session);

	number(a, m->relay, m->count);
	if (!who || who->welcomed || who->leaving)
		return;
	who->welcomed = true;
	who->shown = a->copy.changes;
	if (hears(who))
		welcome(a, who, m);
	a->sink->welcomed(who->owner);
}

void audience_on_room_state(struct audience *a, const struct msg_room_state *m)
{
	show_list(a, m->relay, (int64_t)m->at_ms);
}

void audience_on_cast_out(struct audience *a, const struct msg_cast_out *m)
{
	struct roster_entry *e = roster_find(&a->copy, (session_id){m->session});
	struct buf text;

	number(a, m->relay, 1);
	if (e && m->keep && m->key.len)
		roster_keep(e, m->key, m->keep == 1 ? m->body : SPAN_NONE);
	buf_init(&text, RENDER_MAX);
	LIST_EACH (&a->listeners, it, ahead) {
		struct listener *l = container_of(it, struct listener, node);

		if (!hears(l) || l->id.v == m->session)
			continue;
		v0_put_seq(&text, m->body, m->relay);
		show_all(a, &text, m->session, m->session != 0);
		break;
	}
	buf_fini(&text);
}

static struct roster_entry *local_entry(const struct listener *who)
{
	struct roster_entry *e = roster_find(&who->audience->local, who->id);

	must(e);
	return e;
}

static void put_member(const struct listener *who, bool with_kept, struct buf *items)
{
	struct item_member m;
	struct buf kept;

	buf_init(&kept, LINK_BATCH_MAX);
	roster_item(local_entry(who), &kept, &m);
	m.fresh = !who->welcomed;
	if (!with_kept)
		m.kept = SPAN_NONE;
	item_put_member(items, &m);
	buf_fini(&kept);
}

static bool hears(const struct listener *who)
{
	return who->welcomed && !who->deaf && !who->leaving;
}

static void number(struct audience *a, uint64_t relay, uint64_t count)
{
	uint64_t last = relay && count ? relay + count - 1 : relay;

	if (last > a->relay)
		a->relay = last;
}

static void mark_unseen(struct audience *a)
{
	LIST_EACH (&a->copy.entries, it, ahead)
		container_of(it, struct roster_entry, of_roster)->seen = false;
}

static void drop_unseen(struct audience *a)
{
	LIST_EACH (&a->copy.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (!e->seen)
			(void)roster_remove(&a->copy, e);
	}
}

static struct v0_identity identity_of(const struct audience *a, const struct roster_user *u)
{
	return (struct v0_identity){
		.kind = a->kind,
		.room_id = span_str(a->room_id),
		.user = span_str(u->id),
		.name = span_str(u->name),
		.email = span_str(u->email),
	};
}

/* The list, to everybody who has not seen it since it changed. */
static void show_list(struct audience *a, uint64_t relay, int64_t at_ms)
{
	struct payload *p = NULL;

	number(a, relay, 1);
	LIST_EACH (&a->listeners, it, ahead) {
		struct listener *who = container_of(it, struct listener, node);

		if (!hears(who) || who->shown == a->copy.changes)
			continue;
		if (!p) {
			struct buf text;

			buf_init(&text, RENDER_MAX);
			v0_put_room_state(&text, a->kind, span_str(a->room_id), &a->copy, at_ms,
					  relay);
			p = payload_new(buf_span(&text));
			buf_fini(&text);
		}
		who->shown = a->copy.changes;
		a->sink->show(who->owner, p, false);
	}
	payload_free(&p);
}

/* "X came" or "X went": to all but the connection it speaks of. */
static void show_user(struct audience *a, enum v0_type type, const struct roster_entry *e,
		      uint64_t relay, int64_t at_ms)
{
	struct v0_identity who = identity_of(a, e->user);
	struct buf text;

	number(a, relay, 1);
	buf_init(&text, RENDER_MAX);
	v0_put_simple(&text, type, &who, at_ms, relay);
	show_all(a, &text, e->session.v, false);
	buf_fini(&text);
}

static void show_all(struct audience *a, struct buf *text, uint64_t but_session, bool droppable)
{
	struct payload *p = payload_new(buf_span(text));

	LIST_EACH (&a->listeners, it, ahead) {
		struct listener *who = container_of(it, struct listener, node);

		if (hears(who) && who->id.v != but_session)
			a->sink->show(who->owner, p, droppable);
	}
	payload_free(&p);
}

static void show_one(struct audience *a, struct listener *who, struct buf *text)
{
	struct payload *p = payload_new(buf_span(text));

	a->sink->show(who->owner, p, false);
	payload_free(&p);
	buf_clear(text);
}

static void welcome(struct audience *a, struct listener *who, const struct msg_welcomed *m)
{
	struct v0_identity self = identity_of(a, local_entry(who)->user);
	struct buf text;

	buf_init(&text, RENDER_MAX);
	v0_put_room_state(&text, a->kind, span_str(a->room_id), &a->copy, (int64_t)m->at_ms,
			  m->relay);
	show_one(a, who, &text);
	v0_put_simple(&text, V0_CONNECTED, &self, (int64_t)m->at_ms, m->relay ? m->relay + 1 : 0);
	show_one(a, who, &text);
	buf_fini(&text);
	if (m->count > 2)
		welcome_kept(a, who, m->relay + 2, m->count - 2);
}

/* At most as many as the owner reserved numbers for: a state it did not know of yet follows as a
 * cast. */
static void welcome_kept(struct audience *a, struct listener *who, uint64_t relay, uint64_t count)
{
	struct buf text;

	buf_init(&text, RENDER_MAX);
	LIST_EACH (&a->copy.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->session.v == who->id.v)
			continue;
		if (roster_find(&a->local, e->session))
			e = roster_find(&a->local, e->session);
		for (size_t i = 0; i < e->kept_count && count; i++, count--) {
			v0_put_seq(&text, span_of(e->kept[i].body, e->kept[i].body_len), relay++);
			show_one(a, who, &text);
		}
	}
	buf_fini(&text);
}

/* From the tail: who is welcomed came last. */
static struct listener *find_listener(const struct audience *a, uint64_t session)
{
	for (struct list *it = a->listeners.prev; it != &a->listeners; it = it->prev) {
		struct listener *who = container_of(it, struct listener, node);

		if (who->id.v == session)
			return who;
	}
	return NULL;
}
