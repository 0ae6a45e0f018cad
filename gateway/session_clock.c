/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a session, one timer: ping, silence, lease, grace; and the pace of its messages. */
#include "common/mono.h"
#include "gateway/session_inside.h"
#include "proto/v0.h"

static void on_timer(struct timer *, int64_t now_ns);
static void ping(struct session *);
static void on_lease(void *owner, const struct access_answer *);
static enum err lease_verdict(const struct session *, const struct access_answer *);

void session_reset_timer(struct session *s)
{
	int64_t at_ns = s->grace_ns;

	if (s->state != SESSION_LOST) {
		at_ns = s->alive_ns + s->set->setup.opt->keepalive_dead_ns;
		at_ns = s->ping_ns < at_ns ? s->ping_ns : at_ns;
		at_ns = s->lease_ns < at_ns ? s->lease_ns : at_ns;
	}
	timers_arm(s->set->setup.timers, &s->timer, at_ns, on_timer);
}

void session_renew_lease(struct session *s)
{
	s->lease_ns = session_now(s) + s->set->setup.opt->access_lease_ns;
	if (s->asking)
		return;
	s->asking = true;
	access_ask(s->set->setup.access, s->token, s->kind, s->room_id, on_lease, s);
}

/* A bucket of two seconds' worth, filled at the rate. */
bool session_spend(struct session *s, int64_t now_ns)
{
	int64_t rate = s->set->setup.opt->limits_rate;

	if (!rate)
		return true;
	int64_t full_ns = (s->full_ns > now_ns ? s->full_ns : now_ns) + NS_PER_S / rate;
	if (full_ns - now_ns > 2 * NS_PER_S)
		return false;
	s->full_ns = full_ns;
	return true;
}

static void on_timer(struct timer *t, int64_t now_ns)
{
	struct session *s = container_of(t, struct session, timer);

	if (s->state == SESSION_LOST) {
		session_leave(s);
		session_shut(s);
		return;
	}
	if (now_ns - s->alive_ns >= s->set->setup.opt->keepalive_dead_ns) {
		session_close(s, ERR_DEAD_PEER);
		return;
	}
	if (now_ns >= s->lease_ns)
		session_renew_lease(s);
	if (now_ns >= s->ping_ns)
		ping(s);
	if (s->state != SESSION_CLOSING) /* it may have been too slow for its ping */
		session_reset_timer(s);
}

static void ping(struct session *s)
{
	struct buf *text = session_scratch(s);

	s->ping_ns = session_now(s) + s->set->setup.opt->keepalive_ping_ns;
	v0_put_ping(text, s->kind, s->room_id, wall_unix_ms());
	session_say(s, buf_span(text));
}

static void on_lease(void *owner, const struct access_answer *a)
{
	struct session *s = owner;

	s->asking = false;
	enum err why = lease_verdict(s, a);
	if (why && session_has_socket(s))
		session_close(s, why);
}

/* With the database away the grant goes on: a blip must not empty the rooms. */
static enum err lease_verdict(const struct session *s, const struct access_answer *a)
{
	static const enum err reasons[] = {
		[ACCESS_GRANTED] = OK,          [ACCESS_NO_SESSION] = ERR_NO_SESSION,
		[ACCESS_NO_USER] = ERR_NO_USER, [ACCESS_NO_ROOM] = ERR_NO_ROOM,
		[ACCESS_DENIED] = ERR_REVOKED,  [ACCESS_BROKEN] = OK,
	};

	if (a->refusal == ACCESS_GRANTED && !span_eq(a->user, s->user))
		return ERR_NO_SESSION; /* the token now speaks for somebody else */
	return reasons[a->refusal];
}
