/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/presence.h"

#include "common/mem.h"
#include "proto/bridge.h"
#include "roomd/notice.h"

static void remember(struct presence *, const struct roster_entry *);
static bool is_alone(const struct roster_entry *);
static bool leads(const struct roster_entry *);
static bool shows_any(const struct presence *);
static void state_changed(struct presence *, int64_t now_ns);
static void tell_state(struct presence *, int64_t now_ns);
static struct notice notice_of(struct presence *, uint64_t relay, int64_t now_ns);

void presence_init(struct presence *p, struct span key, int64_t state_interval_ns)
{
	*p = (struct presence){.key = key, .state_interval_ns = state_interval_ns};
	roster_init(&p->roster);
	list_init(&p->attachments);
}

void presence_fini(struct presence *p)
{
	LIST_EACH (&p->attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		attachment_free(&a);
	}
	roster_fini(&p->roster);
	mem_free(p->departed);
}

struct attachment *presence_find(const struct presence *p, const struct feed *f)
{
	LIST_EACH (&p->attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		if (a->feed == f)
			return a;
	}
	return NULL;
}

struct attachment *presence_home(const struct presence *p, const struct roster_entry *e)
{
	LIST_EACH (&p->attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		if (a->feed->gateway.v == e->home.v)
			return a;
	}
	return NULL;
}

bool presence_is_over(const struct presence *p, const struct item_member *item)
{
	for (size_t i = 0; p->departed && i < PRESENCE_DEPARTED; i++)
		if (p->departed->of[i].session == item->session &&
		    item->conn_gen < p->departed->of[i].conn_gen)
			return true;
	return false;
}

struct roster_entry *presence_admit(struct presence *p, struct attachment *a,
				    const struct item_member *item)
{
	struct roster_entry *e = roster_find(&p->roster, (session_id){item->session});
	struct attachment *old = e ? presence_home(p, e) : NULL;
	bool first;

	if (e && item->conn_gen < e->conn_gen)
		return e; /* it has moved on to another gateway */
	e = roster_put(&p->roster, item, a->feed->gateway, &first);
	if (old)
		old->entries--;
	a->entries++;
	return e;
}

void presence_add_silently(struct presence *p, struct roster_entry *e, int64_t now_ns)
{
	struct notice n = notice_of(p, 0, now_ns);
	bool is_new = !e->seen;

	e->seen = true;
	e->told_gen = e->conn_gen;
	notice_joined(&n, e, presence_home(p, e));
	if (is_new && leads(e))
		state_changed(p, now_ns);
}

void presence_announce(struct presence *p, struct roster_entry *e, int64_t now_ns)
{
	bool is_new = !e->seen;
	bool others = roster_entries(&p->roster) > 1;
	struct attachment *home = presence_home(p, e);
	struct notice n = notice_of(p, 0, now_ns);

	/* Of a session that moved, gateways are told too: the one that had it knows no better any
	 * more what it does. */
	if (is_new || e->told_gen < e->conn_gen) {
		n.relay = is_new && others && is_alone(e) ? ++p->relay : 0;
		e->seen = true;
		e->told_gen = e->conn_gen;
		notice_joined(&n, e, NULL);
	}
	size_t count = 2 + roster_kept_of_others(&p->roster, e);

	if (home && attachment_out(home)) {
		n.relay = p->relay + 1;
		p->relay += count;
		home->shows = true;
		notice_welcomed(&n, home, e->session, count);
	}
	if (is_new && others && leads(e))
		state_changed(p, now_ns);
}

void presence_remove(struct presence *p, struct roster_entry *e, int64_t now_ns)
{
	struct attachment *home = presence_home(p, e);
	session_id session = e->session;
	bool is_shown = e->seen && is_alone(e);
	bool led = e->seen && leads(e);

	if (home)
		home->entries--;
	remember(p, e);
	(void)roster_remove(&p->roster, e);
	if (roster_entries(&p->roster) == 0) {
		p->state_due = false;
		return;
	}
	if (!p->covered)
		return;
	struct notice n = notice_of(p, is_shown ? ++p->relay : 0, now_ns);
	notice_left(&n, session);
	if (led)
		state_changed(p, now_ns);
}

void presence_remove_home(struct presence *p, const struct attachment *a, int64_t now_ns)
{
	if (a->entries == 0)
		return;
	LIST_EACH (&p->roster.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->home.v == a->feed->gateway.v)
			presence_remove(p, e, now_ns);
	}
}

void presence_cast(struct presence *p, const struct attachment *from, const struct msg_cast *m,
		   int64_t now_ns)
{
	bool numbered =
		m->shape == BODY_V0; /* no v0 client is shown another, and none counts one */
	struct notice n = notice_of(p, numbered ? p->relay + 1 : 0, now_ns);
	struct roster_entry *e = roster_find(&p->roster, (session_id){m->session});

	if (m->keep && e && !(from && from->feed->gateway.v == e->home.v))
		return; /* late: the session goes on over another gateway, with what it is told
			   there */
	if (e && m->keep)
		kept_put(&e->kept, m->key, m->keep == 1 ? m->body : SPAN_NONE);
	if (!notice_cast_has_hearer(&n, from))
		return;
	p->relay += numbered;
	p->casts_dropped += notice_cast(&n, m, from);
}

void presence_skip_numbers(struct presence *p, int64_t now_ns)
{
	uint64_t clock = (uint64_t)(now_ns / NS_PER_MS + p->wall_offset_ms);

	if (p->relay < clock)
		p->relay = clock;
}

size_t presence_kick(struct presence *p, const struct msg_kick *m, int64_t now_ns)
{
	struct notice n = notice_of(p, p->relay, now_ns);
	size_t count = 0;

	LIST_EACH (&p->roster.entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		count += roster_is_meant(e, m->user, m->session);
	}
	if (!count)
		return 0;
	notice_kicked(&n, m);
	LIST_EACH (&p->roster.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (roster_is_meant(e, m->user, m->session))
			presence_remove(p, e, now_ns);
	}
	return count;
}

void presence_tell_roster(struct presence *p, struct attachment *a, int64_t now_ns)
{
	uint64_t relay = p->covered && a->shows ? ++p->relay : 0;
	struct notice n = notice_of(p, relay, now_ns);

	notice_roster(&n, a, &p->roster, p->covered);
}

void presence_tell_roster_all(struct presence *p, int64_t now_ns)
{
	uint64_t relay = p->covered && shows_any(p) ? ++p->relay : 0;
	struct notice n = notice_of(p, relay, now_ns);

	LIST_EACH (&p->attachments, it, ahead) {
		notice_roster(&n, container_of(it, struct attachment, of_room), &p->roster,
			      p->covered);
	}
	LIST_EACH (&p->roster.entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		e->told_gen = e->conn_gen;
	}
}

int64_t presence_next_ns(const struct presence *p)
{
	return p->state_due ? p->state_at_ns : INT64_MAX;
}

void presence_tick(struct presence *p, int64_t now_ns)
{
	if (p->state_due && now_ns >= p->state_at_ns)
		tell_state(p, now_ns);
}

/* Only who moved has an older connection that somebody may still name. */
static void remember(struct presence *p, const struct roster_entry *e)
{
	if (e->conn_gen <= 1)
		return;
	if (!p->departed)
		p->departed = mem_new(sizeof *p->departed);
	size_t at = p->departed->next++ % PRESENCE_DEPARTED;

	p->departed->of[at].session = e->session.v;
	p->departed->of[at].conn_gen = e->conn_gen;
}

/* No other connection of this user has been announced. */
static bool is_alone(const struct roster_entry *e)
{
	LIST_EACH (&e->user->entries, it, ahead) {
		const struct roster_entry *other = container_of(it, struct roster_entry, of_user);

		if (other != e && other->seen)
			return false;
	}
	return true;
}

/* Of the user's connections that have been announced it is the first: the list shows it by this
 * one. */
static bool leads(const struct roster_entry *e)
{
	LIST_EACH (&e->user->entries, it, ahead) {
		const struct roster_entry *other = container_of(it, struct roster_entry, of_user);

		if (other == e || other->seen)
			return other == e;
	}
	return true;
}

static bool shows_any(const struct presence *p)
{
	LIST_EACH (&p->attachments, it, ahead) {
		if (container_of(it, struct attachment, of_room)->shows)
			return true;
	}
	return false;
}

static void state_changed(struct presence *p, int64_t now_ns)
{
	p->state_due = true;
	presence_tick(p, now_ns);
}

static void tell_state(struct presence *p, int64_t now_ns)
{
	p->state_due = false;
	if (roster_users(&p->roster) > PRESENCE_STATE_USERS_MAX)
		return;
	struct notice n = notice_of(p, ++p->relay, now_ns);

	p->state_at_ns = now_ns + p->state_interval_ns;
	notice_room_state(&n);
}

static struct notice notice_of(struct presence *p, uint64_t relay, int64_t now_ns)
{
	return (struct notice){
		.key = p->key,
		.attachments = &p->attachments,
		.at_ms = now_ns / NS_PER_MS + p->wall_offset_ms,
		.relay = relay,
	};
}
