/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/shard.h"

#include "common/log.h"
#include "common/mem.h"
#include "proto/ticks.h"
#include "roomd/journal.h"
#include "roomd/publications.h"
#include "roomd/pages.h"
#include "roomd/requests.h"
#include "roomd/retention.h"

#define SLEPT_NS (500 * NS_PER_MS) /* less than it takes to be missed, and declared dead */
/* So long the database may be away before presence goes on without it, if every gateway still
 * speaks to us: none of them knows of another owner. */
#define DOUBT_MAX_NS (2 * NS_PER_S)
#define SPOKEN_NS (500 * NS_PER_MS) /* who is there says something each 100 ms */

struct shard {
	struct shard_setup setup;
	struct feed_set *feeds;
	struct room_set *rooms;
	struct membership *membership;
	struct journal *journal;
	struct pages *pages;
	struct publications *publications;
	struct retention retention;
	int64_t now_ns, wall_offset_ms;
	uint64_t records, stale, refused;
	bool doubtful;    /* it slept, and has not read the view since: records are parked */
	int64_t slept_ns; /* until then */
};

static void notice_sleep(struct shard *, int64_t now_ns);
static bool is_spoken_to(const struct shard *, int64_t now_ns);
static void take(struct shard *, struct feed *, struct span records, bool is_final, int64_t now_ns);
static void park(struct shard *, struct feed *, struct span records, int64_t now_ns);
static void unpark(struct shard *, struct feed *, int64_t now_ns);
static void flush(struct shard *, int64_t now_ns);
static void on_open(void *owner, struct feed *);
static void on_doubt(void *owner, struct feed *, bool last, int64_t now_ns);
static void on_gone(void *owner, struct feed *, int64_t now_ns);
static void on_lost(void *owner, unsigned slot, uint64_t epoch);
static size_t on_given(void *owner, unsigned slot);
static void on_pulled(void *owner, enum err);
static void decide(struct shard *, int64_t now_ns);
static void on_event(void *owner, struct span room, const struct store_event *);
static void on_ack(void *owner, const struct journal_asker *);
static void on_refused(void *owner, const struct journal_asker *, enum err);
static void on_conflict(void *owner, const struct journal_asker *, const struct store_newer *);
static void on_head(void *owner, struct span room, const struct store_head *);
static void on_fenced(void *owner, unsigned slot);
static void on_retaken(void *owner, uint64_t version, const struct store_slot *, size_t count);
static struct buf *out_to(struct shard *, incarnation_id gateway);

struct shard *shard_new(const struct shard_setup *setup, int64_t now_ns)
{
	struct shard *s = mem_new(sizeof(*s));

	s->setup = *setup;
	s->now_ns = now_ns;
	s->feeds = feed_set_new(
		&(struct feed_setup){
			.self = setup->self,
			.name = setup->name,
			.heartbeat_ns = setup->heartbeat_ns,
			.silence_ns = setup->silence_ns,
			.grace_ns = setup->grace_ns,
			.send = setup->send,
			.send_owner = setup->send_owner,
			.hooks = {on_open, on_doubt, on_gone, s},
		},
		now_ns);
	s->journal = journal_new(&(struct journal_setup){
		.self = setup->self,
		.store = setup->store,
		.hooks = {on_event, on_ack, on_refused, on_conflict, on_head, on_fenced, on_retaken,
			  s},
	});
	s->rooms = room_set_new(&(struct room_set_setup){
		.feeds = s->feeds,
		.timers = setup->timers,
		.journal = s->journal,
		.store = setup->store,
		.history_bytes = setup->history_bytes,
		.state_interval_ns = setup->state_interval_ns,
		.welcome_wait_ns = setup->welcome_wait_ns,
		.resume_ns = setup->resume_ns,
		.hibernate_ns = setup->hibernate_ns,
	});
	s->publications = publications_new(setup->self, setup->store, s->journal);
	retention_init(&s->retention, setup->store, setup->retention_ns, now_ns);
	s->pages = pages_new(&(struct pages_setup){s->feeds, s->rooms, s->journal, setup->store});
	s->membership = membership_new(
		&(struct membership_setup){
			.self = setup->self,
			.name = setup->name,
			.endpoint = setup->endpoint,
			.store = setup->store,
			.journal = s->journal,
			.feeds = s->feeds,
			.poll_ns = setup->poll_ns,
			.settle_ns = setup->settle_ns,
			.drain_ns = setup->drain_ns,
			.vote_ns = setup->vote_ns,
			.on_lost = on_lost,
			.on_given = on_given,
			.on_pulled = on_pulled,
			.owner = s,
		},
		now_ns);
	return s;
}

void shard_free(struct shard **ps)
{
	struct shard *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	membership_free(&s->membership);
	room_set_free(&s->rooms);
	pages_free(&s->pages);
	publications_free(&s->publications);
	journal_free(&s->journal);
	feed_set_free(&s->feeds);
	mem_free(s);
}

void shard_receive(struct shard *s, struct span route, struct span bytes, int64_t now_ns)
{
	struct feed_input in = {.feed = NULL};

	notice_sleep(s, now_ns);
	enum err e = feed_set_receive(s->feeds, route, bytes, now_ns, &in);

	if (e == ERR_WRONG_PEER) {
		s->stale++;
	} else if (e) {
		s->refused++;
	} else if (in.feed->parked.len > 0 || s->doubtful) {
		park(s, in.feed, in.records, now_ns);
	} else {
		take(s, in.feed, in.records, false, now_ns);
	}
}

void shard_on_connection(struct shard *s)
{
	journal_on_connection(s->journal);
}

void shard_on_published(struct shard *s)
{
	publications_on_hint(s->publications);
}

void shard_on_hint(struct shard *s, uint64_t view_version)
{
	membership_on_hint(s->membership, view_version);
}

void shard_turn(struct shard *s, int64_t now_ns, int64_t unix_ms)
{
	notice_sleep(s, now_ns);
	s->now_ns = now_ns;
	s->wall_offset_ms = unix_ms - now_ns / NS_PER_MS;
	room_set_at(s->rooms, s->wall_offset_ms, now_ns);
	membership_tick(s->membership, now_ns);
	if (s->doubtful && now_ns >= s->slept_ns + DOUBT_MAX_NS && is_spoken_to(s, now_ns))
		decide(s, now_ns);
	if (!s->doubtful)
		feed_set_tick(s->feeds, now_ns);
	room_set_end_turn(s->rooms, now_ns);
	publications_turn(s->publications, now_ns);
	retention_turn(&s->retention, now_ns);
	journal_turn(s->journal, membership_view(s->membership)->version, now_ns);
	pages_turn(s->pages, now_ns);
	flush(s, now_ns);
}

void shard_hibernate_after(struct shard *s, int64_t idle_ns, int64_t now_ns)
{
	room_set_hibernate_after(s->rooms, idle_ns, now_ns);
}

void shard_drain(struct shard *s, int64_t now_ns)
{
	membership_drain(s->membership, now_ns);
}

void shard_say_goodbye(struct shard *s, int64_t now_ns)
{
	LIST_EACH (feed_set_all(s->feeds), it, ahead) {
		struct buf *out = feed_out(container_of(it, struct feed, of_set));

		if (out)
			message_put_goodbye(out, &(struct msg_goodbye){0});
	}
	flush(s, now_ns);
}

struct room_set *shard_rooms(struct shard *s)
{
	return s->rooms;
}

struct membership *shard_membership(struct shard *s)
{
	return s->membership;
}

enum membership_state shard_state(const struct shard *s)
{
	return membership_state(s->membership);
}

bool shard_is_calm(const struct shard *s)
{
	return ticks_may_be_calm(s->setup.heartbeat_ns, s->setup.silence_ns) &&
	       membership_is_calm(s->membership);
}

bool shard_is_settled(const struct shard *s)
{
	return membership_is_settled(s->membership);
}

bool shard_is_storing(const struct shard *s)
{
	return journal_staged(s->journal) > 0;
}

void shard_figures(const struct shard *s, struct shard_figures *out)
{
	const struct history_pool *history = room_set_history(s->rooms);

	*out = (struct shard_figures){
		.history = {history->bytes, history->hits, history->misses},
		.rooms = room_set_rooms(s->rooms),
		.entries = room_set_entries(s->rooms),
		.slots = membership_slots(s->membership),
		.feeds = feed_set_live(s->feeds),
		.staged = journal_staged(s->journal),
		.staged_bytes = journal_staged_bytes(s->journal),
		.staged_ns = journal_staged_ns(s->journal),
		.records = s->records,
		.stale = s->stale,
		.refused = s->refused,
		.casts_dropped = room_set_casts_dropped(s->rooms),
		.hibernations = room_set_hibernations(s->rooms),
	};
}

/* Others may have been given our rooms meanwhile. What we write is fenced, but presence is not
 * written: nothing is said of a room before the view was read anew. */
static void notice_sleep(struct shard *s, int64_t now_ns)
{
	if (s->now_ns == 0 || now_ns - s->now_ns < SLEPT_NS)
		return;
	log_warn("slept", kv_i64("ms", (now_ns - s->now_ns) / NS_PER_MS));
	s->now_ns = now_ns;
	s->doubtful = true;
	s->slept_ns = now_ns;
	membership_pull(s->membership);
}

/* Just now, by every gateway that was there when it fell asleep: what is read at first after a
 * sleep was said in it. */
static bool is_spoken_to(const struct shard *s, int64_t now_ns)
{
	LIST_EACH (feed_set_all(s->feeds), it, ahead) {
		const struct feed *f = container_of(it, struct feed, of_set);

		if (f->state == FEED_LIVE ? now_ns - f->heard_ns > SPOKEN_NS
					  : f->away_ns >= s->slept_ns)
			return false;
	}
	return true;
}

static void take(struct shard *s, struct feed *f, struct span records, bool is_final,
		 int64_t now_ns)
{
	const struct requests q = {s->rooms,          s->journal,    s->pages,
				   s->wall_offset_ms, s->membership, is_final};
	struct message m;

	while (records.len > 0 && f->state == FEED_LIVE) {
		struct span here = records;
		enum err e = message_next(&records, &m);

		if (!e && m.type)
			e = requests_take(&q, f, &m, now_ns);
		s->records++;
		if (e == ERR_NOT_OWNER) {
			park(s, f, here, now_ns);
			membership_pull(s->membership);
			return;
		}
		if (e) {
			s->refused++;
			feed_lose(f, e, now_ns);
		}
	}
}

static void park(struct shard *s, struct feed *f, struct span records, int64_t now_ns)
{
	buf_put_span(&f->parked, records);
	if (!f->parked.over)
		return;
	s->refused++;
	feed_lose(f, ERR_OVERLOADED, now_ns);
}

static void unpark(struct shard *s, struct feed *f, int64_t now_ns)
{
	struct buf parked = f->parked;

	buf_init(&f->parked, FEED_PARKED_MAX);
	take(s, f, buf_span(&parked), true, now_ns);
	buf_fini(&parked);
}

static void flush(struct shard *s, int64_t now_ns)
{
	const struct view *v = membership_view(s->membership);
	const struct feed_facts facts = {
		.view = v->version,
		.worker_age_ns = now_ns - membership_worker_ns(s->membership),
		.database_ok = store_is_up(s->setup.store),
	};

	feed_set_flush(s->feeds, &facts, now_ns);
}

static void on_open(void *owner, struct feed *f)
{
	struct shard *s = owner;

	room_set_on_feed_open(s->rooms, f);
}

static void on_doubt(void *owner, struct feed *f, bool last, int64_t now_ns)
{
	struct shard *s = owner;

	room_set_on_feed_doubt(s->rooms, f, last, now_ns);
}

static void on_gone(void *owner, struct feed *f, int64_t now_ns)
{
	struct shard *s = owner;

	room_set_on_feed_gone(s->rooms, f, now_ns);
}

static void on_lost(void *owner, unsigned slot, uint64_t epoch)
{
	struct shard *s = owner;

	room_set_disown_slot(s->rooms, slot, epoch);
}

static size_t on_given(void *owner, unsigned slot)
{
	struct shard *s = owner;

	return room_set_drop_slot(s->rooms, slot);
}

static void on_pulled(void *owner, enum err e)
{
	struct shard *s = owner;

	if (!(e && s->doubtful)) /* else once the database is back, which is read of at once */
		decide(s, s->now_ns);
}

/* What waited for the view. */
static void decide(struct shard *s, int64_t now_ns)
{
	s->doubtful = false;
	LIST_EACH (feed_set_all(s->feeds), it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);

		if (f->parked.len > 0)
			unpark(s, f, now_ns);
	}
}

static void on_event(void *owner, struct span room, const struct store_event *e)
{
	struct shard *s = owner;
	const struct view *view = membership_view(s->membership);
	struct room *r = room_set_find(s->rooms, room);

	if (!r) {
		r = room_set_get(s->rooms, room, view->slots[slot_of(room)].epoch, s->now_ns);
		room_call(r);
	}
	room_on_event(r, e);
}

static void on_ack(void *owner, const struct journal_asker *asker)
{
	struct shard *s = owner;
	struct buf *out = out_to(s, asker->gateway);

	publications_on_settled(s->publications, asker);
	if (out)
		message_put_ack(out, &(struct msg_ack){
					     .room = asker->room,
					     .producer = asker->event->producer,
					     .pseq = asker->event->pseq,
					     .seq = asker->event->seq,
				     });
}

static void on_refused(void *owner, const struct journal_asker *asker, enum err why)
{
	struct shard *s = owner;
	struct feed *f = feed_set_find(s->feeds, asker->gateway);

	publications_on_settled(s->publications, asker);
	if (f)
		requests_refuse(f, asker, why, &(struct store_newer){0});
}

static void on_conflict(void *owner, const struct journal_asker *asker,
			const struct store_newer *newer)
{
	struct shard *s = owner;
	struct feed *f = feed_set_find(s->feeds, asker->gateway);

	if (f)
		requests_refuse(f, asker, ERR_CONFLICT, newer);
}

static void on_head(void *owner, struct span room, const struct store_head *head)
{
	struct shard *s = owner;
	struct room *r = room_set_find(s->rooms, room);

	if (r)
		room_on_head(r, head);
}

/* As if the view had said so, which it will. */
static void on_fenced(void *owner, unsigned slot)
{
	struct shard *s = owner;

	room_set_disown_slot(s->rooms, slot, membership_view(s->membership)->slots[slot].epoch);
	membership_pull(s->membership);
}

/* Gateways attach anew under the new epochs; nobody is shown anything of it. */
static void on_retaken(void *owner, uint64_t version, const struct store_slot *slots, size_t count)
{
	struct shard *s = owner;
	struct buf grants;

	membership_on_retaken(s->membership, slots, count);
	buf_init(&grants, 64 * SLOTS);
	for (size_t i = 0; i < count; i++) {
		room_set_renew_slot(s->rooms, slots[i].slot, slots[i].epoch);
		item_put_grant(&grants, &(struct item_grant){slots[i].slot, slots[i].epoch});
	}
	LIST_EACH (feed_set_all(s->feeds), it, ahead) {
		struct buf *out = feed_out(container_of(it, struct feed, of_set));

		if (out)
			message_put_moved(out, &(struct msg_moved){
						       .view = version,
						       .owner = s->setup.self.v,
						       .endpoint = span_str(s->setup.endpoint),
						       .slots = buf_span(&grants),
					       });
	}
	buf_fini(&grants);
}

static struct buf *out_to(struct shard *s, incarnation_id gateway)
{
	struct feed *f = feed_set_find(s->feeds, gateway);

	return f ? feed_out(f) : NULL;
}
