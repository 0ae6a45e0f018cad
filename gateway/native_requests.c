/* SPDX-License-Identifier: Apache-2.0 */
/* What each message of moot.v1 means; one handler per row of proto/frame.def. */
#include "common/mono.h"
#include "gateway/metrics.h"
#include "gateway/native.h"
#include "gateway/requests.h"

typedef void act_fn(struct session *, const struct frame *, struct native_visit *);

#define CLIENT(NAME, name, where, doc) static act_fn on_##name;
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"

static act_fn *const acts[FRAME_TYPES] = {
#define CLIENT(NAME, name, where, doc) [FRAME_##NAME] = on_##name,
#define FIELD(kind, name, max, doc)
#define END(name)
#include "proto/frame.def"
};

static bool is_in_time(struct session *, const struct frame *);
static bool is_answered(enum frame_type);
static void refuse(struct session *, const struct frame *, enum err why);
static void refuse_for(struct session *, const struct frame *, enum err why,
		       uint64_t retry_after_ms);
static bool admit(struct native_visit *, const struct frame *, size_t bytes, struct span to);
static enum v0_type v0_of(struct span key);
static void cast_v0(struct native_visit *, enum v0_type, const struct frame_cast *);
static void say(struct session *, void (*put)(struct buf *, struct span room), struct span room);
static void put_left(struct buf *, struct span room);
static void put_pong(struct buf *, struct span room);

void native_take(struct session *s, struct span text)
{
	struct frame f;
	enum err e = frame_read(text, &s->set->frame, &f);
	struct native_visit *v = NULL;

	if (f.type != FRAME_UNKNOWN && !is_in_time(s, &f))
		return;
	if (f.type == FRAME_UNKNOWN && s->state == SESSION_JOINING) {
		native_close(s, ERR_NO_HELLO);
		return;
	}
	if (f.room.len > 0)
		v = native_visit_find(s, f.room);
	if (!e && frame_rows[f.type].where == FRAME_JOINED && !(v && native_visit_is_in(v)))
		e = ERR_NOT_JOINED;
	if (e) {
		refuse(s, &f, e);
		return;
	}
	metrics_add(METRIC_frames_received +
			    (f.type == FRAME_CAST ? REQUEST_RELAYED : REQUEST_ANSWERED),
		    1);
	must(acts[f.type]); /* frame_read takes no message that has no row */
	acts[f.type](s, &f, v);
}

/* Who waits for an answer gets one; of the rest the first of a wait. */
void native_take_too_fast(struct session *s, struct span text, const struct delay *d)
{
	struct frame f;
	enum err e = frame_read(text, &s->set->frame, &f);

	(void)e; /* what could be read is enough to say whom it concerns */
	if (s->state == SESSION_JOINING)
		native_close(s, ERR_TOO_FAST);
	else if (d->is_news || is_answered(f.type))
		refuse_for(s, &f, ERR_TOO_FAST, d->retry_after_ms);
}

/* hello is the first message, and only that. */
static bool is_in_time(struct session *s, const struct frame *f)
{
	bool is_first = s->state == SESSION_JOINING && !native_of(s)->greeted;

	if ((f->type == FRAME_HELLO) == is_first && (is_first || s->state == SESSION_OPEN))
		return true;
	if (f->type == FRAME_HELLO && s->state == SESSION_OPEN)
		refuse(s, f, ERR_BAD_TYPE);
	else
		native_close(s, ERR_NO_HELLO);
	return false;
}

static bool is_answered(enum frame_type type)
{
	return type != FRAME_CAST && type != FRAME_STATE && type != FRAME_PING &&
	       type != FRAME_UNKNOWN;
}

static void refuse(struct session *s, const struct frame *f, enum err why)
{
	refuse_for(s, f, why, 0);
}

static void refuse_for(struct session *s, const struct frame *f, enum err why,
		       uint64_t retry_after_ms)
{
	struct native_visit *v = f->room.len > 0 ? native_visit_find(s, f->room) : NULL;

	if (s->state == SESSION_JOINING) {
		native_close(s, ERR_BAD_CLIENT); /* what is wrong with a message closes nobody */
	} else if (f->type == FRAME_PUBLISH && v && f->n > 0) {
		if (publisher_refuse(v, f->n, why, retry_after_ms) != OK)
			native_close(s, ERR_TOO_FAST);
	} else {
		native_refuse(s, &(struct told_refused){
					 .request = f->type == FRAME_UNKNOWN
							    ? SPAN_NONE
							    : span_str(frame_rows[f->type].name),
					 .room = f->room,
					 .n = f->n,
					 .code = why,
					 .retry_after_ms = retry_after_ms,
				 });
	}
}

/* A cast or a state into its room. False: the room is told too much. */
static bool admit(struct native_visit *v, const struct frame *f, size_t bytes, struct span to)
{
	struct session *s = v->visit.session;
	uint64_t retry_after_ms = visit_admit(&v->visit, bytes, to);

	if (retry_after_ms && pace_may_say(&s->pace, session_now(s)))
		refuse_for(s, f, ERR_TOO_FAST, retry_after_ms);
	return !retry_after_ms;
}

static void on_hello(struct session *s, const struct frame *f, struct native_visit *v)
{
	(void)v;
	native_of(s)->greeted = true;
	native_hello(s, &f->hello);
}

static void on_join(struct session *s, const struct frame *f, struct native_visit *v)
{
	(void)v;
	native_visit_join(s, &f->join);
}

static void on_leave(struct session *s, const struct frame *f, struct native_visit *v)
{
	struct visit *visit = &v->visit;

	visit_leave(&visit);
	say(s, put_left, f->room);
}

static void on_publish(struct session *s, const struct frame *f, struct native_visit *v)
{
	if (publisher_take(v, f) != OK) {
		native_close(s, ERR_TOO_FAST);
		return;
	}
	if (f->n > native_of(s)->last_n)
		native_of(s)->last_n = f->n;
}

/* What v0 clients know is passed on as they know it, so that both see each other work. */
static void on_cast(struct session *s, const struct frame *f, struct native_visit *v)
{
	const struct frame_cast *m = &f->cast;
	enum v0_type type = v0_of(m->key);

	(void)s;
	if (!admit(v, f, m->data.len, m->to))
		return;
	if (type != V0_UNKNOWN) {
		cast_v0(v, type, m);
		return;
	}
	visit_cast(&v->visit, &(struct msg_cast){
				      .key = m->key,
				      .body = m->data,
				      .type = m->key,
				      .shape = BODY_DATA,
				      .to = m->to,
			      });
}

static void on_state(struct session *s, const struct frame *f, struct native_visit *v)
{
	enum err e = OK;

	if (admit(v, f, f->state.data.len, SPAN_NONE))
		e = native_visit_state(v, f->state.data);
	if (e)
		refuse(s, f, e);
}

static void on_read(struct session *s, const struct frame *f, struct native_visit *v)
{
	enum err e = native_visit_read(v, &f->read);

	if (e)
		refuse(s, f, e);
}

static void on_auth(struct session *s, const struct frame *f, struct native_visit *v)
{
	(void)v;
	native_auth(s, &f->auth);
}

static void on_ping(struct session *s, const struct frame *f, struct native_visit *v)
{
	(void)f, (void)v;
	say(s, put_pong, SPAN_NONE);
}

/* UNKNOWN: not one that a v0 client may send to others. */
static enum v0_type v0_of(struct span key)
{
	for (enum v0_type t = V0_UNKNOWN + 1; t < V0_TYPES; t++)
		if (v0_rows[t].action == V0_DO_RELAY && span_is(key, v0_rows[t].name))
			return t;
	return V0_UNKNOWN;
}

static void cast_v0(struct native_visit *v, enum v0_type type, const struct frame_cast *m)
{
	struct session *s = v->visit.session;
	struct v0_identity who = visit_identity(&v->visit);
	struct buf *body = session_scratch(s);

	if (visit_is_viewer(&v->visit) && v0_is_writing(type)) {
		native_refuse(s, &(struct told_refused){.request = span_str("cast"),
							.room = visit_room(&v->visit),
							.code = ERR_READ_ONLY});
		return;
	}
	bridge_put_v0(body, m->key, &who, m->data, wall_unix_ms());
	visit_cast(&v->visit, &(struct msg_cast){
				      .key = span_str(v0_rows[type].key),
				      .keep = v0_rows[type].keep,
				      .body = buf_span(body),
				      .type = m->key,
				      .to = m->to,
			      });
}

static void say(struct session *s, void (*put)(struct buf *, struct span room), struct span room)
{
	struct buf *text = session_scratch(s);

	put(text, room);
	session_say(s, buf_span(text));
}

static void put_left(struct buf *text, struct span room)
{
	frame_put_left(text, &(struct told_left){.room = room});
}

static void put_pong(struct buf *text, struct span room)
{
	(void)room;
	frame_put_pong(text, &(struct told_pong){0});
}
