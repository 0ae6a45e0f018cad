/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/feed_set.h"

#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"
#include "proto/ticks.h"

#define VOTER_NS (1 * NS_PER_S)
#define FACTS_EVERY 5              /* heartbeats that a busy feed may go without one */
#define DOUBT_NS (500 * NS_PER_MS) /* a gateway attaches all its rooms well within that */

struct feed_set {
	struct feed_setup setup;
	struct list feeds;
	struct map by_gateway;
	int64_t ticked_ns;
};

struct send_to { /* what channel_flush hands through */
	const struct feed_setup *setup;
	const struct feed *feed;
};

static enum err open_generation(struct feed_set *, struct span route, struct span bytes,
				int64_t now_ns, struct feed_input *);
static enum err read_hello(struct channel *, struct span bytes, struct span *records,
			   struct message *);
static void greet(struct feed_set *, struct feed *, uint64_t revision_max);
static struct feed *add(struct feed_set *, incarnation_id gateway, int64_t now_ns);
static int64_t later(int64_t at_ns, int64_t stall_ns, int64_t now_ns);
static void tick_feed(struct feed_set *, struct feed *, int64_t now_ns);
static int64_t patience(const struct feed_set *, const struct feed *);
static void tick_doubt(struct feed_set *, struct feed *, int64_t now_ns);
static void tell_lost(struct feed_set *);
static void flush_feed(struct feed_set *, struct feed *, const struct feed_facts *, int64_t now_ns);
static enum err send_batch(void *owner, struct span bytes);

struct feed_set *feed_set_new(const struct feed_setup *setup, int64_t now_ns)
{
	struct feed_set *s = mem_new(sizeof(*s));

	s->setup = *setup;
	list_init(&s->feeds);
	map_init(&s->by_gateway);
	s->ticked_ns = now_ns;
	return s;
}

void feed_set_free(struct feed_set **ps)
{
	struct feed_set *s = *ps;

	if (!s)
		return;
	*ps = NULL;
	LIST_EACH (&s->feeds, it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);

		feed_free(&f);
	}
	map_fini(&s->by_gateway);
	mem_free(s);
}

enum err feed_set_receive(struct feed_set *s, struct span route, struct span bytes, int64_t now_ns,
			  struct feed_input *out)
{
	struct channel_head head;

	if (channel_peek(bytes, &head) != OK)
		return ERR_BAD_MESSAGE;
	if (head.destination.v != s->setup.self.v)
		return ERR_WRONG_PEER;
	struct feed *f = feed_set_find(s, head.source);
	if (!f || head.generation > f->generation)
		return open_generation(s, route, bytes, now_ns, out);
	if (head.generation < f->generation || f->state != FEED_LIVE)
		return ERR_WRONG_PEER;
	enum err e = channel_take(&f->channel, bytes, &out->records);
	if (e) {
		feed_lose(f, e, now_ns);
		return e;
	}
	f->heard_ns = now_ns;
	out->feed = f;
	return OK;
}

void feed_set_list_begin(struct feed_set *s)
{
	LIST_EACH (&s->feeds, it, ahead) {
		container_of(it, struct feed, of_set)->listed = false;
	}
}

void feed_set_list(struct feed_set *s, incarnation_id gateway, int64_t now_ns)
{
	struct feed *f = feed_set_find(s, gateway);

	if (!f)
		f = add(s, gateway, now_ns);
	if (f)
		f->listed = true;
}

void feed_set_list_dead(struct feed_set *s, incarnation_id gateway, int64_t age_ns, int64_t now_ns)
{
	struct feed *f = feed_set_find(s, gateway);

	if (!f && age_ns < s->setup.grace_ns)
		(void)add(s, gateway, now_ns - age_ns);
	if (f && f->generation == 0 && f->away_ns < now_ns - age_ns)
		f->away_ns = now_ns - age_ns;
}

/* Those that are listed no more live on until they are GONE. */
void feed_set_list_end(struct feed_set *s)
{
	feed_set_tick(s, s->ticked_ns);
}

void feed_set_tick(struct feed_set *s, int64_t now_ns)
{
	int64_t stall_ns = now_ns - s->ticked_ns;

	s->ticked_ns = now_ns;
	LIST_EACH (&s->feeds, it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);

		if (stall_ns > s->setup.silence_ns / 2) { /* it was us who slept, not they */
			f->heard_ns = later(f->heard_ns, stall_ns, now_ns);
			f->away_ns = later(f->away_ns, stall_ns, now_ns);
		}
		tick_feed(s, f, now_ns);
	}
}

void feed_set_flush(struct feed_set *s, const struct feed_facts *facts, int64_t now_ns)
{
	tell_lost(s);
	LIST_EACH (&s->feeds, it, ahead) {
		struct feed *f = container_of(it, struct feed, of_set);

		if (f->state == FEED_LIVE)
			flush_feed(s, f, facts, now_ns);
	}
}

struct feed *feed_set_find(const struct feed_set *s, incarnation_id gateway)
{
	return map_find_u64(&s->by_gateway, gateway.v);
}

struct list *feed_set_all(struct feed_set *s)
{
	return &s->feeds;
}

size_t feed_set_live(const struct feed_set *s)
{
	size_t live = 0;

	LIST_EACH (&s->feeds, it, ahead) {
		live += container_of(it, struct feed, of_set)->state == FEED_LIVE;
	}
	return live;
}

unsigned feed_set_voters(const struct feed_set *s, int64_t now_ns)
{
	unsigned voters = 0;

	LIST_EACH (&s->feeds, it, ahead) {
		const struct feed *f = container_of(it, struct feed, of_set);

		voters += feed_set_is_voter(f, now_ns);
	}
	return voters;
}

bool feed_set_is_voter(const struct feed *f, int64_t now_ns)
{
	return f->state == FEED_LIVE && now_ns - f->heard_ns < VOTER_NS;
}

static enum err open_generation(struct feed_set *s, struct span route, struct span bytes,
				int64_t now_ns, struct feed_input *out)
{
	struct channel_head head;
	struct channel channel;
	struct message m;

	if (channel_peek(bytes, &head) != OK || route.len > FEED_ROUTE_MAX)
		return ERR_BAD_MESSAGE;
	channel_init(&channel, s->setup.self, head.source, head.generation);
	enum err e = read_hello(&channel, bytes, &out->records, &m);
	if (e) {
		channel_fini(&channel);
		return e;
	}
	struct feed *f = feed_set_find(s, head.source);
	if (!f)
		f = add(s, head.source, now_ns);
	if (!f) {
		channel_fini(&channel);
		return ERR_OVERLOADED;
	}
	feed_open(f, &channel, route, m.hello.name, now_ns);
	channel_fini(&channel);
	s->setup.hooks.on_open(s->setup.hooks.owner, f);
	greet(s, f, m.hello.revision_max);
	out->feed = f;
	return OK;
}

/* Whoever does not begin with a HELLO we understand gets no state here. */
static enum err read_hello(struct channel *channel, struct span bytes, struct span *records,
			   struct message *m)
{
	enum err e = channel_take(channel, bytes, records);

	if (e)
		return e;
	if (records->len == 0 || message_next(records, m) != OK || m->type != MESSAGE_HELLO)
		return ERR_BAD_MESSAGE;
	if (m->hello.revision_min > MESSAGE_REVISION_MAX ||
	    m->hello.revision_max < MESSAGE_REVISION_MIN) {
		log_warn("feed_refused", kv_span("name", m->hello.name),
			 kv_u64("revision_min", m->hello.revision_min),
			 kv_u64("revision_max", m->hello.revision_max),
			 kv_str("why", err_name(ERR_BAD_REVISION)));
		return ERR_BAD_REVISION;
	}
	return OK;
}

static void greet(struct feed_set *s, struct feed *f, uint64_t revision_max)
{
	message_put_greeting(feed_out(f), &(struct msg_greeting){
						  .revision = revision_max < MESSAGE_REVISION_MAX
								      ? revision_max
								      : MESSAGE_REVISION_MAX,
						  .name = span_str(s->setup.name),
					  });
}

static struct feed *add(struct feed_set *s, incarnation_id gateway, int64_t now_ns)
{
	if (s->by_gateway.len >= FEEDS_MAX)
		return NULL;
	struct feed *f = feed_new(gateway, now_ns);

	list_add_last(&s->feeds, &f->of_set);
	map_add_u64(&s->by_gateway, gateway.v, f);
	return f;
}

/* What had waited for us was read at `now` already. */
static int64_t later(int64_t at_ns, int64_t stall_ns, int64_t now_ns)
{
	return at_ns + stall_ns < now_ns ? at_ns + stall_ns : now_ns;
}

static void tick_feed(struct feed_set *s, struct feed *f, int64_t now_ns)
{
	if (f->state == FEED_LIVE && now_ns - f->heard_ns > s->setup.silence_ns)
		feed_lose(f, ERR_TIMEOUT, now_ns);
	if (f->state == FEED_LIVE && f->doubted)
		tick_doubt(s, f, now_ns);
	if (f->state == FEED_AWAY && now_ns - f->away_ns >= patience(s, f)) {
		f->state = FEED_GONE;
		f->gone_ns = now_ns;
		s->setup.hooks.on_gone(s->setup.hooks.owner, f, now_ns);
	}
	if (f->state == FEED_GONE && !f->listed && !f->declared) {
		(void)map_remove_u64(&s->by_gateway, f->gateway.v);
		feed_free(&f);
	}
}

/* One that never called may live and not know us yet: it was stopped, or the database is away.
 * Shards that heard it end the waiting, by the view, when it is dead. */
static int64_t patience(const struct feed_set *s, const struct feed *f)
{
	bool is_stranger = f->generation == 0 && f->listed;

	return is_stranger ? s->setup.silence_ns + 2 * s->setup.grace_ns : s->setup.grace_ns;
}

static void tick_doubt(struct feed_set *s, struct feed *f, int64_t now_ns)
{
	bool last = now_ns - f->opened_ns >= s->setup.grace_ns;

	if (!last && (f->asked || now_ns - f->opened_ns < DOUBT_NS))
		return;
	f->asked = true;
	f->doubted = !last;
	s->setup.hooks.on_doubt(s->setup.hooks.owner, f, last, now_ns);
}

static void tell_lost(struct feed_set *s)
{
	LIST_EACH (&s->feeds, it, ahead) {
		struct feed *lost = container_of(it, struct feed, of_set);

		if (!lost->untold)
			continue;
		lost->untold = false;
		LIST_EACH (&s->feeds, at, after) {
			struct buf *out = feed_out(container_of(at, struct feed, of_set));

			if (out)
				message_put_gateway_lost(
					out, &(struct msg_gateway_lost){lost->gateway.v});
		}
	}
}

static void flush_feed(struct feed_set *s, struct feed *f, const struct feed_facts *facts,
		       int64_t now_ns)
{
	uint64_t sent = f->channel.sent_seq;

	bool idle = heartbeat_is_due(now_ns - f->said_ns, s->setup.heartbeat_ns);

	if ((idle || now_ns - f->facts_ns >= FACTS_EVERY * s->setup.heartbeat_ns) &&
	    channel_queued(&f->channel) == 0) {
		f->facts_ns = now_ns;
		message_put_heartbeat(
			feed_out(f),
			&(struct msg_heartbeat){
				.view = facts->view,
				.worker_age_ms = (uint64_t)(facts->worker_age_ns / NS_PER_MS),
				.database_ok = facts->database_ok,
			});
	}
	enum err e = channel_flush(&f->channel, send_batch, &(struct send_to){&s->setup, f});
	if (f->channel.sent_seq != sent)
		f->said_ns = now_ns;
	if (e)
		feed_lose(f, e, now_ns);
}

static enum err send_batch(void *owner, struct span bytes)
{
	const struct send_to *to = owner;

	return to->setup->send(to->setup->send_owner, span_of(to->feed->route, to->feed->route_len),
			       bytes);
}
