/* SPDX-License-Identifier: Apache-2.0 */
/* What libwebsockets 4.1 needs to behave on a loop that is not its own:
 * - signal_cb, or it catches SIGTERM itself; an all-zero retry policy, or every connection has a
 * timer in a list that is searched; no extensions, or clients choose the memory we spend;
 * - its timers, armed outside its own callbacks, are late: time-outs here come from our wheel;
 * - the context is destroyed twice, the second time after the loop has reported its closed handles.
 */
#include "gateway/socket_set.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "common/buf.h"
#include "common/log.h"
#include "common/mem.h"

#define SERVICE_BYTES (64 * 1024) /* the context's shared buffer */
#define HEADER_POOL 8             /* a handshake starts and ends within one call: one would do */
#define HEAD_MAX 256
#define CLOSE_ROUNDS 64
#define LOG_LEVELS (LLL_ERR | LLL_WARN)
#define READ_ROUNDS 8 /* of one socket in one turn, beside the first */

static struct lws_context *create_context(struct socket_set *set);
static void *on_library_memory(void *p, size_t len, const char *what);
static void on_library_signal(void *handle, int signo);
static void on_library_line(int level, const char *line);
static bool wants_plugin(const char *line);
static void uncork_all(void *set);
static int64_t next_ns(const struct socket_set *set);
static void on_timer(struct timer *t, int64_t now_ns);

static bool plugin_missing; /* written by on_library_line while the context is made */

enum err socket_set_open(struct loop *loop, const struct socket_limits *limits,
			 struct socket_set **out)
{
	struct socket_set *set = mem_new(sizeof *set);

	set->loop = loop;
	set->max_message = limits->message_bytes;
	set->slow_ns = limits->slow_ns;
	backlogs_init(&set->backlogs, limits->message_bytes + limits->outbox_bytes);
	list_init(&set->closing);
	list_init(&set->timer.node);
	set->context = create_context(set);
	if (set->context)
		set->vhost = lws_get_vhost_by_name(set->context, "public");
	if (set->vhost) {
		*out = set;
		return OK;
	}
	log_error("websockets_failed",
		  kv_str("hint",
			 plugin_missing
				 ? "libwebsockets has no libuv plugin here: install the "
				   "package libwebsockets-evlib-uv"
				 : "libwebsockets could not start; log.level=debug tells more"));
	socket_set_close(&set);
	return ERR_SYSTEM;
}

void socket_set_close(struct socket_set **pset)
{
	struct socket_set *set = *pset;

	if (!set)
		return;
	*pset = NULL;
	timers_disarm(loop_timers(set->loop), &set->timer);
	if (set->context) {
		lws_context_destroy(set->context);
		for (int i = 0; i < CLOSE_ROUNDS && set->count > 0; i++)
			uv_run(loop_uv(set->loop), UV_RUN_NOWAIT);
		for (int i = 0; i < 3; i++) /* the context's own handles */
			uv_run(loop_uv(set->loop), UV_RUN_NOWAIT);
	}
	if (set->context)
		lws_context_destroy(set->context);
	mem_free(set);
}

size_t socket_set_count(const struct socket_set *set)
{
	return set->count;
}

void socket_set_adopt(struct socket_set *set, const struct socket_start *start,
		      struct session *session)
{
	struct buf bytes;

	buf_init(&bytes, HEAD_MAX + start->early.len);
	buf_put_str(&bytes, "GET / HTTP/1.1\r\nHost: moothall\r\nUpgrade: websocket\r\n"
			    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			    "Sec-WebSocket-Key: ");
	buf_put_span(&bytes, start->key);
	if (start->protocol)
		buf_printf(&bytes, "\r\nSec-WebSocket-Protocol: %s", start->protocol);
	buf_put_str(&bytes, "\r\n\r\n");
	buf_put_span(&bytes, start->early);
	must(!bytes.over);
	set->adopting = socket_new(set, session);
	lws_set_log_level(0, NULL); /* it calls each adoption two errors */
	lws_adopt_socket_vhost_readbuf(set->vhost, start->fd, (const char *)bytes.p, bytes.len);
	lws_set_log_level(LOG_LEVELS, NULL);
	if (set->adopting) /* the library never got as far as to tell us of it */
		socket_lost(set, set->adopting);
	set->adopting = NULL;
	buf_fini(&bytes);
}

void socket_set_watch(struct socket_set *set)
{
	int64_t at_ns = next_ns(set);

	if (at_ns == INT64_MAX || (timers_is_armed(&set->timer) && set->timer.at_ns <= at_ns))
		return; /* one that comes too early looks again */
	timers_arm(loop_timers(set->loop), &set->timer, at_ns, on_timer);
}

/* Whose message is still in part puts itself back, so there are never more than before. */
bool socket_set_read_on(struct socket_set *set)
{
	for (int round = 0; round < READ_ROUNDS && set->half_count > 0; round++) {
		size_t count = set->half_count;

		set->half_count = 0;
		for (size_t i = 0; i < count; i++)
			socket_read(set->halves[i]);
	}
	bool more = set->half_count > 0;
	set->half_count = 0;
	return more;
}

/* It comes in pieces one after the other, so it is the last one or none. */
void socket_set_expect(struct socket_set *set, struct socket *s)
{
	if (set->half_count > 0 && set->halves[set->half_count - 1] == s)
		return;
	if (set->half_count < SOCKET_HALVES)
		set->halves[set->half_count++] = s;
}

void socket_set_will_uncork(struct socket_set *set)
{
	if (set->will_uncork)
		return;
	set->will_uncork = true;
	loop_reap(set->loop, uncork_all, set);
}

static struct lws_context *create_context(struct socket_set *set)
{
	static const lws_retry_bo_t never = {0};
	void *loops[1] = {loop_uv(set->loop)};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.vhost_name = "public",
		.protocols = socket_protocols(),
		.options = LWS_SERVER_OPTION_LIBUV,
		.foreign_loops = loops,
		.signal_cb = on_library_signal,
		.retry_and_idle_policy = &never,
		.pt_serv_buf_size = SERVICE_BYTES,
		.max_http_header_pool = HEADER_POOL,
		.pcontext = &set->context,
		.user = set,
	};

	plugin_missing = false;
	lws_set_log_level(LOG_LEVELS, on_library_line);
	lws_set_allocator(on_library_memory);
	return lws_create_context(&info);
}

/* What it keeps for a connection is small pieces of few lengths. */
static void *on_library_memory(void *p, size_t len, const char *what)
{
	(void)what;
	if (len)
		return mem_grow(p, len);
	mem_free(p);
	return NULL;
}

static void on_library_signal(void *handle, int signo)
{
	(void)handle;
	(void)signo;
}

/* The library calls most of what clients do wrong a warning. */
static void on_library_line(int level, const char *line)
{
	struct span text = span_str(line);

	if (wants_plugin(line))
		plugin_missing = true;
	while (text.len > 0 && text.p[text.len - 1] == '\n')
		text.len--;
	if (level == LLL_ERR && !plugin_missing) /* that, socket_set_open says in one sentence */
		log_warn("libwebsockets", kv_span("said", text));
	else
		log_debug("libwebsockets", kv_span("said", text));
}

static bool wants_plugin(const char *line)
{
	return strstr(line, "evlib") != NULL;
}

static void uncork_all(void *p)
{
	struct socket_set *set = p;
	struct outflow *out;

	set->will_uncork = false;
	while ((out = backlogs_corked(&set->backlogs)))
		socket_uncork(out);
}

/* When the first socket is to be ended, by what is known now; INT64_MAX: none is. */
static int64_t next_ns(const struct socket_set *set)
{
	int64_t moved_ns, at_ns = INT64_MAX;

	if (!list_is_empty(&set->closing))
		at_ns = socket_cut_ns(set->closing.next);
	if (backlogs_first(&set->backlogs, &moved_ns) && moved_ns + set->slow_ns < at_ns)
		at_ns = moved_ns + set->slow_ns;
	return at_ns;
}

static void on_timer(struct timer *t, int64_t now_ns)
{
	struct socket_set *set = container_of(t, struct socket_set, timer);
	struct outflow *out;
	int64_t moved_ns;

	while (!list_is_empty(&set->closing) && socket_cut_ns(set->closing.next) <= now_ns)
		socket_cut(set->closing.next);
	while ((out = backlogs_first(&set->backlogs, &moved_ns)) &&
	       moved_ns + set->slow_ns <= now_ns)
		socket_stall(out);
	socket_set_watch(set);
}
