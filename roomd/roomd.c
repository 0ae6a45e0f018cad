/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/roomd.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/bus.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "common/options_reload.h"
#include "common/random.h"
#include "proto/message.h"
#include "proto/ticks.h"
#include "proto/view_text.h"
#include "roomd/console.h"
#include "roomd/endpoint.h"
#include "roomd/gathering.h"
#include "roomd/memory.h"
#include "roomd/metrics.h"
#include "roomd/shard.h"
#include "roomd/store_pg.h"

#define MEMORY_NS (1 * NS_PER_S)     /* how often it is looked at */
#define FIGURES_NS (1 * NS_PER_S)    /* how old the gauges may be */
#define CENSUS_NS (15 * NS_PER_S)    /* how often all rooms are looked at for their sizes */
#define SLOW_NS (50 * NS_PER_MS)     /* a turn is written down */
#define GOODBYE_NS (100 * NS_PER_MS) /* for the last words to leave the process */

struct roomd {
	const struct roomd_options *opt;
	struct options_reload *reload;
	const char *name;
	char endpoint[ENDPOINT_LEN];
	incarnation_id self;
	struct loop *loop;
	struct bus_context *context;
	struct bus *bus;
	struct store *store;
	struct shard *shard;
	struct admin *admin;
	struct console console;
	struct beat beat;
	struct gathering gathering;
	struct ticks ticks;
	int64_t figures_at_ns, memory_at_ns, census_at_ns, stop_at_ns;
	uint64_t gone, given_back; /* of rooms that hibernated: a second ago; when memory was */
	unsigned heard;            /* messages of gateways, in this turn */
	bool was_ready, was_killed;
};

static bool open_bus(struct roomd *);
static void open_shard(struct roomd *);
static bool open_admin(struct roomd *);
static void on_bus(void *owner, struct span peer, struct span body);
static enum err send(void *owner, struct span route, struct span bytes);
static void on_store(void *owner, bool up, const char *why);
static void on_hint(void *owner, uint64_t version);
static void on_published(void *owner);
static void on_signal(void *owner, int signo);
static void on_hangup(void *owner, int signo);
static void set_tick(struct roomd *, int64_t now_ns);
static void tick(struct roomd *, int64_t now_ns);
static bool on_turn(void *owner, int64_t now_ns);
static void gather(struct roomd *, int64_t now_ns);
static void follow_state(struct roomd *, int64_t now_ns);
static void say_ready(struct roomd *);
static void set_figures(struct roomd *, int64_t now_ns);
static void count_rooms(const struct roomd *);
static void mind_memory(struct roomd *, int64_t now_ns);
static bool is_ready(void *owner, struct buf *checks);
static void put_state(void *owner, struct buf *members);

struct roomd *roomd_open(const struct roomd_options *opt, const char *name,
			 struct options_reload *reload)
{
	struct roomd *r = mem_new(sizeof(*r));

	r->opt = opt;
	r->reload = reload;
	r->name = name;
	r->self = (incarnation_id){random_u64()};
	metrics_open(&roomd_metric_table);
	metrics_set_build(roomd_option_table.version, MESSAGE_REVISION_MAX);
	metrics_set(METRIC_config_reload_success, 1);
	r->loop = loop_new();
	r->context = bus_context_new(r->loop);
	if (!open_bus(r))
		goto fail;
	open_shard(r);
	if (!open_admin(r))
		goto fail;
	loop_on_signal(r->loop, SIGTERM, on_signal, r);
	loop_on_signal(r->loop, SIGINT, on_signal, r);
	loop_on_signal(r->loop, SIGHUP, on_hangup, r);
	loop_on_turn(r->loop, on_turn, r);
	log_info("roomd_open", kv_hex("incarnation", r->self.v), kv_str("endpoint", r->endpoint),
		 kv_u64("internal_port", admin_port(r->admin)));
	return r;
fail:
	roomd_close(&r);
	return NULL;
}

bool roomd_run(struct roomd *r)
{
	loop_run(r->loop);
	return !r->was_killed;
}

void roomd_close(struct roomd **pr)
{
	struct roomd *r = *pr;

	if (!r)
		return;
	*pr = NULL;
	admin_close(&r->admin);
	shard_free(&r->shard);
	store_close(&r->store);
	bus_close(&r->bus);
	bus_context_free(&r->context);
	loop_free(&r->loop);
	mem_free(r);
}

void roomd_name(const struct roomd_options *opt, char out[ROOMD_NAME_LEN])
{
	char host[ROOMD_NAME_LEN - 16] = "";

	if (opt->node_name[0]) {
		snprintf(out, ROOMD_NAME_LEN, "%s", opt->node_name);
		return;
	}
	if (gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	snprintf(out, ROOMD_NAME_LEN, "%s-%ld", host[0] ? host : "shard", (long)getpid());
}

static bool open_bus(struct roomd *r)
{
	const struct endpoint_plan plan = {
		.path = r->opt->bus_path,
		.host = r->opt->bus_host,
		.port = (unsigned)r->opt->bus_port,
		.advertise = r->opt->bus_advertise,
	};
	char endpoint[ENDPOINT_LEN];

	endpoint_to_listen(&plan, endpoint);
	enum err e = bus_listen(r->context, endpoint, on_bus, r, &r->bus);
	if (e) {
		log_error("bus_failed", kv_str("endpoint", endpoint), kv_str("why", err_text(e)),
			  kv_str("do", "choose another bus.host and bus.port, or bus.path, or end "
				       "the process that has it"));
		return false;
	}
	endpoint_to_call(&plan, bus_endpoint(r->bus), r->endpoint);
	return true;
}

static void open_shard(struct roomd *r)
{
	const struct roomd_options *opt = r->opt;

	r->store = store_open(r->loop, opt->database_url, r->name,
			      &(struct store_hooks){on_store, on_hint, on_published, r});
	r->shard = shard_new(
		&(struct shard_setup){
			.self = r->self,
			.name = r->name,
			.endpoint = r->endpoint,
			.timers = loop_timers(r->loop),
			.store = r->store,
			.send = send,
			.send_owner = r,
			.history_bytes = opt->history_memory,
			.heartbeat_ns = opt->link_heartbeat_ns,
			.silence_ns = opt->link_silence_ns,
			.grace_ns = opt->presence_grace_ns,
			.state_interval_ns = opt->room_state_interval_ns,
			.welcome_wait_ns = opt->room_welcome_wait_ns,
			.retention_ns = opt->events_retention_ns,
			.resume_ns = opt->presence_resume_ns,
			.hibernate_ns = opt->room_hibernate_ns,
			.poll_ns = opt->view_poll_ns,
			.settle_ns = opt->joiner_settle_ns,
			.drain_ns = opt->drain_deadline_ns,
			.vote_ns = opt->detection_vote_ns,
		},
		loop_now_ns(r->loop));
}

static bool open_admin(struct roomd *r)
{
	r->console = (struct console){r->shard, r->loop};
	enum err e = admin_open(r->loop,
				&(struct admin_setup){
					.kind = "shard",
					.name = r->name,
					.version = roomd_option_table.version,
					.host = r->opt->internal_host,
					.port = (uint16_t)r->opt->internal_port,
					.self = r->self,
					.is_ready = is_ready,
					.put_state = put_state,
					.paths = console_paths,
					.path_count = console_path_count,
					.owner = r,
					.paths_owner = &r->console,
				},
				&r->admin);

	if (e)
		log_error("internal_port_failed", kv_str("host", r->opt->internal_host),
			  kv_i64("port", r->opt->internal_port), kv_str("why", err_text(e)),
			  kv_str("do", "choose another internal.host or internal.port"));
	return e == OK;
}

static void on_bus(void *owner, struct span peer, struct span body)
{
	struct roomd *r = owner;

	r->heard++;
	shard_receive(r->shard, peer, body, loop_now_ns(r->loop));
}

static enum err send(void *owner, struct span route, struct span bytes)
{
	struct roomd *r = owner;

	return bus_send(r->bus, route, bytes);
}

static void on_store(void *owner, bool up, const char *why)
{
	struct roomd *r = owner;

	(void)why; /* pg.c has logged it */
	metrics_set(METRIC_database_up, up);
	if (up)
		shard_on_connection(r->shard);
}

static void on_published(void *owner)
{
	struct roomd *r = owner;

	shard_on_published(r->shard);
}

static void on_hint(void *owner, uint64_t version)
{
	struct roomd *r = owner;

	shard_on_hint(r->shard, version);
}

/* The first asks to leave in order, the second to leave. */
static void on_signal(void *owner, int signo)
{
	struct roomd *r = owner;

	(void)signo;
	if (shard_state(r->shard) >= MEMBERSHIP_DRAINING) {
		log_warn("stop_now");
		loop_stop(r->loop);
		return;
	}
	log_info("drain");
	shard_drain(r->shard, loop_now_ns(r->loop));
}

static void on_hangup(void *owner, int signo)
{
	struct roomd *r = owner;
	enum log_level level;

	(void)signo;
	bool good = options_reload_run(r->reload) && log_level_of(r->opt->log_level, &level);
	if (good)
		log_set_level(level);
	metrics_set(METRIC_config_reload_success, good);
}

static void set_tick(struct roomd *r, int64_t now_ns)
{
	loop_turn_by(r->loop, ticks_set(&r->ticks, shard_is_calm(r->shard), now_ns));
}

static void tick(struct roomd *r, int64_t now_ns)
{
	if (r->ticks.due_ns)
		metrics_observe_ns(METRIC_loop_lag, now_ns - r->ticks.due_ns);
	ticks_done(&r->ticks, wall_offset_ns(), now_ns);
	r->beat.wall_ns = r->ticks.wall_ns;
	beat_follow(&r->beat, membership_view(shard_membership(r->shard)),
		    r->opt->link_cork * NS_PER_US);
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct roomd *r = owner;
	int64_t began_ns = mono_now_ns();

	if (now_ns >= r->ticks.due_ns)
		tick(r, now_ns);
	shard_turn(r->shard, now_ns, wall_unix_ms());
	follow_state(r, now_ns);
	say_ready(r);
	if (now_ns >= r->figures_at_ns) {
		r->figures_at_ns = now_ns + FIGURES_NS;
		set_figures(r, now_ns);
	}
	if (now_ns >= r->census_at_ns) {
		r->census_at_ns = now_ns + CENSUS_NS;
		count_rooms(r);
	}
	if (now_ns >= r->memory_at_ns) {
		r->memory_at_ns = now_ns + MEMORY_NS;
		mind_memory(r, now_ns);
	}
	int64_t took_ns = mono_now_ns() - began_ns;
	metrics_observe_ns(METRIC_turn_duration, took_ns);
	if (took_ns >= SLOW_NS)
		log_info(LOG_SLOW, kv_str("op", "turn"), kv_i64("ms", took_ns / NS_PER_MS));
	gather(r, now_ns);
	set_tick(r, now_ns);
	return false;
}

/* What the database says ends the rest: a hint, an answer. */
static void gather(struct roomd *r, int64_t now_ns)
{
	const struct gathering_turn turn = {r->heard, shard_is_storing(r->shard)};
	int64_t until_ns = gathering_turn(&r->gathering, &r->beat, turn, now_ns);

	r->heard = 0;
	if (until_ns)
		loop_rest(r->loop, until_ns);
}

static void follow_state(struct roomd *r, int64_t now_ns)
{
	enum membership_state state = shard_state(r->shard);

	if (state == MEMBERSHIP_DEAD && !r->was_killed) {
		r->was_killed = true;
		log_error("declared_dead", kv_hex("incarnation", r->self.v),
			  kv_str("why", "another process has this name now, or the others found "
					"this one dead"),
			  kv_str("do", "start it again, under a name of its own"));
		loop_stop(r->loop);
	} else if (state == MEMBERSHIP_LEFT && !r->stop_at_ns) {
		r->stop_at_ns = now_ns + GOODBYE_NS;
		shard_say_goodbye(r->shard, now_ns);
	} else if (r->stop_at_ns && now_ns >= r->stop_at_ns) {
		loop_stop(r->loop);
	}
}

static void say_ready(struct roomd *r)
{
	if (r->was_ready || !shard_is_settled(r->shard))
		return;
	r->was_ready = true;
	log_info("ready");
}

static void set_figures(struct roomd *r, int64_t now_ns)
{
	const struct view *view = membership_view(shard_membership(r->shard));
	struct shard_figures f;

	shard_figures(r->shard, &f);
	for (unsigned state = 0; METRIC_up_state + state <= METRIC_up_state_LAST; state++)
		metrics_set(METRIC_up_state + state, state == (unsigned)shard_state(r->shard));
	metrics_set(METRIC_rooms, (int64_t)f.rooms);
	metrics_set(METRIC_room_entries, (int64_t)f.entries);
	metrics_set(METRIC_slots, (int64_t)f.slots);
	metrics_set(METRIC_feeds, (int64_t)f.feeds);
	metrics_set(METRIC_events_staged, (int64_t)f.staged);
	metrics_set(METRIC_events_staged_bytes, (int64_t)f.staged_bytes);
	metrics_set(METRIC_events_staged_age_seconds, f.staged_ns ? now_ns - f.staged_ns : 0);
	metrics_set(METRIC_view_version, (int64_t)view->version);
	metrics_set(METRIC_view_members, (int64_t)view_members_of(view, MEMBER_SHARD));
	metrics_set(METRIC_view_members + 1, (int64_t)view_members_of(view, MEMBER_GATEWAY));
	metrics_set(METRIC_history_bytes, (int64_t)f.history.bytes);
	metrics_add(METRIC_history_pages, f.history.hits - metrics_value(METRIC_history_pages));
	metrics_add(METRIC_history_pages + 1,
		    f.history.misses - metrics_value(METRIC_history_pages + 1));
	metrics_add(METRIC_records, f.records - metrics_value(METRIC_records));
	metrics_add(METRIC_messages_stale, f.stale - metrics_value(METRIC_messages_stale));
	metrics_add(METRIC_messages_refused, f.refused - metrics_value(METRIC_messages_refused));
	metrics_add(METRIC_full_turns, bus_full_turns(r->bus) - metrics_value(METRIC_full_turns));
	metrics_add(METRIC_casts_dropped, f.casts_dropped - metrics_value(METRIC_casts_dropped));
	metrics_add(METRIC_hibernations, f.hibernations - metrics_value(METRIC_hibernations));
}

static void count_rooms(const struct roomd *r)
{
	const struct room *room;
	size_t at = 0;

	while ((room = room_set_next(shard_rooms(r->shard), &at)))
		metrics_observe_members(METRIC_room, roster_entries(room_roster(room)));
}

/* To give back takes a while: only once nothing more goes. */
static void mind_memory(struct roomd *r, int64_t now_ns)
{
	uint64_t used = memory_used(), gone = metrics_value(METRIC_hibernations);

	if (r->given_back < gone && r->gone == gone) {
		mem_give_back();
		r->given_back = gone;
		used = memory_used();
	}
	r->gone = gone;
	metrics_set(METRIC_memory_bytes, (int64_t)used);
	shard_hibernate_after(
		r->shard,
		memory_idle_ns(r->opt->room_hibernate_ns, (uint64_t)r->opt->room_memory, used),
		now_ns);
}

static bool is_ready(void *owner, struct buf *checks)
{
	struct roomd *r = owner;
	bool database = r->store && store_is_up(r->store);
	bool member = r->shard && shard_state(r->shard) == MEMBERSHIP_ACTIVE;
	bool slots = r->shard && shard_is_settled(r->shard);
	bool draining = r->shard && shard_state(r->shard) >= MEMBERSHIP_DRAINING;

	buf_printf(checks, "\"database\":%s,\"member\":%s,\"slots\":%s,\"not_draining\":%s",
		   database ? "true" : "false", member ? "true" : "false", slots ? "true" : "false",
		   draining ? "false" : "true");
	return database && member && slots && !draining;
}

static void put_state(void *owner, struct buf *members)
{
	struct roomd *r = owner;
	struct shard_figures f;

	shard_figures(r->shard, &f);
	buf_printf(members,
		   ",\"state\":\"%s\",\"endpoint\":\"%s\",\"view\":%" PRIu64
		   ",\"slots\":%zu,\"rooms\":%zu,\"connections\":%zu,\"gateways\":%zu,"
		   "\"staged\":%zu,\"memory\":%" PRIu64,
		   membership_state_name(shard_state(r->shard)), r->endpoint,
		   membership_view(shard_membership(r->shard))->version, f.slots, f.rooms,
		   f.entries, f.feeds, f.staged, memory_used());
}
