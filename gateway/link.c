/* SPDX-License-Identifier: Apache-2.0 */
/* The generations of a link. Only this file decides that a shard was silent for too long; what was
 * attached over the old generation is the router's to attach again. */
#include "gateway/link.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "common/mem.h"
#include "gateway/metrics.h"
#include "proto/limits.h"
#include "proto/ticks.h"

#define SHUT_NS NS_PER_S           /* after a GOODBYE, in case the shard stays in the view */
#define WELL_NS (1500 * NS_PER_MS) /* a database answers within that */
#define AILING_NS (3 * NS_PER_S)   /* one that did not answer for so long is not there */
#define WORKER_MAX_MS (3600u * 1000)
/* Of a turn, for one link: a record of a large room is told to so many that each takes long. */
#define TURN_NS (5 * NS_PER_MS)
#define PATIENCE_DOUBLINGS 2 /* a shard that never greets is called every 600, 1200, 2400 ms */

struct link {
	const struct link_setup *setup;
	incarnation_id peer;
	char *endpoint;
	void *port; /* NULL: shut, or the bus refused */
	struct channel channel;
	uint64_t generation;
	bool greeted;
	unsigned ungreeted; /* generations in a row that no GREETING came for */
	int64_t heard_ns, said_ns, ticked_ns;
	int64_t reopen_ns; /* when port is NULL */
	struct buf rest;   /* records of a message that the turn had no time for */
	int64_t turn_ns,
		turn_end_ns; /* of which turn, and when by link_setup.clock_ns it is over */
	bool refused;
	int64_t last_heard_ns;      /* over all generations */
	int64_t well_ns, ailing_ns; /* since when its database is (not) there; 0: it is not so */
};

static void generation_open(struct link *, int64_t now_ns);
static void generation_close(struct link *);
static void reset(struct link *, enum err why, int64_t now_ns);
static void shut(struct link *, int64_t now_ns);
static int64_t patience_ns(const struct link *);
static void say_hello(struct link *);
static void say_heartbeat(struct link *);
static void take_records(struct link *, struct span records, int64_t now_ns);
static bool is_late(struct link *, int64_t now_ns);
static void leave_rest(struct link *, struct span records);
static void take_record(struct link *, const struct message *, int64_t now_ns);
static void take_facts(struct link *, const struct msg_heartbeat *, int64_t now_ns);
static void skip_time(struct link *, int64_t stall_ns);
static enum err send_batch(void *owner, struct span bytes);

struct link *link_new(const struct link_setup *setup, incarnation_id peer, const char *endpoint,
		      int64_t now_ns)
{
	struct link *l = mem_new(sizeof *l);

	l->setup = setup;
	l->peer = peer;
	l->endpoint = mem_str(endpoint);
	l->ticked_ns = l->last_heard_ns = now_ns;
	buf_init(&l->rest, LINK_BATCH_MAX);
	return l;
}

void link_open(struct link *l, int64_t now_ns)
{
	if (!l->port)
		generation_open(l, now_ns);
}

void link_say_goodbye(struct link *l)
{
	if (l->port)
		message_put_goodbye(channel_out(&l->channel), &(struct msg_goodbye){0});
}

void link_free(struct link **pl)
{
	struct link *l = *pl;

	if (!l)
		return;
	*pl = NULL;
	generation_close(l);
	buf_fini(&l->rest);
	mem_free(l->endpoint);
	mem_free(l);
}

struct buf *link_out(struct link *l)
{
	must(l->port);
	return channel_out(&l->channel);
}

bool link_is_behind(const struct link *l)
{
	return l->rest.len > 0;
}

bool link_may_go_on(const struct link *l, int64_t now_ns)
{
	return link_is_behind(l) && l->turn_ns != now_ns;
}

void link_go_on(struct link *l, int64_t now_ns)
{
	struct buf rest = l->rest;

	buf_init(&l->rest, LINK_BATCH_MAX);
	l->heard_ns = l->last_heard_ns = now_ns; /* it is we who are late */
	l->setup->bus.pause(l->port, false);
	take_records(l, buf_span(&rest), now_ns);
	buf_fini(&rest);
}

void link_flush(struct link *l, int64_t now_ns)
{
	if (!l->port)
		return;
	if (channel_owes_credit(&l->channel))
		say_heartbeat(l);
	uint64_t before = l->channel.sent_seq;
	enum err e = channel_flush(&l->channel, send_batch, l);
	if (l->channel.sent_seq != before)
		l->said_ns = now_ns;
	if (e)
		reset(l, e, now_ns);
}

void link_tick(struct link *l, int64_t now_ns)
{
	int64_t stall_ns = now_ns - l->ticked_ns;

	l->ticked_ns = now_ns;
	if (link_is_behind(l))
		l->heard_ns = l->last_heard_ns = now_ns;
	if (stall_ns > l->setup->silence_ns / 2)
		skip_time(l, stall_ns);
	if (!l->port) {
		if (now_ns >= l->reopen_ns)
			generation_open(l, now_ns);
		return;
	}
	if (now_ns - l->heard_ns > patience_ns(l)) {
		reset(l, ERR_TIMEOUT, now_ns);
		return;
	}
	if (heartbeat_is_due(now_ns - l->said_ns, l->setup->heartbeat_ns))
		say_heartbeat(l);
	link_flush(l, now_ns);
}

void link_on_bytes(struct link *l, struct span bytes, int64_t now_ns)
{
	struct span records;

	if (!l->port)
		return;
	must(!link_is_behind(l)); /* its bus is paused */
	enum err e = channel_take(&l->channel, bytes, &records);
	if (e == ERR_WRONG_PEER) {
		metrics_add(METRIC_link_stale, 1);
		return;
	}
	if (e) {
		reset(l, e, now_ns);
		return;
	}
	l->heard_ns = l->last_heard_ns = now_ns;
	l->refused = false;
	take_records(l, records, now_ns);
}

void link_on_connected(struct link *l)
{
	l->refused = false;
}

/* A greeted link that broke will not come back by itself: what was on its way is lost. */
void link_on_broken(struct link *l, int64_t now_ns)
{
	if (l->port && l->greeted)
		reset(l, ERR_NO_PEER, now_ns);
}

void link_on_refused(struct link *l)
{
	l->refused = true;
}

bool link_is_up(const struct link *l)
{
	return l->port && l->greeted;
}

bool link_is_open(const struct link *l)
{
	return l->port;
}

struct link_health link_health(const struct link *l, int64_t now_ns)
{
	return (struct link_health){
		.refused = l->refused,
		.silent_ns = now_ns - l->last_heard_ns,
		.well_ns = l->well_ns ? now_ns - l->well_ns : 0,
		.ailing_ns = l->ailing_ns ? now_ns - l->ailing_ns : 0,
	};
}

uint64_t link_generation(const struct link *l)
{
	return l->generation;
}

incarnation_id link_peer(const struct link *l)
{
	return l->peer;
}

size_t link_queued(const struct link *l)
{
	return l->port ? channel_queued(&l->channel) : 0;
}

size_t link_news(const struct link *l)
{
	return l->port ? channel_news(&l->channel) : 0;
}

static void generation_open(struct link *l, int64_t now_ns)
{
	char id[40];
	int len = snprintf(id, sizeof id, "%016" PRIx64 "-%" PRIx64, l->setup->self.v,
			   l->generation + 1);

	l->generation++;
	l->greeted = false;
	l->heard_ns = l->said_ns = now_ns;
	enum err e = l->setup->bus.open(l->setup->bus.owner, l, l->endpoint,
					span_of(id, (size_t)len), &l->port);
	if (e) {
		l->port = NULL;
		l->reopen_ns = now_ns + SHUT_NS;
		log_warn("link_refused", kv_hex("shard", l->peer.v),
			 kv_str("endpoint", l->endpoint), kv_str("why", err_name(e)));
		l->setup->hooks.on_shut(l->setup->hooks.owner, l, now_ns);
		return;
	}
	channel_init(&l->channel, l->setup->self, l->peer, l->generation);
	say_hello(l);
	l->setup->hooks.on_open(l->setup->hooks.owner, l, now_ns);
}

static void generation_close(struct link *l)
{
	if (!l->port)
		return;
	l->setup->bus.close(l->setup->bus.owner, l->port);
	l->port = NULL;
	l->greeted = false;
	buf_clear(&l->rest);
	channel_fini(&l->channel);
}

static void reset(struct link *l, enum err why, int64_t now_ns)
{
	log_warn("link_reset", kv_hex("shard", l->peer.v), kv_u64("generation", l->generation),
		 kv_str("why", err_name(why)));
	metrics_add(METRIC_link_resets, 1);
	l->ungreeted = l->greeted ? 0 : l->ungreeted + 1;
	generation_close(l);
	generation_open(l, now_ns);
}

static void shut(struct link *l, int64_t now_ns)
{
	log_info("link_shut", kv_hex("shard", l->peer.v), kv_u64("generation", l->generation));
	generation_close(l);
	l->reopen_ns = now_ns + SHUT_NS;
	l->setup->hooks.on_shut(l->setup->hooks.owner, l, now_ns);
}

static int64_t patience_ns(const struct link *l)
{
	unsigned doublings = l->ungreeted < PATIENCE_DOUBLINGS ? l->ungreeted : PATIENCE_DOUBLINGS;

	return l->greeted ? l->setup->silence_ns : l->setup->silence_ns << doublings;
}

static void say_hello(struct link *l)
{
	message_put_hello(channel_out(&l->channel),
			  &(struct msg_hello){.revision_min = MESSAGE_REVISION_MIN,
					      .revision_max = MESSAGE_REVISION_MAX,
					      .name = span_str(l->setup->name)});
}

static void say_heartbeat(struct link *l)
{
	message_put_heartbeat(channel_out(&l->channel),
			      &(struct msg_heartbeat){
				      .view = l->setup->facts.view,
				      .database_ok = l->setup->facts.database_ok,
			      });
}

static void take_records(struct link *l, struct span records, int64_t now_ns)
{
	uint64_t generation = l->generation;
	struct message m;

	while (records.len) {
		if (is_late(l, now_ns)) {
			leave_rest(l, records);
			return;
		}
		enum err e = message_next(&records, &m);
		if (e) {
			reset(l, e, now_ns);
			return;
		}
		if (m.type)
			take_record(l, &m, now_ns);
		if (l->generation != generation || !l->port)
			return; /* the record ended this generation: the rest is stale */
	}
}

/* The first record of a turn never is. */
static bool is_late(struct link *l, int64_t now_ns)
{
	if (!l->setup->clock_ns)
		return false;
	int64_t clock_ns = l->setup->clock_ns();

	if (l->turn_ns == now_ns)
		return clock_ns >= l->turn_end_ns;
	l->turn_ns = now_ns;
	l->turn_end_ns = clock_ns + TURN_NS;
	return false;
}

/* The bus is read on when this is done with, so there is never more of it. */
static void leave_rest(struct link *l, struct span records)
{
	buf_put_span(&l->rest, records);
	must(!l->rest.over);
	l->setup->bus.pause(l->port, true);
	metrics_add(METRIC_link_pauses, 1);
}

static void take_record(struct link *l, const struct message *m, int64_t now_ns)
{
	switch ((int)m->type) {
	case MESSAGE_GREETING:
		if (!l->greeted)
			log_info("link_up", kv_hex("shard", l->peer.v),
				 kv_span("name", m->greeting.name),
				 kv_u64("generation", l->generation));
		l->greeted = true;
		l->ungreeted = 0;
		break;
	case MESSAGE_HEARTBEAT:
		take_facts(l, &m->heartbeat, now_ns);
		break;
	case MESSAGE_GOODBYE:
		shut(l, now_ns);
		return;
	default:
		break;
	}
	l->setup->hooks.on_message(l->setup->hooks.owner, l, m, now_ns);
}

/* Between well and ailing a database is neither: so two shards that notice the same outage at
 * different moments do not make each other look ill. */
static void take_facts(struct link *l, const struct msg_heartbeat *m, int64_t now_ns)
{
	uint64_t ms = m->worker_age_ms < WORKER_MAX_MS ? m->worker_age_ms : WORKER_MAX_MS;
	int64_t age_ns = (int64_t)ms * NS_PER_MS;

	if (!m->database_ok || age_ns >= WELL_NS)
		l->well_ns = 0;
	else if (!l->well_ns)
		l->well_ns = now_ns;
	if (m->database_ok && age_ns < AILING_NS)
		l->ailing_ns = 0;
	else if (!l->ailing_ns)
		l->ailing_ns = now_ns - age_ns;
}

/* It was us who slept: what the shard said is still unread. */
static void skip_time(struct link *l, int64_t stall_ns)
{
	l->heard_ns += stall_ns;
	l->last_heard_ns += stall_ns;
	if (l->well_ns)
		l->well_ns += stall_ns;
	if (l->ailing_ns)
		l->ailing_ns += stall_ns;
}

static enum err send_batch(void *owner, struct span bytes)
{
	struct link *l = owner;

	return l->setup->bus.send(l->port, bytes);
}
