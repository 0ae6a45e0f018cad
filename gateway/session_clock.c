/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a session, one timer: ping, silence, lease, grace; and the pace of its messages. */
#include "gateway/metrics.h"
#include "gateway/session_inside.h"
#include "gateway/visit.h"

static void on_timer(struct timer *, int64_t now_ns);
static uint64_t in_ms(int64_t ns);
static void refuse(struct session *, struct span text, int64_t wait_ns, int64_t now_ns);

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

bool session_admit(struct session *s, struct span text, int64_t now_ns)
{
	struct span user = s->user ? user_id(s->user) : SPAN_NONE;
	int64_t wait_ns = quota_take(&s->set->quota, &s->rate, user, text.len, now_ns);

	if (wait_ns)
		refuse(s, text, wait_ns, now_ns);
	return !wait_ns;
}

/* Whoever waits for so long has waited long enough. */
static uint64_t in_ms(int64_t ns)
{
	return (uint64_t)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void refuse(struct session *s, struct span text, int64_t wait_ns, int64_t now_ns)
{
	enum pace_step step = pace_refuse(&s->pace, wait_ns, now_ns);

	metrics_add(METRIC_frames_received + REQUEST_TOO_FAST, 1);
	if (step == PACE_END)
		s->dialect->end(s, ERR_TOO_FAST);
	else
		s->dialect->on_too_fast(
			s, text,
			&(struct delay){
				.retry_after_ms = in_ms(pace_wait_ns(&s->pace, wait_ns, now_ns)),
				.is_news = step == PACE_TELL,
			});
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
