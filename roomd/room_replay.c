/* SPDX-License-Identifier: Apache-2.0 */
/* A v0 user who comes back to a room is shown what his lost connection had not proved to have
 * received, right after his welcome and before anything newer. Until those events are at hand -
 * mostly they are in memory - his welcome waits, a second at most. */
#include "roomd/room_inside.h"

#include "common/log.h"
#include "common/mem.h"
#include "proto/slot.h"

#define REPLAY_MAX 256 /* events of one user; older ones are left out, and the log says so */
#define REPLAY_BYTES (4u << 20)
#define WAIT_NS NS_PER_S
#define LOOK_NS (20 * NS_PER_MS)
/* A gateway that is heard of so long after the user came lives; one that is silent for so long is
 * taken for dead here: at worst something is shown twice. */
#define ALIVE_NS (5 * NS_PER_MS)
#define SILENT_NS (500 * NS_PER_MS)

/* Of the other connection of a user who comes: it goes on, it is lost, or nobody can say yet. */
enum fate { FATE_LIVES, FATE_LOST, FATE_DOUBTFUL };

struct replay {
	struct list node;
	session_id session;
	bool claimed; /* owed what is after `after`; else that is not certain yet */
	uint64_t after;
	int64_t since_ns, until_ns;
};

/* Who is welcomed, and up to which event from which page, should memory not have them. */
struct replayed {
	struct roster_entry *entry;
	struct attachment *home;
	uint64_t last;
	const struct store_page *page; /* NULL: none */
};

static bool claim(struct room *, struct replay *, struct roster_entry *, int64_t now_ns);
static enum fate fate_of(const struct room *, const struct replay *, const struct roster_entry *,
			 int64_t now_ns);
static bool has_all(const struct room *, const struct roster_entry *);
static bool try(struct room *, struct replay *, const struct store_page *, int64_t now_ns);
static bool last_told(const struct room *, const struct attachment *, uint64_t *seq);
static bool is_on(const struct store_page *, uint64_t after);
static void show(struct room *, const struct replayed *, const struct store_event *);
static void ask(struct room *, uint64_t after);
static void welcome(struct room *, struct replay *, const struct replayed *, int64_t now_ns);
static void show_history(struct room *, const struct replayed *, uint64_t after);
static void show_page(struct room *, const struct replayed *, uint64_t after);
static void drop(struct replay *);

void room_replay_init(struct room_replay *p)
{
	tails_init(&p->tails);
	list_init(&p->waiting);
}

void room_replay_fini(struct room_replay *p)
{
	tails_fini(&p->tails);
	LIST_EACH (&p->waiting, it, ahead)
		drop(container_of(it, struct replay, node));
}

void room_on_proved(struct room *r, const struct msg_proved *m, int64_t now_ns)
{
	struct roster_entry *e = roster_find(&r->presence.roster, (session_id){m->session});

	if (!e)
		return;
	room_stir(r, now_ns);
	if (m->seq + 1 > e->proved)
		e->proved = m->seq + 1;
	if (m->lost)
		room_replay_note(r, e, now_ns);
}

void room_replay_note(struct room *r, const struct roster_entry *e, int64_t now_ns)
{
	if (e->proved > 0 && r->env->resume_ns > 0)
		tails_note(&r->replay.tails, e->session.v, user_id(e->user->who), e->proved - 1,
			   now_ns + r->env->resume_ns);
}

void room_replay_note_home(struct room *r, const struct attachment *a, int64_t now_ns)
{
	LIST_EACH (&r->presence.roster.entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);

		if (e->home.v == a->feed->gateway.v && e->tail != ROSTER_NO_TAIL)
			room_replay_note(r, e, now_ns);
	}
}

bool room_replay_join(struct room *r, struct roster_entry *e, int64_t now_ns)
{
	if (e->tail == ROSTER_NO_TAIL || r->env->resume_ns == 0 || (e->seen && e->proved == 0))
		return false;
	struct replay *p = mem_new(sizeof *p);

	p->session = e->session;
	p->claimed = e->seen; /* welcomed again: what followed its welcome may be lost with it */
	p->after = e->seen ? e->proved - 1 : 0;
	p->since_ns = now_ns;
	p->until_ns = now_ns + WAIT_NS;
	list_init(&p->node);
	list_add_last(&r->replay.waiting, &p->node);
	room_replay_tick(r, now_ns);
	return true;
}

void room_replay_tick(struct room *r, int64_t now_ns)
{
	uint64_t lowest = UINT64_MAX;

	tails_expire(&r->replay.tails, now_ns);
	r->replay.look_ns = now_ns + LOOK_NS;
	LIST_EACH (&r->replay.waiting, it, ahead) {
		struct replay *p = container_of(it, struct replay, node);

		if (!try(r, p, NULL, now_ns) && p->claimed && p->after < lowest)
			lowest = p->after;
	}
	if (lowest < UINT64_MAX && r->head_known)
		ask(r, lowest);
}

void room_on_replay_page(struct room *r, enum err e, const struct store_page *page)
{
	r->replay.reading = false;
	LIST_EACH (&r->replay.waiting, it, ahead)
		if (!e)
			(void)try(r, container_of(it, struct replay, node), page, r->env->now_ns);
	room_settle(r);
}

/* What was stored before it came, it is not owed. */
void room_announce(struct room *r, struct roster_entry *e, int64_t now_ns)
{
	struct attachment *home = presence_home(&r->presence, e);
	uint64_t last;

	if (e->proved == 0 && home && last_told(r, home, &last))
		e->proved = last + 1;
	presence_announce(room_presence(r), e, now_ns);
}

int64_t room_replay_next_ns(const struct room *r)
{
	int64_t at_ns = tails_next_ns(&r->replay.tails);

	if (!list_is_empty(&r->replay.waiting) && r->replay.look_ns < at_ns)
		at_ns = r->replay.look_ns;
	return at_ns;
}

bool room_replay_is_idle(const struct room *r)
{
	return r->replay.tails.count == 0 && list_is_empty(&r->replay.waiting);
}

/* Settles what he is owed: by a connection that was lost, or by one at a gateway that is gone and
 * cannot say so. False: that cannot be said yet. */
static bool claim(struct room *r, struct replay *p, struct roster_entry *e, int64_t now_ns)
{
	bool certain = true;

	if (tails_claim(&r->replay.tails, user_id(e->user->who), &p->after)) {
		p->claimed = true;
		return true;
	}
	LIST_EACH (&e->user->entries, it, ahead) {
		struct roster_entry *other = container_of(it, struct roster_entry, of_user);
		enum fate fate = other == e ? FATE_LIVES : fate_of(r, p, other, now_ns);

		if (fate == FATE_LOST) {
			p->claimed = true;
			p->after = other->proved - 1;
			other->proved = 0;
			return true;
		}
		certain = certain && fate == FATE_LIVES;
	}
	return certain;
}

static enum fate fate_of(const struct room *r, const struct replay *p, const struct roster_entry *e,
			 int64_t now_ns)
{
	const struct roster_entry *self = roster_find(&r->presence.roster, p->session);
	const struct attachment *home = presence_home(&r->presence, e);

	if (e->tail == ROSTER_NO_TAIL || e->proved == 0 || !home || has_all(r, e) ||
	    tails_knows(&r->replay.tails, e->session.v) || e->home.v == self->home.v ||
	    home->feed->heard_ns > p->since_ns + ALIVE_NS)
		return FATE_LIVES;
	if (home->feed->state != FEED_LIVE || now_ns - home->feed->heard_ns > SILENT_NS)
		return FATE_LOST;
	return FATE_DOUBTFUL;
}

/* Then it does not matter whether it lives. */
static bool has_all(const struct room *r, const struct roster_entry *e)
{
	return r->head_known && e->proved > r->head;
}

/* False: what is owed is not known, or not at hand yet. Else it is done, and `p` is freed. */
static bool try(struct room *r, struct replay *p, const struct store_page *page, int64_t now_ns)
{
	struct roster_entry *e = roster_find(&r->presence.roster, p->session);
	struct attachment *home = e ? presence_home(&r->presence, e) : NULL;
	bool may_wait = now_ns < p->until_ns;
	uint64_t last = 0;

	if (!home) { /* gone again */
		drop(p);
		return true;
	}
	if (!p->claimed && !claim(r, p, e, now_ns) && may_wait)
		return false;
	if (p->claimed && !last_told(r, home, &last) && may_wait)
		return false;
	if (last > p->after + REPLAY_MAX) {
		log_warn("replay_cut", kv_u64("events", last - p->after));
		p->after = last - REPLAY_MAX;
	}
	bool at_hand = history_covers(&r->history, p->after) || (page && is_on(page, p->after));

	if (p->claimed && last > p->after && !at_hand && may_wait)
		return false;
	welcome(r, p, &(struct replayed){e, home, last, page}, now_ns);
	return true;
}

/* Seq of the last event that this gateway was told: those after it come to everybody there. */
static bool last_told(const struct room *r, const struct attachment *a, uint64_t *seq)
{
	*seq = a->event_next - 1;
	return r->head_known && a->attached && a->event_placed && a->event_next > 0;
}

static bool is_on(const struct store_page *page, uint64_t after)
{
	return page->count > 0 && page->events[0].seq <= after + 1 &&
	       page->events[page->count - 1].seq > after;
}

static void show(struct room *r, const struct replayed *w, const struct store_event *e)
{
	struct buf *out = attachment_out(w->home);

	if (out)
		room_put_event(out, r, e, w->entry->session);
}

static void ask(struct room *r, uint64_t after)
{
	const struct store_range range = {
		.room = {slot_of(room_key(r)), room_key(r)},
		.after = after,
		.limit = REPLAY_MAX,
		.max_bytes = REPLAY_BYTES,
	};

	if (r->replay.reading || !store_is_up(r->env->store))
		return;
	r->replay.reading = true;
	store_read(r->env->store, &range, r->env->on_replay_page, r->env->owner);
}

static void welcome(struct room *r, struct replay *p, const struct replayed *w, int64_t now_ns)
{
	uint64_t after = p->after;
	bool owed = p->claimed && w->last > after;

	if (p->claimed)
		w->entry->proved = after + 1; /* what it is shown now may be lost, too */
	drop(p);
	room_announce(r, w->entry, now_ns);
	if (!owed)
		return;
	if (history_covers(&r->history, after))
		show_history(r, w, after);
	else if (w->page && is_on(w->page, after))
		show_page(r, w, after);
	else
		log_warn("replay_failed", kv_u64("events", w->last - after));
}

static void show_history(struct room *r, const struct replayed *w, uint64_t after)
{
	for (const struct store_event *one = history_after(&r->history, after);
	     one && one->seq <= w->last; one = history_next(&r->history, one))
		show(r, w, one);
}

static void show_page(struct room *r, const struct replayed *w, uint64_t after)
{
	for (size_t i = 0; i < w->page->count; i++)
		if (w->page->events[i].seq > after && w->page->events[i].seq <= w->last)
			show(r, w, &w->page->events[i]);
}

static void drop(struct replay *p)
{
	list_remove(&p->node);
	mem_free(p);
}
