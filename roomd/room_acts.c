/* SPDX-License-Identifier: Apache-2.0 */
/* What a room does about JOIN, LEAVE, CAST, INSPECT and KICK, and which of them wait for what.
 */
#include "common/log.h"
#include "roomd/notice.h"
#include "roomd/room_inside.h"

static bool must_wait(const struct room *, enum message_type, int64_t now_ns);
static void add_waiting(struct room *, struct feed *, const struct message *, int64_t now_ns);
static void act(struct room *, struct feed *, const struct message *, int64_t now_ns);
static void act_join(struct room *, const struct msg_join *, int64_t now_ns);
static void act_leave(struct room *, const struct msg_leave *, int64_t now_ns);
static void act_inspect(struct room *, struct feed *, const struct msg_inspect *);
static void act_kick(struct room *, struct feed *, const struct msg_kick *, int64_t now_ns);

struct presence *room_presence(struct room *r)
{
	r->presence.wall_offset_ms = r->env->wall_offset_ms;
	return &r->presence;
}

void room_take(struct room *r, struct feed *f, const struct message *m, int64_t now_ns)
{
	room_drain(r, now_ns); /* nothing overtakes what need not wait any longer */
	if (must_wait(r, m->type, now_ns))
		add_waiting(r, f, m, now_ns);
	else
		act(r, f, m, now_ns);
}

/* Called once when the wait is over, and once more if coverage comes later. */
void room_open(struct room *r, int64_t now_ns)
{
	if (!r->presence.covered) {
		log_debug("room_opened_uncovered", kv_u64("waiting", r->waiting.count));
		presence_skip_numbers(room_presence(r), now_ns);
	}
	r->open = true;
	presence_tell_roster_all(room_presence(r), now_ns);
	room_drain(r, now_ns);
}

void room_drain(struct room *r, int64_t now_ns)
{
	LIST_EACH (&r->waiting.records, it, ahead) {
		struct waiting_record *w = container_of(it, struct waiting_record, node);
		struct message m;

		if (must_wait(r, w->type, now_ns))
			continue;
		waiting_read(w, &m);
		act(r, feed_set_find(r->env->feeds, w->gateway), &m, now_ns);
		waiting_remove(&r->waiting, w);
	}
	if (!r->tells && !must_wait(r, MESSAGE_CAST, now_ns)) {
		r->tells = true;
		room_events_read(r);
	}
}

bool room_has_heard(const struct room *r, bool (*kind)(const struct feed *))
{
	LIST_EACH (feed_set_all(r->env->feeds), it, ahead) {
		const struct feed *f = container_of(it, struct feed, of_set);
		const struct attachment *a = kind(f) ? presence_find(&r->presence, f) : NULL;

		if (kind(f) && !(a && a->spoken))
			return false;
	}
	return true;
}

void room_keep_join(struct room *r, struct attachment *a, const struct item_member *item,
		    int64_t now_ns)
{
	struct message m = {.type = MESSAGE_JOIN, .join = {.room = room_key(r)}};
	struct item_member bare = *item;
	struct buf members;

	bare.kept = SPAN_NONE; /* the roster has them */
	buf_init(&members, LINK_BATCH_MAX);
	item_put_member(&members, &bare);
	m.join.members = buf_span(&members);
	add_waiting(r, a->feed, &m, now_ns);
	buf_fini(&members);
}

/* People wait a moment for everybody. What would be lost to a busy gateway waits longer for that
 * one (a leave too: it follows its connection's casts), but not for one that is away. Questions
 * wait longer for all. */
static bool must_wait(const struct room *r, enum message_type type, int64_t now_ns)
{
	if (!r->open)
		return true;
	if (r->presence.covered || type == MESSAGE_JOIN || now_ns >= r->answer_at_ns)
		return false;
	bool is_asked = type == MESSAGE_INSPECT || type == MESSAGE_KICK;

	return !room_has_heard(r, is_asked ? feed_is_expected : feed_is_live);
}

static void add_waiting(struct room *r, struct feed *f, const struct message *m, int64_t now_ns)
{
	if (waiting_add(&r->waiting, f->gateway, m) == OK)
		return;
	r->answer_at_ns = now_ns; /* too much waits: go on with what is known */
	room_open(r, now_ns);
	act(r, f, m, now_ns);
}

static void act(struct room *r, struct feed *f, const struct message *m, int64_t now_ns)
{
	switch ((int)m->type) {
	case MESSAGE_JOIN:
		act_join(r, &m->join, now_ns);
		break;
	case MESSAGE_LEAVE:
		act_leave(r, &m->leave, now_ns);
		break;
	case MESSAGE_CAST:
		presence_cast(room_presence(r), f ? presence_find(&r->presence, f) : NULL, &m->cast,
			      now_ns);
		break;
	case MESSAGE_INSPECT:
		if (f)
			act_inspect(r, f, &m->inspect);
		break;
	case MESSAGE_KICK:
		act_kick(r, f, &m->kick, now_ns);
		break;
	default:
		must_failed("a record that no room acts on", __FILE__, __LINE__);
	}
}

static void act_join(struct room *r, const struct msg_join *m, int64_t now_ns)
{
	struct span members = m->members;
	struct item_member item;

	if (!item_next_member(&members, &item))
		return;
	struct roster_entry *e = roster_find(&r->presence.roster, (session_id){item.session});
	if (!e)
		return;
	struct attachment *home = presence_home(&r->presence, e);
	if (home && home->stale) /* nobody was there to see what happened meanwhile */
		presence_tell_roster(room_presence(r), home, now_ns);
	if (!room_replay_join(r, e, now_ns))
		room_announce(r, e, now_ns);
}

static void act_leave(struct room *r, const struct msg_leave *m, int64_t now_ns)
{
	struct roster_entry *e = roster_find(&r->presence.roster, (session_id){m->session});

	if (e && m->conn_gen >= e->conn_gen)
		presence_remove(room_presence(r), e, now_ns);
}

static void act_inspect(struct room *r, struct feed *f, const struct msg_inspect *m)
{
	const struct roster *roster = &r->presence.roster;

	notice_answer(f,
		      &(struct msg_answer){.ask = m->ask,
					   .awake = r->rest.is_awake && roster_entries(roster) > 0},
		      roster);
}

/* It is done even if the one who asked for it is gone. */
static void act_kick(struct room *r, struct feed *f, const struct msg_kick *m, int64_t now_ns)
{
	size_t count = presence_kick(room_presence(r), m, now_ns);

	if (f)
		notice_answer(f, &(struct msg_answer){.ask = m->ask, .count = count}, NULL);
}
