/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a session, its way in and its way out. Its clock: session_clock.c. Its rooms:
 * visit.c. What its messages mean: requests.c (v0) and native.c. What it is shown: audience.c. */
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/session_inside.h"
#include "gateway/socket.h"
#include "gateway/visit.h"

#define SCRATCH_KEEP (256u << 10) /* bytes of the shared buffer that outlive a large message */
#define CLOSED_PAGE 1001          /* a browser says so of a page that is closed or loaded again */
#define CLOSED_LOST 1006

enum { SLOW_FULL, SLOW_STALLED }; /* as metrics.def lists them */

struct whole { /* a v0 session with all that is its own */
	struct session session;
	struct visit visit;
	uint8_t texts[]; /* of the visit, then the token */
};

#define TO(state) (1u << SESSION_##state)
static const struct {
	const char *name;
	unsigned next; /* states it may move to */
} states[SESSION_STATES] = {
	[SESSION_OPENING] = {"opening", TO(JOINING) | TO(CLOSED)},
	[SESSION_JOINING] = {"joining", TO(OPEN) | TO(CLOSING) | TO(LOST) | TO(CLOSED)},
	[SESSION_OPEN] = {"open", TO(CLOSING) | TO(LOST) | TO(CLOSED)},
	[SESSION_CLOSING] = {"closing", TO(OPEN) | TO(LOST) | TO(CLOSED)},
	[SESSION_LOST] = {"lost", TO(OPEN) | TO(CLOSED)},
	[SESSION_CLOSED] = {"closed", 0},
};

static bool is_clean(unsigned code);
static void deafen(struct session *);
static void start_grace(struct session *, unsigned code);
static bool is_final(enum err why);
static void count_close(const struct session *, unsigned code);
static void end(void *session);

struct session *session_new(struct gateway *gw, const struct admission *a)
{
	const struct visit_texts texts = {a->kind, a->room_id, a->role};
	size_t len = visit_texts_len(&texts);
	struct whole *w = mem_new(sizeof *w + len + a->token.len + 1);
	struct session *s = &w->session;

	session_init(s, gateway_sessions(gw), &dialect_v0);
	s->user = user_ref(a->user);
	s->token = (char *)w->texts + len;
	memcpy(s->token, a->token.p, a->token.len);
	visit_init(&w->visit, s, &texts, w->texts);
	return s;
}

struct session *session_new_native(struct gateway *gw)
{
	struct session *s = mem_new(dialect_native.session_size);

	session_init(s, gateway_sessions(gw), &dialect_native);
	return s;
}

void session_identify(struct session *s, struct span token, struct user *user)
{
	struct user *before = s->user;

	s->user = user_ref(user);
	user_free(&before);
	mem_free(s->token);
	s->token = mem_new(token.len + 1); /* what was granted is text without a NUL */
	memcpy(s->token, token.p, token.len);
}

void session_on_open(struct session *s, struct socket *socket)
{
	const struct gateway_options *opt = s->set->setup.opt;

	s->socket = socket;
	s->opened_ns = s->alive_ns = session_now(s);
	s->ping_ns = s->opened_ns + opt->keepalive_ping_ns;
	/* Spread: clients that came together must not be asked about together. */
	s->lease_ns = s->opened_ns + opt->access_lease_ns -
		      opt->access_lease_ns / 64 * (int64_t)(s->id.v % 16);
	metrics_set(METRIC_connections, (int64_t)++s->set->connected);
	metrics_add(METRIC_connections_opened, 1);
	session_move(s, SESSION_JOINING);
	s->dialect->on_open(s);
	session_reset_timer(s);
}

void session_on_text(struct session *s, struct span message)
{
	int64_t now_ns = session_now(s);

	s->alive_ns = now_ns;
	if (!session_is_served(s))
		return; /* it was told to go */
	metrics_add(METRIC_bytes_received, message.len);
	if (session_admit(s, message, now_ns))
		s->dialect->on_text(s, message);
}

void session_on_bad(struct session *s, enum err why)
{
	s->alive_ns = session_now(s);
	if (!session_is_served(s) || !session_admit(s, SPAN_NONE, s->alive_ns))
		return;
	metrics_add(METRIC_frames_received + REQUEST_REFUSED, 1);
	s->dialect->refuse(s, why);
}

void session_on_closed(struct session *s, unsigned code)
{
	if (s->state == SESSION_OPENING) { /* the upgrade failed: nobody has seen it */
		session_shut(s);
		return;
	}
	count_close(s, code);
	s->socket = NULL;
	metrics_set(METRIC_connections, (int64_t)--s->set->connected);
	log_debug("socket_gone", kv_hex("session", s->id.v), kv_u64("code", code),
		  kv_str("why", err_name((enum err)s->why)));
	if (is_final((enum err)s->why) || (!s->why && is_clean(code)) ||
	    list_is_empty(&s->visits)) {
		session_leave(s);
		session_shut(s);
		return;
	}
	deafen(s);
	if (s->why != ERR_DEAD_PEER)
		start_grace(s, code);
	LIST_EACH (&s->visits, it, ahead)
		s->dialect->on_lost(visit_of(it));
	session_move(s, SESSION_LOST);
	session_reset_timer(s);
}

void session_on_alive(struct session *s)
{
	s->alive_ns = session_now(s);
}

session_id session_get_id(const struct session *s)
{
	return s->id;
}

void session_on_stalled(struct session *s)
{
	if (!session_is_served(s))
		return;
	metrics_add(METRIC_slow_closes + SLOW_STALLED, 1);
	session_close(s, ERR_TOO_SLOW);
}

void session_say(struct session *s, struct span text)
{
	struct payload *p = payload_new(text);

	session_deliver(s, p, false);
	payload_free(&p);
}

struct buf *session_scratch(struct session *s)
{
	struct buf *b = &s->set->scratch;

	if (b->cap > SCRATCH_KEEP) {
		size_t max = b->max;

		buf_fini(b);
		buf_init(b, max);
	}
	buf_clear(b);
	return b;
}

void session_init(struct session *s, struct session_set *set, const struct dialect *dialect)
{
	s->set = set;
	s->dialect = dialect;
	s->id.v = (uint64_t)set->setup.boot << 32 | ++set->last_id;
	s->conn_gen = 1;
	list_init(&s->node);
	list_init(&s->visits);
	list_init(&s->timer.node);
	list_add_last(&set->all, &s->node);
	metrics_set(METRIC_sessions, (int64_t)++set->count);
}

bool session_has_socket(const struct session *s)
{
	return session_is_served(s) || s->state == SESSION_CLOSING;
}

bool session_is_served(const struct session *s)
{
	return s->state == SESSION_JOINING || s->state == SESSION_OPEN;
}

void session_move(struct session *s, enum session_state to)
{
	must(states[s->state].next & 1u << to);
	log_debug("session", kv_hex("session", s->id.v), kv_str("from", states[s->state].name),
		  kv_str("to", states[to].name));
	s->state = (uint8_t)to;
}

void session_leave(struct session *s)
{
	LIST_EACH (&s->visits, it, ahead) {
		struct visit *v = visit_of(it);

		visit_leave(&v);
	}
}

void session_shut(struct session *s)
{
	struct session_set *set = s->set;

	session_leave(s);
	session_move(s, SESSION_CLOSED);
	timers_disarm(set->setup.timers, &s->timer);
	access_forget(set->setup.access, s);
	s->dialect->on_shut(s);
	list_remove(&s->node);
	metrics_set(METRIC_sessions, (int64_t)--set->count);
	set->setup.reap(set->setup.owner, end, s);
}

void session_close(struct session *s, enum err why)
{
	if (s->state == SESSION_CLOSING)
		return;
	log_debug("session_closing", kv_hex("session", s->id.v), kv_str("why", err_name(why)));
	s->why = (uint8_t)why;
	deafen(s);
	/* Of a dead peer it counts from here: it ends no closing handshake. */
	start_grace(s, CLOSED_LOST);
	session_move(s, SESSION_CLOSING);
	timers_disarm(s->set->setup.timers, &s->timer);
	socket_close(s->socket, why);
}

int64_t session_now(const struct session *s)
{
	return s->set->setup.now_ns(s->set->setup.owner);
}

void session_take_over(struct session *s, struct session *from)
{
	struct socket *before = s->socket;

	deafen(s);
	start_grace(s, CLOSED_LOST);
	s->socket = from->socket;
	socket_set_session(s->socket, s);
	s->why = OK;
	s->deadline_ns = 0;
	s->draining = false;
	s->opened_ns = from->opened_ns;
	s->alive_ns = from->alive_ns;
	s->ping_ns = from->ping_ns;
	s->lease_ns = from->lease_ns;
	s->rate = from->rate;
	s->pace = from->pace;
	if (s->state != SESSION_OPEN)
		session_move(s, SESSION_OPEN);
	from->socket = before;
	if (!before) {
		session_shut(from);
		return;
	}
	socket_set_session(before, from);
	session_close(from, ERR_REPLACED);
}

void session_deliver(struct session *s, struct payload *p, bool droppable)
{
	if (!session_is_served(s))
		return;
	if (socket_send(s->socket, p, droppable) != OK)
		session_on_full(s);
}

void session_on_full(struct session *s)
{
	metrics_add(METRIC_slow_closes + SLOW_FULL, 1);
	session_close(s, ERR_TOO_SLOW);
}

void session_deliver_bundle(struct session *s, struct bundle *b)
{
	if (session_is_served(s) && socket_send_bundle(s->socket, b))
		return;
	for (size_t i = 0; i < b->count; i++)
		session_deliver(s, b->each[i], true);
}

void session_free(struct session *s)
{
	user_free(&s->user);
	if (!s->dialect->is_one_piece)
		mem_free(s->token);
	mem_free(s);
}

/* 1005: a close frame without a code, as `close()` in a browser sends (RFC 6455, 7.1.5). */
static bool is_clean(unsigned code)
{
	return code == err_close(OK) || code == 1005;
}

static void deafen(struct session *s)
{
	LIST_EACH (&s->visits, it, ahead)
		if (visit_of(it)->attendee)
			visit_of(it)->attendee->deaf = true;
}

static void start_grace(struct session *s, unsigned code)
{
	const struct gateway_options *opt = s->set->setup.opt;
	int64_t grace_ns = opt->presence_grace_ns;

	if (!s->why && code == CLOSED_PAGE && opt->presence_reload_ns < grace_ns)
		grace_ns = opt->presence_reload_ns;
	s->grace_ns = session_now(s) + grace_ns;
}

/* Whose right was taken away does not come back within the grace. */
static bool is_final(enum err why)
{
	return why && !err_retryable(why);
}

static void count_close(const struct session *s, unsigned code)
{
	enum { CLEAN, LOST, DEAD, SLOW, FAST, REVOKED, DRAINING, OTHER };
	unsigned why = code == err_close(OK)                        ? CLEAN
		       : code == CLOSED_LOST || code == CLOSED_PAGE ? LOST
								    : OTHER;

	if (s->why)
		why = s->why == ERR_DEAD_PEER    ? DEAD
		      : s->why == ERR_TOO_SLOW   ? SLOW
		      : s->why == ERR_TOO_FAST   ? FAST
		      : s->why == ERR_RESTARTING ? DRAINING
						 : REVOKED;
	metrics_add(METRIC_connections_closed + why, 1);
}

static void end(void *session)
{
	session_free(session);
}
