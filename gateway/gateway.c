/* SPDX-License-Identifier: Apache-2.0 */
/* Wires the parts together and nothing else: each callback here hands on to the part that knows. */
#include "gateway/gateway.h"

#include <signal.h>

#include "common/admin.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "common/options_reload.h"
#include "common/random.h"
#include "gateway/console.h"
#include "gateway/descriptors.h"
#include "gateway/drain.h"
#include "gateway/front.h"
#include "gateway/keyring.h"
#include "gateway/link_bus.h"
#include "gateway/listener.h"
#include "gateway/metrics.h"
#include "gateway/questions.h"
#include "gateway/registry.h"
#include "gateway/report.h"
#include "gateway/retreat.h"
#include "gateway/session_set.h"
#include "gateway/socket_set.h"
#include "gateway/visit.h"
#include "proto/ticks.h"

#define QUERIES_MAX 50000 /* every session asks about its lease at once when access changes */

struct gateway {
	const struct gateway_options *opt;
	struct options_reload *reload;
	incarnation_id self;
	struct loop *loop;
	struct front front;
	struct socket_set *sockets;
	struct pg *pg;
	struct link_wire wire;
	struct router *router;
	struct questions *questions;
	struct access *access;
	struct keyring keyring;
	struct session_set *sessions;
	struct registry *registry;
	struct drain *drain;
	struct retreat *retreat;
	struct admin *admin;
	struct console console;
	struct report report;
	struct listener *listener; /* NULL until there is something to serve */
	/* Comings and goings, a second ago and when memory was given back; when to look again. */
	uint64_t moves, tidied;
	int64_t tidy_ns;
	struct ticks ticks;
	bool revoked; /* access of somebody, since the last tick */
	bool failed;
};

static enum err open_sockets(struct gateway *);
static struct router *open_router(struct gateway *);
static struct session_set *open_sessions(struct gateway *);
static struct registry *open_registry(struct gateway *);
static struct drain *open_drain(struct gateway *);
static void open_database(struct gateway *);
static enum err open_admin(struct gateway *);
static void open_listener(struct gateway *);
static void set_tick(struct gateway *, int64_t now_ns);
static void tick(struct gateway *, int64_t now_ns);
static void tidy(struct gateway *, int64_t now_ns);
static bool on_turn(void *owner, int64_t now_ns);
static void on_signal(void *owner, int signo);
static void on_hangup(void *owner, int signo);
static size_t descriptors_wanted(const struct gateway *);
static void on_database(void *owner, bool up, const char *why);
static void on_notify(void *owner, const char *channel, struct span payload);
static void on_dead(void *owner);
static void on_pull_view(void *owner);
static void on_ways(void *owner, int64_t now_ns);
static void on_answer(void *owner, const struct message *, int64_t now_ns);
static int64_t on_now(void *owner);
static void on_reap(void *owner, void (*fn)(void *p), void *p);

struct gateway *gateway_open(const struct gateway_options *opt, struct options_reload *reload)
{
	struct gateway *g = mem_new(sizeof *g);

	g->opt = opt;
	g->reload = reload;
	g->self.v = random_u64();
	metrics_open(&gateway_metric_table);
	metrics_set_build(gateway_option_table.version, MESSAGE_REVISION_MAX);
	metrics_set(METRIC_config_reload_success, 1);
	g->loop = loop_new();
	if (front_open(&g->front, opt) != OK || open_sockets(g) != OK)
		goto fail;
	g->wire = (struct link_wire){g->loop, bus_context_new(g->loop)};
	g->router = open_router(g);
	g->questions = questions_new(g->router, loop_now_ns(g->loop));
	open_database(g);
	keyring_init(&g->keyring, g->pg);
	g->access = access_new(g->pg, g->loop, (size_t)opt->limits_connections * 2);
	g->sessions = open_sessions(g);
	g->registry = open_registry(g);
	g->drain = open_drain(g);
	g->retreat = retreat_new(&(struct retreat_setup){&g->listener, g->sessions, g->router});
	loop_on_signal(g->loop, SIGTERM, on_signal, g);
	loop_on_signal(g->loop, SIGINT, on_signal, g);
	loop_on_signal(g->loop, SIGHUP, on_hangup, g);
	loop_on_turn(g->loop, on_turn, g);
	if (open_admin(g) != OK)
		goto fail;
	return g;
fail:
	gateway_close(&g);
	return NULL;
}

bool gateway_run(struct gateway *g)
{
	loop_run(g->loop);
	return !g->failed;
}

void gateway_close(struct gateway **pg)
{
	struct gateway *g = *pg;

	if (!g)
		return;
	*pg = NULL;
	listener_close(&g->listener);
	socket_set_close(&g->sockets);
	admin_close(&g->admin);
	retreat_free(&g->retreat);
	drain_free(&g->drain);
	registry_free(&g->registry);
	session_set_free(&g->sessions);
	access_free(&g->access);
	pg_close(&g->pg);
	questions_free(&g->questions);
	router_free(&g->router);
	bus_context_free(&g->wire.context);
	front_fini(&g->front);
	loop_free(&g->loop);
	mem_free(g);
}

struct loop *gateway_loop(struct gateway *g)
{
	return g->loop;
}

const struct gateway_options *gateway_options(const struct gateway *g)
{
	return g->opt;
}

struct access *gateway_access(struct gateway *g)
{
	return g->access;
}

struct questions *gateway_questions(struct gateway *g)
{
	return g->questions;
}

struct router *gateway_router(struct gateway *g)
{
	return g->router;
}

struct pg *gateway_database(struct gateway *g)
{
	return g->pg;
}

struct session_set *gateway_sessions(struct gateway *g)
{
	return g->sessions;
}

struct socket_set *gateway_sockets(struct gateway *g)
{
	return g->sockets;
}

const struct front *gateway_front(const struct gateway *g)
{
	return &g->front;
}

bool gateway_takes_clients(const struct gateway *g)
{
	return drain_takes_clients(g->drain);
}

incarnation_id gateway_incarnation(const struct gateway *g)
{
	return g->self;
}

/* First: libwebsockets without its plugin is found out before anything is waited for. It has a slot
 * for each descriptor there may be, so their number is settled before. */
static enum err open_sockets(struct gateway *g)
{
	const struct socket_limits limits = {
		.message_bytes = (size_t)g->opt->limits_message,
		.outbox_bytes = (size_t)g->opt->limits_outbox,
		.slow_ns = g->opt->limits_slow_ns,
	};

	descriptors_provide(descriptors_wanted(g));
	return socket_set_open(g->loop, &limits, &g->sockets);
}

static struct router *open_router(struct gateway *g)
{
	return router_new(&(struct router_setup){
		.self = g->self,
		.name = g->opt->node_name,
		.bus = link_bus_of(&g->wire),
		.heartbeat_ns = g->opt->link_heartbeat_ns,
		.cork_ns = g->opt->link_cork * NS_PER_US,
		.silence_ns = g->opt->link_silence_ns,
		.isolated_ns = g->opt->link_isolated_ns,
		.clock_ns = mono_now_ns,
		.sink = visit_sink((size_t)g->opt->presence_list),
		.pull_view = on_pull_view,
		.on_ways = on_ways,
		.on_answer = on_answer,
		.owner = g,
	});
}

static void open_database(struct gateway *g)
{
	static const char *const channels[] = {"moot_view", "moot_access", NULL};

	g->pg = pg_open(g->loop, &(struct pg_options){
					 .url = g->opt->database_url,
					 .name = g->opt->node_name,
					 .max_queries = QUERIES_MAX,
					 .on_state = on_database,
					 .on_notify = on_notify,
					 .owner = g,
					 .channels = channels,
				 });
}

static struct session_set *open_sessions(struct gateway *g)
{
	return session_set_new(&(struct session_setup){
		.router = g->router,
		.questions = g->questions,
		.resume_key = &g->keyring.resume,
		.access = g->access,
		.timers = loop_timers(g->loop),
		.opt = g->opt,
		.boot = (uint32_t)(g->self.v >> 32),
		.now_ns = on_now,
		.reap = on_reap,
		.owner = g,
	});
}

static struct registry *open_registry(struct gateway *g)
{
	return registry_new(&(struct registry_setup){
		.loop = g->loop,
		.pg = g->pg,
		.router = g->router,
		.self = g->self,
		.name = g->opt->node_name,
		.poll_ns = g->opt->view_poll_ns,
		.on_dead = on_dead,
		.owner = g,
	});
}

static struct drain *open_drain(struct gateway *g)
{
	return drain_new(&(struct drain_setup){
		.loop = g->loop,
		.listener = &g->listener,
		.sessions = g->sessions,
		.router = g->router,
		.registry = g->registry,
		.settle_ns = g->opt->drain_settle_ns,
		.spread_ns = g->opt->drain_spread_ns,
	});
}

static enum err open_admin(struct gateway *g)
{
	g->console = (struct console){g->router, g->drain};
	g->report =
		(struct report){g->pg, g->router, g->sessions, g->drain, g->retreat, &g->listener};
	enum err e = admin_open(g->loop,
				&(struct admin_setup){
					.kind = "gateway",
					.name = g->opt->node_name,
					.version = gateway_option_table.version,
					.host = g->opt->internal_host,
					.port = (uint16_t)g->opt->internal_port,
					.self = g->self,
					.is_ready = report_ready,
					.put_state = report_state,
					.owner = &g->report,
					.paths = console_paths,
					.path_count = console_path_count,
					.paths_owner = &g->console,
				},
				&g->admin);

	if (!e)
		log_info("admin_open", kv_str("host", g->opt->internal_host),
			 kv_u64("port", admin_port(g->admin)));
	return e;
}

/* Last: a gateway that shares its port with others must not take clients it cannot serve yet. */
static void open_listener(struct gateway *g)
{
	if (g->listener || drain_is_on(g->drain) || !router_view(g->router)->version ||
	    !router_links_up(g->router) || router_is_cut_off(g->router) ||
	    !keyring_is_ready(&g->keyring))
		return;
	if (listener_open(g, &g->listener) == OK)
		return;
	g->failed = true; /* why: said there */
	loop_stop(g->loop);
}

static void set_tick(struct gateway *g, int64_t now_ns)
{
	bool is_calm = router_is_calm(g->router) && session_set_is_calm(g->sessions) &&
		       questions_is_calm(g->questions) && !drain_is_on(g->drain);

	loop_turn_by(g->loop, ticks_set(&g->ticks, is_calm, now_ns));
}

static void tick(struct gateway *g, int64_t now_ns)
{
	if (g->ticks.due_ns)
		metrics_observe_ns(METRIC_loop_lag, now_ns - g->ticks.due_ns);
	ticks_done(&g->ticks, wall_offset_ns(), now_ns);
	router_set_wall(g->router, g->ticks.wall_ns);
	router_tick(g->router, now_ns);
	questions_tick(g->questions, now_ns);
	if (g->revoked) /* once for all that were told of: an application may tell often */
		session_set_recheck(g->sessions);
	g->revoked = false;
	keyring_fetch(&g->keyring);
	session_set_tick(g->sessions, now_ns);
	open_listener(g);
	if (!drain_is_on(g->drain))
		retreat_tick(g->retreat);
	drain_tick(g->drain, now_ns);
	tidy(g, now_ns);
	report_set_figures(&g->report);
}

/* A crowd that comes or goes leaves much behind; to give it back takes a while: only once nobody
 * came or went for a second. */
static void tidy(struct gateway *g, int64_t now_ns)
{
	uint64_t came = metrics_value(METRIC_connections_opened);
	uint64_t went = came - session_set_connected(g->sessions), moves = came + went;

	if (now_ns < g->tidy_ns)
		return;
	g->tidy_ns = now_ns + NS_PER_S;
	if (moves == g->moves && moves != g->tidied) {
		mem_give_back();
		g->tidied = moves;
	}
	g->moves = moves;
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct gateway *g = owner;

	if (now_ns >= g->ticks.due_ns)
		tick(g, now_ns);
	/* NULL while it is being closed */
	bool is_large = g->sockets && socket_set_read_on(g->sockets);
	bool more = router_go_on(g->router, now_ns);
	int64_t next_ns = router_flush(g->router, now_ns);

	if (router_is_corked(g->router) && !is_large)
		loop_rest(g->loop, next_ns);
	else
		loop_turn_by(g->loop, next_ns);
	set_tick(g, now_ns);
	return more;
}

static void on_signal(void *owner, int signo)
{
	struct gateway *g = owner;

	drain_start(g->drain, signo == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void on_hangup(void *owner, int signo)
{
	struct gateway *g = owner;
	enum log_level level;

	(void)signo;
	bool good = options_reload_run(g->reload) && log_level_of(g->opt->log_level, &level);
	if (good)
		descriptors_check(descriptors_wanted(g));
	if (good)
		log_set_level(level);
	if (front_reload(&g->front, g->opt) != OK)
		good = false;
	metrics_set(METRIC_config_reload_success, good);
}

/* Over TLS a connection takes its own and a pair. */
static size_t descriptors_wanted(const struct gateway *g)
{
	return (size_t)g->opt->limits_connections * (g->front.tls ? 3 : 1);
}

static void on_database(void *owner, bool up, const char *why)
{
	struct gateway *g = owner;

	(void)why; /* pg.c has said it */
	registry_on_database(g->registry, up);
}

static void on_notify(void *owner, const char *channel, struct span payload)
{
	struct gateway *g = owner;

	if (span_is(span_str(channel), "moot_view")) {
		registry_pull(g->registry);
		return;
	}
	access_revoked(g->access, payload);
	g->revoked = true;
}

static void on_dead(void *owner)
{
	struct gateway *g = owner;

	if (drain_is_on(g->drain))
		return;
	log_error("declared_dead", kv_str("name", g->opt->node_name),
		  kv_str("hint", "another gateway runs under this node.name"));
	drain_start(g->drain, "declared dead");
}

static void on_pull_view(void *owner)
{
	struct gateway *g = owner;

	registry_pull(g->registry);
}

static void on_ways(void *owner, int64_t now_ns)
{
	struct gateway *g = owner;

	questions_on_ways(g->questions, now_ns);
}

static void on_answer(void *owner, const struct message *m, int64_t now_ns)
{
	struct gateway *g = owner;

	questions_on_answer(g->questions, m, now_ns);
}

static int64_t on_now(void *owner)
{
	const struct gateway *g = owner;

	return loop_now_ns(g->loop);
}

static void on_reap(void *owner, void (*fn)(void *p), void *p)
{
	struct gateway *g = owner;

	loop_reap(g->loop, fn, p);
}
