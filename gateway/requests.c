/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/requests.h"

#include "common/json.h"
#include "common/mono.h"
#include "gateway/metrics.h"
#include "gateway/session_inside.h"
#include "gateway/visit.h"
#include "proto/message.h"

/* After an event, a client is asked this soon whether it has it; later ones wait for the answer. */
#define PROOF_NS (2 * NS_PER_S)

typedef enum request_outcome act_fn(struct session *, enum v0_type, struct span text);

static void on_open(struct session *);
static void on_text(struct session *, struct span text);
static enum request_outcome take(struct session *, struct span text);
static act_fn refuse_type, relay, pong, heartbeat, swallow;
static void on_too_fast(struct session *, struct span text, const struct delay *);
static void refuse(struct session *, enum err why);
static void say_too_fast(struct session *, uint64_t retry_after_ms);
static void ping(struct session *);
static void on_shut(struct session *);
static void on_shown(struct visit *);
static void on_lost(struct visit *);
static void on_welcomed(struct visit *);
static void on_denied(struct visit *, enum err why);
static void on_kicked(struct visit *, struct span why);
static void on_end(struct visit *);
static void drain(struct session *);
static void on_deadline(struct session *);
static void answer(struct session *, enum v0_type);
static void cast(struct visit *, enum v0_type, struct span text);
static struct visit *only(const struct session *);

static act_fn *const acts[] = {
	[V0_DO_REFUSE] = refuse_type,  [V0_DO_RELAY] = relay,     [V0_DO_PONG] = pong,
	[V0_DO_HEARTBEAT] = heartbeat, [V0_DO_SWALLOW] = swallow,
};

const struct dialect dialect_v0 = {
	.name = "v0",
	.is_one_piece = true,
	.on_open = on_open,
	.on_text = on_text,
	.on_too_fast = on_too_fast,
	.end = session_close,
	.refuse = refuse,
	.ping = ping,
	.on_shut = on_shut,
	.on_shown = on_shown,
	.on_lost = on_lost,
	.on_welcomed = on_welcomed,
	.on_denied = on_denied,
	.on_kicked = on_kicked,
	.on_end = on_end,
	.drain = drain,
	.on_deadline = on_deadline,
};

void requests_farewell(struct visit *v, const char *kept_key)
{
	struct v0_identity who = visit_identity(v);
	bool types = span_is(span_str(kept_key), "typing");
	struct buf text;
	char now[ISO_TIME_LEN + 1];

	buf_init(&text, KEPT_BODY_MAX);
	wall_iso(now, wall_unix_ms());
	buf_put_str(&text, types ? "{\"type\":\"typing_stop\"" : "{\"type\":\"editing_stopped\"");
	buf_put_str(&text,
		    who.kind == ROOM_SUBMISSION ? ",\"submissionId\":0" : ",\"documentId\":0");
	buf_put_str(&text, ",\"userId\":0,\"userName\":0,\"userEmail\":0,\"data\":{");
	if (types) {
		buf_put_str(&text, "\"userId\":");
		json_put_string(&text, who.user);
		buf_put_str(&text, ",\"userName\":");
		json_put_string(&text, who.name);
		buf_printf(&text, ",\"timestamp\":\"%s\"", now);
	} else {
		buf_put_str(&text, "\"field\":\"content\"");
	}
	buf_put_str(&text, "},\"timestamp\":0}");
	if (!text.over)
		cast(v, types ? V0_TYPING_STOP : V0_EDITING_STOPPED, buf_span(&text));
	buf_fini(&text);
}

static void on_open(struct session *s)
{
	visit_enter(only(s));
}

static void on_text(struct session *s, struct span text)
{
	metrics_add(METRIC_frames_received + (unsigned)take(s, text), 1);
}

static enum request_outcome take(struct session *s, struct span text)
{
	enum v0_type type;
	enum err e = v0_read(text, &type);

	if (e) {
		refuse(s, e);
		return REQUEST_REFUSED;
	}
	return acts[v0_rows[type].action](s, type, text);
}

static enum request_outcome refuse_type(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	refuse(s, ERR_BAD_TYPE);
	return REQUEST_REFUSED;
}

static enum request_outcome relay(struct session *s, enum v0_type type, struct span text)
{
	if (visit_is_viewer(only(s)) && v0_is_writing(type)) {
		refuse(s, ERR_NOT_ALLOWED);
		return REQUEST_REFUSED;
	}
	uint64_t retry_after_ms = visit_admit(only(s), text.len, SPAN_NONE);
	if (retry_after_ms) {
		if (pace_may_say(&s->pace, session_now(s)))
			say_too_fast(s, retry_after_ms);
		return REQUEST_TOO_FAST;
	}
	cast(only(s), type, text);
	return REQUEST_RELAYED;
}

static enum request_outcome pong(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	answer(s, V0_PONG);
	return REQUEST_ANSWERED;
}

static enum request_outcome heartbeat(struct session *s, enum v0_type type, struct span text)
{
	(void)type, (void)text;
	answer(s, V0_HEARTBEAT_RESPONSE);
	return REQUEST_ANSWERED;
}

/* Of a pong, that it came is all that matters. */
static enum request_outcome swallow(struct session *s, enum v0_type type, struct span text)
{
	struct visit *v = only(s);

	(void)type, (void)text;
	if (v->ping_seq > v->attendee->proved) {
		v->attendee->proved = v->ping_seq;
		router_prove(v->attendee, false, session_now(s));
	}
	v->ping_seq = 0;
	return REQUEST_ANSWERED;
}

/* Once a wait: who floods is not answered with a flood. */
static void on_too_fast(struct session *s, struct span text, const struct delay *d)
{
	(void)text;
	if (d->is_news)
		say_too_fast(s, d->retry_after_ms);
}

static void refuse(struct session *s, enum err why)
{
	struct buf *text = session_scratch(s);

	v0_put_error(text, why, wall_unix_ms());
	session_say(s, buf_span(text));
}

static void say_too_fast(struct session *s, uint64_t retry_after_ms)
{
	struct buf *text = session_scratch(s);

	v0_put_too_fast(text, retry_after_ms, wall_unix_ms());
	session_say(s, buf_span(text));
}

static void ping(struct session *s)
{
	struct visit *v = only(s);
	struct buf *text = session_scratch(s);

	if (v->attendee && v->attendee->listens && !v->ping_seq)
		v->ping_seq = audience_seq(v->attendee->audience) + 1;
	v0_put_ping(text, visit_kind(v), visit_room_id(v), wall_unix_ms());
	session_say(s, buf_span(text));
}

/* Its answer to a ping comes after everything that was sent before the ping, so an early one tells
 * early what it has received. */
static void on_shown(struct visit *v)
{
	struct session *s = v->session;
	int64_t soon_ns = session_now(s) + PROOF_NS;

	if (v->ping_seq || audience_seq(v->attendee->audience) + 1 <= v->attendee->proved ||
	    s->ping_ns <= soon_ns || !session_is_served(s))
		return;
	s->ping_ns = soon_ns;
	session_reset_timer(s);
}

static void on_lost(struct visit *v)
{
	router_prove(v->attendee, true, session_now(v->session));
}

static void on_shut(struct session *s)
{
	(void)s;
}

static void on_welcomed(struct visit *v)
{
	struct session *s = v->session;

	if (s->state != SESSION_JOINING)
		return;
	metrics_observe_ns(METRIC_welcome, session_now(s) - s->opened_ns);
	session_move(s, SESSION_OPEN);
}

static void on_denied(struct visit *v, enum err why)
{
	session_close(v->session, why);
}

/* Whoever has no socket just now must not come back either: his time is up. */
static void on_kicked(struct visit *v, struct span why)
{
	struct session *s = v->session;

	(void)why;
	if (session_is_served(s)) {
		session_close(s, ERR_KICKED);
		return;
	}
	s->why = ERR_KICKED;
	s->grace_ns = session_now(s);
	if (s->state == SESSION_LOST)
		session_reset_timer(s);
}

static void on_end(struct visit *v)
{
	(void)v;
}

static void drain(struct session *s)
{
	session_close(s, ERR_RESTARTING);
}

static void on_deadline(struct session *s)
{
	(void)s; /* it has none */
}

static void answer(struct session *s, enum v0_type type)
{
	struct v0_identity who = visit_identity(only(s));
	struct buf *text = session_scratch(s);

	v0_put_simple(text, type, &who, wall_unix_ms(), 0);
	session_say(s, buf_span(text));
}

static void cast(struct visit *v, enum v0_type type, struct span text)
{
	const struct v0_row *row = &v0_rows[type];
	struct v0_identity who = visit_identity(v);
	struct buf *body = session_scratch(v->session);

	v0_put_stamped(body, text, &who, wall_unix_ms());
	if (body->over) {
		refuse(v->session, ERR_TOO_BIG);
		return;
	}
	visit_cast(v, &(struct msg_cast){
			      .key = span_str(row->key),
			      .keep = row->keep,
			      .body = buf_span(body),
			      .type = span_str(row->name),
		      });
}

static struct visit *only(const struct session *s)
{
	return visit_of(s->visits.next);
}
