/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a session, one timer: ping, silence, lease, grace; and the pace of its messages. */
#include "gateway/session_inside.h"
#include "gateway/visit.h"

static void on_timer(struct timer *, int64_t now_ns);

void session_reset_timer(struct session *s)
{
	int64_t at_ns = s->grace_ns;

	if (s->state != SESSION_LOST) {
		at_ns = s->alive_ns + s->set->setup.opt->keepalive_dead_ns;
		at_ns = s->ping_ns < at_ns ? s->ping_ns : at_ns;
		at_ns = s->lease_ns < at_ns ? s->lease_ns : at_ns;
		at_ns = s->deadline_ns && s->deadline_ns < at_ns ? s->deadline_ns : at_ns;
	}
	timers_arm(s->set->setup.timers, &s->timer, at_ns, on_timer);
}

void session_renew_lease(struct session *s)
{
	s->lease_ns = session_now(s) + s->set->setup.opt->access_lease_ns;
	LIST_EACH (&s->visits, it, ahead)
		visit_renew_lease(visit_of(it));
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
		session_shut(s);
		return;
	}
	if (now_ns - s->alive_ns >= s->set->setup.opt->keepalive_dead_ns) {
		session_close(s, ERR_DEAD_PEER);
		return;
	}
	if (s->deadline_ns && now_ns >= s->deadline_ns) {
		s->dialect->on_deadline(s);
		return;
	}
	if (now_ns >= s->lease_ns)
		session_renew_lease(s);
	if (now_ns >= s->ping_ns) {
		s->ping_ns = now_ns + s->set->setup.opt->keepalive_ping_ns;
		s->dialect->ping(s);
	}
	if (s->state != SESSION_CLOSING) /* it may have been too slow for its ping */
		session_reset_timer(s);
}
