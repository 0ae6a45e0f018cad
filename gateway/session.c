/* SPDX-License-Identifier: Apache-2.0 */
/* The states of a session, its way in and its way out. Its clock: session_clock.c. What its
 * messages mean: requests.c. What it is shown: audience.c. */
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/gateway.h"
#include "gateway/metrics.h"
#include "gateway/requests.h"
#include "gateway/session_inside.h"
#include "gateway/socket.h"
#include "proto/v0.h"

#define SCRATCH_KEEP (256u << 10) /* bytes of the shared buffer that outlive a large message */

#define TO(state) (1u << SESSION_##state)
static const struct {
	const char *name;
	unsigned next; /* states it may move to */
} states[SESSION_STATES] = {
	[SESSION_OPENING] = {"opening", TO(JOINING) | TO(CLOSED)},
	[SESSION_JOINING] = {"joining", TO(OPEN) | TO(CLOSING) | TO(LOST) | TO(CLOSED)},
	[SESSION_OPEN] = {"open", TO(CLOSING) | TO(LOST) | TO(CLOSED)},
	[SESSION_CLOSING] = {"closing", TO(LOST) | TO(CLOSED)},
	[SESSION_LOST] = {"lost", TO(CLOSED)},
	[SESSION_CLOSED] = {"closed", 0},
};

static bool is_clean(unsigned code);
static void start_grace(struct session *);
static struct span keep(uint8_t **at, struct span text);
static void move(struct session *, enum session_state);
static void enter_room(struct session *);
static void scold(struct session *, int64_t now_ns);
static bool is_final(enum err why);
static void deliver(struct session *, struct payload *, bool droppable);
static void on_show(void *owner, struct payload *, bool droppable);
static void on_welcomed(void *owner);
static void count_close(const struct session *, unsigned code);

struct session *session_new(struct gateway *gw, const struct admission *a)
{
	struct session_set *set = gateway_sessions(gw);
	char key[ROOM_KEY_MAX];
	size_t key_len;
	enum err e = room_key_write(a->kind, a->room_id, key, &key_len);

	must(e == OK); /* nobody is admitted to a room that cannot be */
	struct session *s = mem_new(sizeof *s + key_len + a->room_id.len + a->token.len +
				    a->user.len + a->name.len + a->email.len + a->role.len);
	uint8_t *at = s->bytes;
	s->set = set;
	s->id.v = (uint64_t)set->setup.boot << 32 | ++set->last_id;
	s->kind = a->kind;
	s->room_key = keep(&at, span_of(key, key_len));
	s->room_id = keep(&at, a->room_id);
	s->token = keep(&at, a->token);
	s->user = keep(&at, a->user);
	s->name = keep(&at, a->name);
	s->email = keep(&at, a->email);
	s->role = keep(&at, a->role);
	list_init(&s->node);
	list_init(&s->timer.node);
	list_add_last(&set->all, &s->node);
	metrics_set(METRIC_sessions, (int64_t)++set->count);
	return s;
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
	move(s, SESSION_JOINING);
	enter_room(s);
	session_reset_timer(s);
}

void session_on_text(struct session *s, struct span message)
{
	int64_t now_ns = session_now(s);

	s->alive_ns = now_ns;
	if (s->state != SESSION_JOINING && s->state != SESSION_OPEN)
		return; /* it was told to go */
	metrics_add(METRIC_bytes_received, message.len);
	if (!session_spend(s, now_ns)) {
		metrics_add(METRIC_frames_received + 3, 1);
		scold(s, now_ns);
		return;
	}
	metrics_add(METRIC_frames_received + (unsigned)requests_take(s, message), 1);
}

void session_on_bad(struct session *s, enum err why)
{
	s->alive_ns = session_now(s);
	metrics_add(METRIC_frames_received + REQUEST_REFUSED, 1);
	session_refuse(s, why);
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
		  kv_str("why", err_name(s->why)));
	if (is_final(s->why) || (!s->why && is_clean(code))) {
		session_leave(s);
		session_shut(s);
		return;
	}
	s->attendee->deaf = true;
	if (s->why != ERR_DEAD_PEER)
		start_grace(s);
	move(s, SESSION_LOST);
	session_reset_timer(s);
}

void session_on_alive(struct session *s)
{
	s->alive_ns = session_now(s);
}

void session_say(struct session *s, struct span text)
{
	struct payload *p = payload_new(text);

	deliver(s, p, false);
	payload_free(&p);
}

void session_refuse(struct session *s, enum err why)
{
	struct buf *text = session_scratch(s);

	v0_put_error(text, why, wall_unix_ms());
	session_say(s, buf_span(text));
}

void session_cast(struct session *s, struct msg_cast *m)
{
	if (router_cast(s->attendee, m, session_now(s)) != OK)
		metrics_add(METRIC_casts_refused, 1); /* at most once is what a cast promises */
}

struct v0_identity session_identity(const struct session *s)
{
	return (struct v0_identity){s->kind, s->room_id, s->user, s->name, s->email};
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

bool session_is_viewer(const struct session *s)
{
	return span_is(s->role, "viewer");
}

bool session_has_socket(const struct session *s)
{
	return s->state == SESSION_JOINING || s->state == SESSION_OPEN ||
	       s->state == SESSION_CLOSING;
}

/* Nobody may go on seeing it type or edit, so that is taken back before it leaves. */
void session_leave(struct session *s)
{
	static const char *const marks[] = {"typing", "editing"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (audience_has_kept(s->attendee, marks[i]))
			requests_farewell(s, marks[i]);
	router_leave(s->set->setup.router, &s->attendee, session_now(s));
}

void session_shut(struct session *s)
{
	struct session_set *set = s->set;

	move(s, SESSION_CLOSED);
	timers_disarm(set->setup.timers, &s->timer);
	access_forget(set->setup.access, s);
	list_remove(&s->node);
	metrics_set(METRIC_sessions, (int64_t)--set->count);
	set->setup.reap(set->setup.owner, mem_free, s);
}

void session_close(struct session *s, enum err why)
{
	if (s->state == SESSION_CLOSING)
		return;
	log_debug("session_closing", kv_hex("session", s->id.v), kv_str("why", err_name(why)));
	s->why = why;
	s->attendee->deaf = true;
	start_grace(s); /* of a dead peer it counts from here: it ends no closing handshake */
	move(s, SESSION_CLOSING);
	timers_disarm(s->set->setup.timers, &s->timer);
	socket_close(s->socket, why);
}

int64_t session_now(const struct session *s)
{
	return s->set->setup.now_ns(s->set->setup.owner);
}

const struct audience_sink *session_sink(void)
{
	static const struct audience_sink sink = {on_show, on_welcomed};

	return &sink;
}

/* 1005: a close frame without a code, as `close()` in a browser sends (RFC 6455, 7.1.5). */
static bool is_clean(unsigned code)
{
	return code == err_close(OK) || code == 1005;
}

static void start_grace(struct session *s)
{
	s->grace_ns = session_now(s) + s->set->setup.opt->presence_grace_ns;
}

static struct span keep(uint8_t **at, struct span text)
{
	struct span kept = span_of(*at, text.len);

	if (text.len)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return kept;
}

static void move(struct session *s, enum session_state to)
{
	must(states[s->state].next & 1u << to);
	log_debug("session", kv_hex("session", s->id.v), kv_str("from", states[s->state].name),
		  kv_str("to", states[to].name));
	s->state = to;
}

static void enter_room(struct session *s)
{
	s->attendee = router_enter(s->set->setup.router, s->room_key, s,
				   &(struct item_member){
					   .session = s->id.v,
					   .conn_gen = 1,
					   .user = s->user,
					   .name = s->name,
					   .email = s->email,
					   .since_ms = (uint64_t)wall_unix_ms(),
					   .fresh = 1,
				   },
				   session_now(s));
}

static void scold(struct session *s, int64_t now_ns)
{
	if (now_ns < s->scold_ns)
		return;
	s->scold_ns = now_ns + NS_PER_S;
	session_refuse(s, ERR_TOO_FAST);
}

/* Whose right was taken away does not come back within the grace. */
static bool is_final(enum err why)
{
	return why == ERR_REVOKED || why == ERR_NO_SESSION || why == ERR_NO_USER ||
	       why == ERR_NO_ROOM;
}

static void deliver(struct session *s, struct payload *p, bool droppable)
{
	if (s->state != SESSION_JOINING && s->state != SESSION_OPEN)
		return;
	if (socket_send(s->socket, p, droppable) != OK)
		session_close(s, ERR_TOO_SLOW);
}

static void on_show(void *owner, struct payload *p, bool droppable)
{
	deliver(owner, p, droppable);
}

static void on_welcomed(void *owner)
{
	struct session *s = owner;

	if (s->state != SESSION_JOINING)
		return;
	metrics_observe_ns(METRIC_welcome, session_now(s) - s->opened_ns);
	move(s, SESSION_OPEN);
}

static void count_close(const struct session *s, unsigned code)
{
	enum { CLEAN, LOST, DEAD, SLOW, REVOKED, DRAINING, OTHER };
	unsigned why = code == err_close(OK) ? CLEAN : code == 1006 || code == 1001 ? LOST : OTHER;

	if (s->why)
		why = s->why == ERR_DEAD_PEER    ? DEAD
		      : s->why == ERR_TOO_SLOW   ? SLOW
		      : s->why == ERR_RESTARTING ? DRAINING
						 : REVOKED;
	metrics_add(METRIC_connections_closed + why, 1);
}
