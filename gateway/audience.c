/* SPDX-License-Identifier: Apache-2.0 */
/* The attendees are this gateway's truth about its own connections (what ATTACH says), `copy` is
 * what the owner says of the whole room (what clients are shown). They are kept apart so that
 * nobody is shown a joiner before the owner numbered it. */
#include "gateway/audience_inside.h"

#include <string.h>

#include "common/mem.h"

static void tell_user(struct audience *, enum v0_type, struct roster_entry *, uint64_t relay,
		      int64_t at_ms);
static void keep_copy(struct audience *, const struct msg_cast_out *);
static void mark_unseen(struct audience *);
static void drop_unseen(struct audience *);
static bool is_meant(const struct attendee *, const struct msg_kicked *);
static struct roster_entry *put_copy(struct audience *, const struct item_member *);
static bool is_news(struct audience *, const struct item_member *);

void audience_shared_init(struct audience_shared *all)
{
	list_init(&all->telling);
	list_init(&all->open);
	list_init(&all->busy);
	all->busy_count = all->busy_due = 0;
}

struct audience *audience_new(enum room_kind kind, struct span room_id,
			      const struct audience_sink *sink, struct audience_shared *shared)
{
	char key[ROOM_KEY_MAX];
	size_t len;
	enum err e = room_key_write(kind, room_id, key, &len);

	must(e == OK);
	struct audience *a = mem_new(sizeof *a + len + 1);
	memcpy(a->key, key, len);
	a->kind = kind;
	a->room_id = a->key + len - room_id.len;
	a->sink = sink;
	list_init(&a->attendees);
	list_init(&a->of_telling);
	a->shared = shared;
	return a;
}

void audience_free(struct audience **pa)
{
	struct audience *a = *pa;

	if (!a)
		return;
	*pa = NULL;
	must(list_is_empty(&a->attendees));
	audience_drop_copy(a);
	audience_drop_news(a);
	gather_free(&a->gather);
	list_remove(&a->of_telling);
	mem_free(a);
}

void audience_set_route(struct audience *a, struct route *r)
{
	a->route = r;
}

struct route *audience_route(const struct attendee *who)
{
	return who->audience->route;
}

const char *audience_key(const struct audience *a)
{
	return a->key;
}

uint64_t audience_seq(const struct audience *a)
{
	return a->seq;
}

uint64_t audience_relay(const struct audience *a)
{
	return a->relay;
}

void audience_on_attached(struct audience *a, const struct msg_attached *m)
{
	audience_number(a, m->relay, 1);
}

void audience_on_roster(struct audience *a, const struct msg_roster *m)
{
	struct span members = m->members;
	struct item_member item;

	audience_flush(a);
	if (m->covered)
		mark_unseen(a);
	while (item_next_member(&members, &item)) {
		if (is_news(a, &item))
			audience_note(a, item.user);
		put_copy(a, &item)->seen = true;
	}
	if (!m->covered)
		return;
	drop_unseen(a);
	audience_show_list(a, m->relay, (int64_t)m->at_ms);
}

void audience_on_member_joined(struct audience *a, const struct msg_member_joined *m)
{
	struct span members = m->members;
	struct item_member item;

	audience_flush(a);
	if (!item_next_member(&members, &item))
		return;
	audience_note(a, item.user);
	struct roster_entry *e = put_copy(a, &item);
	tell_user(a, V0_USER_JOINED, e, m->relay, (int64_t)m->at_ms);
	audience_number(a, m->relay, 1);
}

void audience_on_member_left(struct audience *a, const struct msg_member_left *m)
{
	audience_flush(a);
	struct roster_entry *e = roster_find(audience_copy(a), (session_id){m->session});

	if (!e) {
		audience_number(a, m->relay, 1);
		return;
	}
	audience_note(a, user_id(e->user->who));
	tell_user(a, V0_USER_LEFT, e, m->relay, (int64_t)m->at_ms);
	(void)roster_remove(audience_copy(a), e);
}

void audience_on_welcomed(struct audience *a, const struct msg_welcomed *m)
{
	struct attendee *who = audience_find(a, m->session);

	audience_flush(a);
	audience_number(a, m->relay, m->count);
	if (!who || who->leaving)
		return;
	who->rewelcomed = who->welcomed;
	if (who->welcomed)
		return;
	who->welcomed = true;
	if (!who->native) {
		who->listens = true;
		who->shown = audience_copy(a)->changes;
		if (audience_hears(who))
			audience_show_room(a, who, m);
	}
	a->sink->welcomed(who->owner);
}

/* Others may have been told under numbers that nobody here was: they are not to be given again. */
void audience_on_hibernate(struct audience *a, uint64_t relay)
{
	audience_number(a, relay, 1);
}

void audience_on_kicked(struct audience *a, const struct msg_kicked *m)
{
	audience_flush(a);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (who->owner && is_meant(who, m))
			a->sink->kicked(who->owner, m->why);
	}
}

void audience_on_room_state(struct audience *a, const struct msg_room_state *m)
{
	audience_flush(a);
	audience_show_list(a, m->relay, (int64_t)m->at_ms);
}

void audience_on_cast_out(struct audience *a, const struct msg_cast_out *m, int64_t now_ns)
{
	audience_number(a, m->relay, 1);
	if (m->keep && m->key.len)
		keep_copy(a, m);
	audience_cast(a, m, now_ns);
}

void audience_on_head(struct audience *a, uint64_t seq)
{
	a->seq = seq;
}

void audience_on_event_again(struct audience *a, const struct msg_event *m)
{
	audience_flush(a);
	audience_number(a, m->relay, 1);
	const struct attendee *who = audience_find(a, m->session);

	if (who && !who->rewelcomed)
		audience_show_event(a, m);
}

void audience_on_event(struct audience *a, const struct msg_event *m)
{
	audience_flush(a);
	audience_number(a, m->relay, 1);
	a->seq = m->seq;
	audience_show_event(a, m);
	audience_event_native(a, m);
}

/* An owner that has not heard from every gateway yet may take a user's second connection for the
 * first, or the last but one for the last; the copy knows of the other one. */
static void tell_user(struct audience *a, enum v0_type type, struct roster_entry *e, uint64_t relay,
		      int64_t at_ms)
{
	audience_number(a, relay, 1);
	if (!relay || e->user->count > 1)
		return;
	audience_show_user(a, type, e, relay, at_ms);
	e->user->unshown = false;
}

static void keep_copy(struct audience *a, const struct msg_cast_out *m)
{
	struct roster_entry *e = roster_find(audience_busy_copy(a), (session_id){m->session});

	if (!e || audience_own(a, m->session, e->conn_gen))
		return;
	audience_note(a, user_id(e->user->who));
	kept_put(&e->kept, m->key, m->keep == 1 ? m->body : SPAN_NONE);
}

static void mark_unseen(struct audience *a)
{
	struct roster *copy = audience_copy(a);

	LIST_EACH (&copy->entries, it, ahead)
		container_of(it, struct roster_entry, of_roster)->seen = false;
}

static void drop_unseen(struct audience *a)
{
	struct roster *copy = audience_copy(a);

	LIST_EACH (&copy->entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->seen)
			continue;
		audience_note(a, user_id(e->user->who));
		(void)roster_remove(copy, e);
	}
}

static bool is_meant(const struct attendee *who, const struct msg_kicked *m)
{
	return (m->user.len || m->session) &&
	       (!m->user.len || span_eq(m->user, user_id(who->user))) &&
	       (!m->session || m->session == who->id.v);
}

/* Of the connections here nobody knows better than we do what they left. */
static struct roster_entry *put_copy(struct audience *a, const struct item_member *m)
{
	const struct attendee *own = audience_own(a, m->session, m->conn_gen);
	struct roster *copy = audience_copy(a);
	bool first, is_known = roster_find_user(copy, m->user);
	struct item_member told = *m;
	struct buf kept;

	buf_init(&kept, LINK_BATCH_MAX);
	if (own) {
		kept_put_items(own->kept, &kept);
		told.kept = buf_span(&kept);
	}
	struct roster_entry *e = roster_put(copy, &told, (incarnation_id){0}, &first);
	buf_fini(&kept);
	if (own)
		roster_share(copy, e->user, own->user);
	if (!is_known) {
		e->user->unshown = true;
		e->user->came = copy->changes;
	}
	return e;
}

/* Most of a ROSTER after a move is known: clients are told of what is not. */
static bool is_news(struct audience *a, const struct item_member *m)
{
	const struct roster_entry *e = roster_find(audience_copy(a), (session_id){m->session});
	struct item_member known;
	struct buf kept;

	if (!e || e->conn_gen != m->conn_gen)
		return true;
	buf_init(&kept, LINK_BATCH_MAX);
	roster_item(e, &kept, &known);
	bool same = m->kept.len == 0 || span_eq(known.kept, m->kept);
	buf_fini(&kept);
	return !same;
}
