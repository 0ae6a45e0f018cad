/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/room_inside.h"

#include "common/map.h"
#include "common/mem.h"
#include "roomd/notice.h"

#define SOLICIT_AGAIN_NS NS_PER_S

static struct attachment *find_or_add(struct room *, struct feed *);
static void replace(struct room *, struct attachment *, const struct msg_attach *, int64_t now_ns);
static bool replace_one(struct room *, struct attachment *, const struct item_member *,
			int64_t now_ns);
static bool has_other_states(const struct roster_entry *, const struct item_member *);
static void drop_missing(struct room *, struct attachment *, const struct map *mentioned,
			 int64_t now_ns);
static bool leaves_later(const struct room *, const struct roster_entry *);
static bool cover(struct room *, int64_t now_ns);
static void on_timer(struct timer *, int64_t now_ns);
static void solicit_again(struct room *, int64_t now_ns);

struct room *room_new(struct room_env *env, struct span key, uint64_t epoch, int64_t now_ns)
{
	struct room *r = mem_new(sizeof(*r));

	r->env = env;
	r->key = mem_copy(key.p, key.len);
	r->epoch = epoch;
	presence_init(&r->presence, span_of(r->key, key.len), env->state_interval_ns);
	waiting_init(&r->waiting);
	history_init(&r->history, &env->history);
	room_replay_init(&r->replay);
	r->open_at_ns = now_ns + env->welcome_wait_ns;
	r->answer_at_ns = now_ns + ROOM_ANSWER_WAIT_NS;
	r->solicit_ns = now_ns + SOLICIT_AGAIN_NS;
	r->rest.active_ns = now_ns;
	list_init(&r->links.of_slot);
	list_init(&r->links.of_uncovered);
	list_init(&r->links.of_touched);
	list_init(&r->links.of_behind);
	list_init(&r->links.of_unsolicited);
	list_add_last(&env->uncovered, &r->links.of_uncovered);
	list_add_last(&env->unsolicited, &r->links.of_unsolicited);
	room_settle(r);
	return r;
}

void room_free(struct room **pr)
{
	struct room *r = *pr;

	if (!r)
		return;
	*pr = NULL;
	timers_disarm(r->env->timers, &r->timer);
	list_remove(&r->links.of_slot);
	list_remove(&r->links.of_uncovered);
	list_remove(&r->links.of_unsolicited);
	list_remove(&r->links.of_touched);
	list_remove(&r->links.of_behind);
	journal_unwatch(r->env->journal, room_key(r));
	r->env->casts_dropped += r->presence.casts_dropped;
	waiting_fini(&r->waiting);
	history_clear(&r->history);
	room_replay_fini(&r->replay);
	presence_fini(&r->presence);
	mem_free(r->key);
	mem_free(r);
}

void room_on_attach(struct room *r, struct feed *f, const struct msg_attach *m, int64_t now_ns)
{
	struct attachment *a = find_or_add(r, f);
	bool is_told;

	if (m->relay > room_presence(r)->relay)
		room_presence(r)->relay = m->relay;
	if (m->members.len == 0)
		a->attached = false;
	room_rest_attach(r, a);
	replace(r, a, m, now_ns);
	a->spoken = true;
	a->unconfirmed = false;
	if (m->members.len > 0) {
		a->attached = true;
		notice_attached(a, room_key(r), r->epoch, room_presence(r)->relay);
	}
	is_told = cover(r, now_ns);
	if (a->attached && !is_told)
		presence_tell_roster(room_presence(r), a, now_ns);
	room_drain(r, now_ns);
	if (a->attached)
		room_events_attach(r, a, m->next);
	room_settle(r);
}

void room_on_solicit_done(struct room *r, struct feed *f, int64_t now_ns)
{
	struct attachment *a = find_or_add(r, f);

	if (!a->attached)
		presence_remove_home(room_presence(r), a, now_ns);
	a->spoken = true;
	a->unconfirmed = false;
	room_cover(r, now_ns);
	room_drain(r, now_ns);
	room_settle(r);
}

void room_on_message(struct room *r, struct feed *f, const struct message *m, int64_t now_ns)
{
	if (m->type == MESSAGE_JOIN) {
		struct attachment *a = find_or_add(r, f);
		struct span members = m->join.members;
		struct item_member item;

		if (!item_next_member(&members, &item) || !item.session)
			return;
		if (presence_is_over(&r->presence, &item))
			return;
		(void)presence_admit(room_presence(r), a, &item);
	}
	if (m->type != MESSAGE_INSPECT && m->type != MESSAGE_KICK)
		room_stir(r, now_ns);
	room_take(r, f, m, now_ns);
	room_settle(r);
}

void room_on_feed_open(struct attachment *a)
{
	a->attached = a->solicited = a->hibernates = false;
	a->unconfirmed = a->entries > 0;
}

void room_on_feed_doubt(struct attachment *a, bool last, int64_t now_ns)
{
	struct room *r = a->room;
	struct buf *out = feed_out(a->feed);

	if (!a->unconfirmed)
		return;
	if (!last) {
		if (out)
			message_put_solicit(out, &(struct msg_solicit){room_key(r)});
		return;
	}
	a->unconfirmed = false;
	presence_remove_home(room_presence(r), a, now_ns);
	room_settle(r);
}

void room_on_feed_gone(struct attachment *a, int64_t now_ns)
{
	struct room *r = a->room;

	a->attached = false;
	r->rest.is_going = false;
	room_replay_note_home(r, a, now_ns);
	presence_remove_home(room_presence(r), a, now_ns);
	attachment_free(&a);
	room_cover(r, now_ns);
	room_settle(r);
}

void room_cover(struct room *r, int64_t now_ns)
{
	(void)cover(r, now_ns);
}

void room_solicit(struct room *r)
{
	list_remove(&r->links.of_unsolicited);
	LIST_EACH (feed_set_all(r->env->feeds), it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);
		struct attachment *a;

		if (f->state != FEED_LIVE)
			continue;
		a = find_or_add(r, f);
		if (a->spoken || a->solicited)
			continue;
		a->solicited = true;
		message_put_solicit(feed_out(f), &(struct msg_solicit){room_key(r)});
	}
}

void room_say_not_owner(struct room *r, uint64_t epoch)
{
	LIST_EACH (&room_presence(r)->attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);
		struct buf *out = a->attached ? feed_out(a->feed) : NULL;

		if (out)
			message_put_not_owner(out, &(struct msg_not_owner){room_key(r), epoch});
	}
}

struct room_links *room_links(struct room *r)
{
	return &r->links;
}

struct room *room_of_slot(struct list *node)
{
	return container_of(node, struct room, links.of_slot);
}

struct room *room_of_uncovered(struct list *node)
{
	return container_of(node, struct room, links.of_uncovered);
}

struct room *room_of_unsolicited(struct list *node)
{
	return container_of(node, struct room, links.of_unsolicited);
}

struct room *room_of_touched(struct list *node)
{
	return container_of(node, struct room, links.of_touched);
}

struct room *room_of_behind(struct list *node)
{
	return container_of(node, struct room, links.of_behind);
}

struct span room_key(const struct room *r)
{
	return r->presence.key;
}

bool room_is_idle(const struct room *r)
{
	bool is_empty = roster_entries(&r->presence.roster) == 0 && r->waiting.count == 0 &&
			room_replay_is_idle(r) && (r->presence.covered || !r->rest.is_called);

	return is_empty || room_rest_is_over(r);
}

bool room_is_attached(const struct room *r, const struct feed *f)
{
	const struct attachment *a = presence_find(&r->presence, f);

	return a && a->attached;
}

void room_set_epoch(struct room *r, uint64_t epoch)
{
	r->epoch = epoch;
}

const struct roster *room_roster(const struct room *r)
{
	return &r->presence.roster;
}

uint64_t room_head(const struct room *r)
{
	return r->head;
}

uint64_t room_relay(const struct room *r)
{
	return r->presence.relay;
}

bool room_is_covered(const struct room *r)
{
	return r->presence.covered;
}

static struct attachment *find_or_add(struct room *r, struct feed *f)
{
	struct attachment *a = presence_find(&r->presence, f);

	return a ? a : attachment_new(r, &r->presence.attachments, f);
}

/* The entries at home there become exactly those of the list. */
static void replace(struct room *r, struct attachment *a, const struct msg_attach *m,
		    int64_t now_ns)
{
	struct span members = m->members;
	struct item_member item;
	struct map mentioned;

	a->shows = a->shows && a->attached; /* what is on the way over this link */
	map_init(&mentioned);
	while (item_next_member(&members, &item)) {
		if (!item.session || map_find_u64(&mentioned, item.session))
			continue;
		if (replace_one(r, a, &item, now_ns))
			map_add_u64(&mentioned, item.session, a);
	}
	drop_missing(r, a, &mentioned, now_ns);
	map_fini(&mentioned);
}

/* False: the session is at home elsewhere, over a newer connection. Who was welcomed once, over
 * whichever connection, is no news. */
static bool replace_one(struct room *r, struct attachment *a, const struct item_member *item,
			int64_t now_ns)
{
	const struct roster_entry *known =
		roster_find(&r->presence.roster, (session_id){item->session});
	bool is_news = !known || item->conn_gen > known->conn_gen;
	bool is_other = known && has_other_states(known, item);

	if (presence_is_over(&r->presence, item))
		return false;
	struct roster_entry *e = presence_admit(room_presence(r), a, item);
	bool is_home = e->home.v == a->feed->gateway.v;

	if (is_home && item->tail == ROSTER_TAIL_OWED)
		room_replay_note(r, e, now_ns);
	/* Its JOIN may wait here still. Was it welcomed before, the gateway does not know: either
	 * that is on the way, or it came under an ATTACH that the gateway has given up. Told twice,
	 * it hears once. */
	if (item->fresh) {
		if (is_home && (is_news || e->seen)) {
			room_stir(r, now_ns);
			room_keep_join(r, a, item, now_ns);
		}
		return is_home;
	}
	a->shows = true;
	if (r->open && (!e->seen || e->told_gen < e->conn_gen || (is_home && is_other)))
		presence_add_silently(room_presence(r), e, now_ns);
	e->seen = true;
	return is_home;
}

/* The cast that said so was lost with the link: the others know the older ones only. */
static bool has_other_states(const struct roster_entry *e, const struct item_member *item)
{
	struct item_member known;
	struct buf kept;

	if (item->kept.len == 0)
		return false;
	buf_init(&kept, LINK_BATCH_MAX);
	roster_item(e, &kept, &known);
	bool is_other = !span_eq(known.kept, item->kept);
	buf_fini(&kept);
	return is_other;
}

static void drop_missing(struct room *r, struct attachment *a, const struct map *mentioned,
			 int64_t now_ns)
{
	struct roster *roster = &room_presence(r)->roster;

	if (a->entries == mentioned->len)
		return;
	LIST_EACH (&roster->entries, it, ahead) {
		struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->home.v == a->feed->gateway.v && !map_find_u64(mentioned, e->session.v) &&
		    !leaves_later(r, e))
			presence_remove(room_presence(r), e, now_ns);
	}
}

/* Its LEAVE waits with what else the room does not do yet, and says it to everybody. */
static bool leaves_later(const struct room *r, const struct roster_entry *e)
{
	LIST_EACH (&r->waiting.records, it, ahead) {
		const struct waiting_record *w = container_of(it, struct waiting_record, node);
		struct message m;

		if (w->type != MESSAGE_LEAVE)
			continue;
		waiting_read(w, &m);
		if (m.leave.session == e->session.v && m.leave.conn_gen >= e->conn_gen)
			return true;
	}
	return false;
}

/* True: it was told to all. A gateway that has died is not waited for with what people do, but it
 * is with saying that anybody went: whom it had may come back within the grace. */
static bool cover(struct room *r, int64_t now_ns)
{
	bool covers = !r->presence.covered && room_has_heard(r, feed_is_remembered);

	if (!covers && (r->open || !room_has_heard(r, feed_is_expected)))
		return false;
	if (covers) {
		r->presence.covered = true;
		list_remove(&r->links.of_uncovered);
		list_remove(&r->links.of_unsolicited);
	}
	room_open(r, now_ns);
	room_settle(r);
	return true;
}

/* After each change: the timer, and a look at whether anybody still needs the room. */
void room_settle(struct room *r)
{
	int64_t at_ns = presence_next_ns(&r->presence);

	if (!r->open && r->open_at_ns < at_ns)
		at_ns = r->open_at_ns;
	if (!r->presence.covered && r->solicit_ns < at_ns)
		at_ns = r->solicit_ns;
	if ((r->waiting.count > 0 || !r->tells) && r->answer_at_ns < at_ns)
		at_ns = r->answer_at_ns;
	if (room_replay_next_ns(r) < at_ns)
		at_ns = room_replay_next_ns(r);
	if (room_rest_next_ns(r) < at_ns)
		at_ns = room_rest_next_ns(r);
	if (at_ns == INT64_MAX)
		timers_disarm(r->env->timers, &r->timer);
	else
		timers_arm(r->env->timers, &r->timer, at_ns, on_timer);
	if (list_is_empty(&r->links.of_touched))
		list_add_last(&r->env->touched, &r->links.of_touched);
}

static void on_timer(struct timer *t, int64_t now_ns)
{
	struct room *r = container_of(t, struct room, timer);

	if (!r->open && now_ns >= r->open_at_ns)
		room_open(r, now_ns);
	if (!r->presence.covered && now_ns >= r->solicit_ns)
		solicit_again(r, now_ns);
	room_drain(r, now_ns);
	presence_tick(room_presence(r), now_ns);
	room_replay_tick(r, now_ns);
	room_rest_tick(r, now_ns);
	room_settle(r);
}

/* A gateway whose view is older than ours answers when it has read ours; by then it may have left
 * the room, and attach nothing. */
static void solicit_again(struct room *r, int64_t now_ns)
{
	LIST_EACH (&r->presence.attachments, it, ahead) {
		struct attachment *a = container_of(it, struct attachment, of_room);

		a->solicited = a->solicited && a->spoken;
	}
	list_remove(&r->links.of_unsolicited);
	list_add_last(&r->env->unsolicited, &r->links.of_unsolicited);
	r->solicit_ns = now_ns + SOLICIT_AGAIN_NS;
}
