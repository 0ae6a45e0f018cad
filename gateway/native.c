/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect moot.v1: who a session is, and how it goes on over another connection. A session that
 * comes back to the gateway that still has it takes the new socket over; anywhere else it is made
 * again under its old id and the next conn_gen, which moves its entries there. */
#include "gateway/native.h"

#include "common/log.h"
#include "common/mem.h"
#include "common/random.h"
#include "gateway/metrics.h"
#include "gateway/resume.h"

#define RETRY_MS 500 /* what a client is told to wait when nobody knows better */

static void on_open(struct session *);
static void ignore(struct visit *);
static void refuse(struct session *, enum err why);
static void ping(struct session *);
static void on_shut(struct session *);
static void drain(struct session *);
static void on_deadline(struct session *);
static void ask_who(struct native *, struct span token);
static void on_who(void *owner, const struct access_answer *);
static void renew_token(struct native *, const struct access_answer *);
static void welcome(struct native *, const struct access_answer *);
static void go_on(struct session *, struct native *, uint64_t conn_gen,
		  const struct access_answer *);
static void say_welcome(struct session *, bool resumed);

const struct dialect dialect_native = {
	.name = FRAME_PROTOCOL,
	.session_size = sizeof(struct native),
	.on_open = on_open,
	.on_text = native_take,
	.on_too_fast = native_take_too_fast,
	.end = native_close,
	.refuse = refuse,
	.ping = ping,
	.on_shut = on_shut,
	.on_shown = ignore,
	.on_lost = ignore,
	.on_welcomed = native_visit_on_welcomed,
	.on_denied = native_visit_on_denied,
	.on_kicked = native_visit_on_kicked,
	.on_end = native_visit_on_end,
	.drain = drain,
	.on_deadline = on_deadline,
};

struct native *native_of(struct session *s)
{
	must(s->dialect == &dialect_native);
	return container_of(s, struct native, session);
}

void native_refuse(struct session *s, const struct told_refused *r)
{
	struct told_refused told = *r;
	struct buf *text;

	told.trace = random_u64();
	told.reason = span_str(err_text(r->code));
	if (err_retryable(r->code) && !told.retry_after_ms)
		told.retry_after_ms = RETRY_MS;
	log_info("refused", kv_hex("trace", told.trace), kv_hex("session", s->id.v),
		 kv_span("request", r->request), kv_str("code", err_name(r->code)));
	metrics_add(METRIC_frames_received + REQUEST_REFUSED, 1);
	text = session_scratch(s);
	frame_put_refused(text, &told);
	session_say(s, buf_span(text));
}

void native_close(struct session *s, enum err why)
{
	uint64_t trace = random_u64();
	struct buf *text = session_scratch(s);

	log_info("session_ended", kv_hex("trace", trace), kv_hex("session", s->id.v),
		 kv_str("code", err_name(why)));
	frame_put_error(text, &(struct told_error){why, span_str(err_text(why)), trace});
	session_say(s, buf_span(text));
	session_close(s, why);
}

void native_hello(struct session *s, const struct frame_hello *m)
{
	struct native *n = native_of(s);

	buf_put_span(&n->resume, m->resume);
	ask_who(n, m->token);
}

void native_auth(struct session *s, const struct frame_auth *m)
{
	struct native *n = native_of(s);

	if (n->asking)
		native_refuse(
			s, &(struct told_refused){.request = SPAN("auth"), .code = ERR_TOO_FAST});
	else
		ask_who(n, m->token);
}

static void on_open(struct session *s)
{
	struct native *n = native_of(s);

	buf_init(&n->resume, RESUME_MAX);
	buf_init(&n->token, TOKEN_MAX);
	s->deadline_ns = s->opened_ns + NATIVE_HELLO_NS;
}

static void ask_who(struct native *n, struct span token)
{
	struct session *s = &n->session;

	n->asking = true;
	buf_clear(&n->token);
	buf_put_span(&n->token, token);
	access_whoami(s->set->setup.access, buf_span(&n->token), on_who, s);
}

static void on_who(void *owner, const struct access_answer *a)
{
	struct session *s = owner;
	struct native *n = native_of(s);

	n->asking = false;
	if (!session_is_served(s))
		return;
	if (a->refusal == ACCESS_BROKEN)
		native_close(s, ERR_DB_AWAY);
	else if (a->refusal != ACCESS_GRANTED)
		native_close(s, a->refusal == ACCESS_NO_USER ? ERR_NO_USER : ERR_NO_SESSION);
	else if (s->state == SESSION_JOINING)
		welcome(n, a);
	else if (!span_eq(user_id(a->user), user_id(s->user)))
		native_close(s, ERR_NO_SESSION);
	else
		renew_token(n, a);
}

static void renew_token(struct native *n, const struct access_answer *a)
{
	struct session *s = &n->session;
	struct buf *text = session_scratch(s);

	session_identify(s, buf_span(&n->token), a->user);
	session_renew_lease(s);
	frame_put_ok(text, &(struct told_ok){0});
	session_say(s, buf_span(text));
}

static void welcome(struct native *n, const struct access_answer *a)
{
	struct session *s = &n->session, *known = NULL;
	struct resume r = {.user = user_id(a->user)};
	bool resumed = resume_read(buf_span(&n->resume), s->set->setup.resume_key, &r);

	if (n->resume.len > 0)
		metrics_add(METRIC_resumes + !resumed, 1);
	if (resumed)
		known = session_set_find(s->set, (session_id){r.session});
	if (known) {
		go_on(known, n, r.conn_gen, a);
		return;
	}
	session_identify(s, buf_span(&n->token), a->user);
	if (resumed)
		session_set_name(s, (session_id){r.session}, r.conn_gen + 1);
	else
		session_set_name(s, s->id, 1);
	say_welcome(s, resumed);
}

/* It comes back to the gateway that still has its rooms. */
static void go_on(struct session *known, struct native *n, uint64_t conn_gen,
		  const struct access_answer *a)
{
	known->conn_gen = (known->conn_gen > conn_gen ? known->conn_gen : conn_gen) + 1;
	native_of(known)->last_n = 0;
	session_identify(known, buf_span(&n->token), a->user);
	LIST_EACH (&known->visits, it, ahead)
		native_visit_sleep(native_visit_of(visit_of(it)));
	session_take_over(known, &n->session);
	say_welcome(known, true);
}

static void say_welcome(struct session *s, bool resumed)
{
	const struct gateway_options *opt = s->set->setup.opt;
	struct buf token, *text = session_scratch(s);

	if (!s->draining)
		s->deadline_ns = 0;
	if (s->state == SESSION_JOINING)
		session_move(s, SESSION_OPEN);
	metrics_observe_ns(METRIC_welcome, session_now(s) - s->opened_ns);
	buf_init(&token, RESUME_MAX);
	resume_put(&token, s->set->setup.resume_key,
		   &(struct resume){s->id.v, s->conn_gen, user_id(s->user)});
	frame_put_welcome(
		text, &(struct told_welcome){
			      .session = s->id.v,
			      .resume = buf_span(&token),
			      .user = {user_id(s->user), user_name(s->user), user_email(s->user)},
			      .ping_ms = (uint64_t)(opt->keepalive_ping_ns / NS_PER_MS),
			      .limits =
				      {
					      .message = (uint64_t)opt->limits_message,
					      .rate = (uint64_t)opt->limits_rate,
					      .rooms = ROOMS_PER_CONNECTION,
					      .pending = PENDING_PER_CONNECTION,
				      },
			      .resumed = resumed,
		      });
	buf_fini(&token);
	session_say(s, buf_span(text));
	session_reset_timer(s);
}

/* Said about what is no message at all. */
static void refuse(struct session *s, enum err why)
{
	native_refuse(s, &(struct told_refused){.code = why});
}

/* The client is told in `welcome` how often to say something; it asks, not we. */
static void ping(struct session *s)
{
	(void)s;
}

static void on_shut(struct session *s)
{
	struct native *n = native_of(s);

	session_set_forget(s);
	buf_fini(&n->resume);
	buf_fini(&n->token);
}

static void drain(struct session *s)
{
	struct buf *text = session_scratch(s);

	s->deadline_ns = session_now(s) + NATIVE_DRAIN_NS;
	s->draining = true;
	frame_put_draining(text, &(struct told_draining){NATIVE_DRAIN_NS / NS_PER_MS});
	session_say(s, buf_span(text));
	session_reset_timer(s);
}

static void on_deadline(struct session *s)
{
	native_close(s, s->draining ? ERR_RESTARTING : ERR_NO_HELLO);
}

/* A native client knows what it has received, and says so when it joins again. */
static void ignore(struct visit *v)
{
	(void)v;
}
