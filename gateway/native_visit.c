/* SPDX-License-Identifier: Apache-2.0 */
/* A native session in a room, from join to leave: asked about, entered, told who is there. Its
 * events: native_cursor.c. */
#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/metrics.h"
#include "gateway/gateway.h"
#include "gateway/native.h"
#include "gateway/questions.h"
#include "gateway/route.h"
#include "gateway/telling.h"

#define PATIENCE_NS (2 * NS_PER_S) /* for the log to tell where it ends; then one is in without */
#define RENDER_MAX (32u << 20)

static struct native_visit *make(struct session *, enum room_kind, struct span room_id);
static void begin(struct native_visit *, const struct frame_join *);
static void ask(struct native_visit *);
static void on_access(void *owner, const struct access_answer *);
static enum err refusal_of(const struct access_answer *);
static void enter(struct native_visit *);
static void refuse_join(struct native_visit *, enum err why);
static bool misses_changes(struct native_visit *);
static void await_list(struct native_visit *, int64_t now_ns);
static void on_history(void *owner, const struct answer *);

struct native_visit *native_visit_of(struct visit *v)
{
	return container_of(v, struct native_visit, visit);
}

struct native_visit *native_visit_find(struct session *s, struct span room_key)
{
	LIST_EACH (&s->visits, it, ahead)
		if (span_eq(visit_room(visit_of(it)), room_key))
			return native_visit_of(visit_of(it));
	return NULL;
}

bool native_visit_is_in(const struct native_visit *v)
{
	return v->state == NATIVE_BEHIND || v->state == NATIVE_LIVE;
}

void native_visit_join(struct session *s, const struct frame_join *m)
{
	struct native_visit *v = native_visit_find(s, m->room);
	enum room_kind kind;
	struct span id;
	enum err e = room_key_read(m->room, &kind, &id);
	size_t count = 0;

	if (v && v->state == NATIVE_KICKED) { /* it comes anew */
		native_visit_end(v, ERR_KICKED);
		v = NULL;
	}
	LIST_EACH (&s->visits, it, ahead)
		count++;
	if (!e && !v && count >= ROOMS_PER_CONNECTION)
		e = ERR_TOO_MANY_ROOMS;
	if (!e && v && v->state == NATIVE_ASKING)
		e = ERR_TOO_FAST;
	if (e) {
		native_refuse(s, &(struct told_refused){
					 .request = SPAN("join"), .room = m->room, .code = e});
		return;
	}
	begin(v ? v : make(s, kind, id), m);
}

enum err native_visit_state(struct native_visit *v, struct span patch)
{
	struct span old = audience_kept(v->visit.attendee, ROSTER_STATE_KEY);
	struct buf state;

	buf_init(&state, STATE_MAX);
	enum err e = frame_merge_state(old, patch, &state);
	if (!e)
		visit_cast(&v->visit, &(struct msg_cast){
					      .key = SPAN(ROSTER_STATE_KEY),
					      .keep = 1,
					      .body = buf_span(&state),
					      .type = SPAN(ROSTER_STATE_KEY),
					      .shape = BODY_DATA,
				      });
	buf_fini(&state);
	return e;
}

enum err native_visit_read(struct native_visit *v, const struct frame_read *m)
{
	if (v->looking)
		return ERR_TOO_FAST;
	v->looking = true;
	questions_read(v->visit.session->set->setup.questions,
		       &(struct msg_read){
			       .room = visit_room(&v->visit),
			       .after = m->after.v,
			       .before = m->before.v,
			       .limit = m->limit.is_given ? m->limit.v : READ_LIMIT_DEFAULT,
			       .types = m->events,
		       },
		       on_history, &v->looking);
	return OK;
}

void native_visit_sleep(struct native_visit *v)
{
	/* Not in yet, it is to be asked for again; kicked, it is not to be kept. */
	if (!v->visit.attendee || v->state == NATIVE_KICKED) {
		struct visit *visit = &v->visit;

		visit_leave(&visit);
		return;
	}
	if (v->state == NATIVE_ASKING) {
		access_forget(v->visit.session->set->setup.access, &v->visit);
		v->visit.asking = false;
	}
	questions_forget(v->visit.session->set->setup.questions, &v->looking);
	v->looking = false;
	v->state = NATIVE_DORMANT;
	v->visit.attendee->listens = v->visit.attendee->ready = false;
	publisher_forgive(&v->publisher);
	native_visit_keep_busy(v);
}

void native_visit_tick(struct native_visit *v, int64_t now_ns)
{
	const struct session *s = v->visit.session;

	switch (v->state) {
	case NATIVE_ENTERING:
		if (audience_is_known(v->visit.attendee))
			await_list(v, now_ns);
		break;
	case NATIVE_BEHIND:
		(void)misses_changes(v);
		native_cursor_advance(v, now_ns);
		break;
	case NATIVE_LIVE:
		if (!misses_changes(v))
			list_remove(&v->of_busy);
		break;
	case NATIVE_DORMANT:
		if (s->state == SESSION_OPEN && now_ns >= s->grace_ns)
			native_visit_end(v, OK);
		break;
	case NATIVE_KICKED:
		native_visit_end(v, ERR_KICKED);
		break;
	case NATIVE_ASKING:
	case NATIVE_LISTING:
		list_remove(&v->of_busy);
		break;
	}
}

void native_visit_on_welcomed(struct visit *visit)
{
	struct native_visit *v = native_visit_of(visit);

	if (v->state == NATIVE_ENTERING && audience_is_known(visit->attendee))
		await_list(v, session_now(visit->session));
}

void native_visit_on_denied(struct visit *visit, enum err why)
{
	if (why == ERR_NO_SESSION || why == ERR_NO_USER)
		native_close(visit->session, why);
	else
		native_visit_end(native_visit_of(visit), why);
}

void native_visit_on_kicked(struct visit *visit, struct span why)
{
	struct native_visit *v = native_visit_of(visit);

	(void)why;
	v->state = NATIVE_KICKED;
	visit->attendee->listens = visit->attendee->ready = false;
	native_visit_keep_busy(v);
}

void native_visit_on_end(struct visit *visit)
{
	struct native_visit *v = native_visit_of(visit);

	questions_forget(visit->session->set->setup.questions, v);
	questions_forget(visit->session->set->setup.questions, &v->looking);
	publisher_fini(&v->publisher);
	list_remove(&v->of_busy);
	buf_fini(&v->state_at_join);
}

void native_visit_on_listed(void *owner, const struct audience_list *list)
{
	struct native_visit *v = owner;
	struct session *s = v->visit.session;
	uint64_t head = native_cursor_head(v);
	struct told_gap gap = native_cursor_gap(v, head);
	struct buf text;

	if (gap.to)
		metrics_add(METRIC_resumes + 2, 1);
	buf_init(&text, RENDER_MAX);
	frame_put_joined(&text, &(struct told_joined){
					.room = visit_room(&v->visit),
					.seq = head,
					.role = visit_role(&v->visit),
					.members = list->members,
					.count = list->users,
					.unlisted = list->is_unlisted,
					.gap = gap,
				});
	session_say(s, buf_span(&text));
	buf_fini(&text);
	native_cursor_follow(v, head);
}

static struct native_visit *make(struct session *s, enum room_kind kind, struct span room_id)
{
	const struct visit_texts texts = {.kind = kind, .room_id = room_id};
	struct native_visit *v = mem_new(sizeof *v);

	visit_init(&v->visit, s, &texts, mem_new(visit_texts_len(&texts)));
	list_init(&v->of_busy);
	buf_init(&v->state_at_join, STATE_MAX);
	publisher_init(&v->publisher);
	return v;
}

static void begin(struct native_visit *v, const struct frame_join *m)
{
	v->has_since = m->since.is_given;
	v->since = m->since.v;
	buf_clear(&v->state_at_join);
	buf_put_span(&v->state_at_join, m->state);
	publisher_forgive(&v->publisher);
	v->state = NATIVE_ASKING;
	if (v->visit.attendee)
		v->visit.attendee->listens = v->visit.attendee->ready = false;
	ask(v);
}

/* Instead of the question about its lease, should one be under way: this one tells the same. */
static void ask(struct native_visit *v)
{
	struct session *s = v->visit.session;
	struct access *access = s->set->setup.access;

	access_forget(access, &v->visit);
	v->visit.asking = true;
	access_ask(access, span_str(s->token), visit_kind(&v->visit), visit_room_id(&v->visit),
		   on_access, &v->visit);
}

static void on_access(void *owner, const struct access_answer *a)
{
	struct native_visit *v = native_visit_of(owner);
	enum err why = refusal_of(a);

	v->visit.asking = false;
	if (v->state == NATIVE_KICKED)
		return;
	if (!why && !span_eq(user_id(a->user), user_id(v->visit.session->user)))
		why = ERR_NOT_ALLOWED;
	if (why) {
		refuse_join(v, why);
	} else {
		visit_set_role(&v->visit, a->role);
		enter(v);
	}
}

static enum err refusal_of(const struct access_answer *a)
{
	static const enum err codes[] = {
		[ACCESS_GRANTED] = OK,
		[ACCESS_NO_SESSION] = ERR_NO_SESSION,
		[ACCESS_NO_USER] = ERR_NO_USER,
		[ACCESS_NO_ROOM] = ERR_NO_ROOM,
		[ACCESS_DENIED] = ERR_NOT_ALLOWED,
		[ACCESS_BROKEN] = ERR_DB_AWAY,
	};

	return codes[a->refusal];
}

static void enter(struct native_visit *v)
{
	struct session *s = v->visit.session;
	struct attendee *who = v->visit.attendee;

	v->state = NATIVE_ENTERING;
	v->entered_ns = session_now(s);
	native_visit_keep_busy(v);
	if (!who) {
		visit_enter(&v->visit);
		audience_set_native(v->visit.attendee);
	} else if (who->conn_gen < s->conn_gen) {
		router_renew(who, s->conn_gen, session_now(s));
	}
	v->visit.attendee->deaf = !session_is_served(s);
	if (v->state_at_join.len > 0 && native_visit_state(v, buf_span(&v->state_at_join)) != OK)
		log_debug("state_dropped", kv_hex("session", s->id.v));
	if (audience_is_known(v->visit.attendee))
		await_list(v, v->entered_ns);
}

static void refuse_join(struct native_visit *v, enum err why)
{
	struct visit *visit = &v->visit;

	native_refuse(visit->session, &(struct told_refused){.request = SPAN("join"),
							     .room = visit_room(visit),
							     .code = why});
	visit_leave(&visit);
}

/* It was not told of all changes; once it keeps up, it is to be. */
static bool misses_changes(struct native_visit *v)
{
	struct attendee *who = v->visit.attendee;

	if (who->missed && native_visit_keeps_up(v))
		audience_catch_up(who);
	return who->missed;
}

/* With the database away the log cannot tell where it ends; presence and casts need not wait for
 * it. */
static void await_list(struct native_visit *v, int64_t now_ns)
{
	if (!audience_route(v->visit.attendee)->event_next && now_ns < v->entered_ns + PATIENCE_NS)
		return;
	v->state = NATIVE_LISTING;
	audience_get_ready(v->visit.attendee);
}

static void on_history(void *owner, const struct answer *a)
{
	struct native_visit *v = container_of(owner, struct native_visit, looking);
	struct session *s = v->visit.session;
	struct buf text;

	v->looking = false;
	if (a->err) {
		native_refuse(s,
			      &(struct told_refused){
				      .request = SPAN("read"),
				      .room = visit_room(&v->visit),
				      .code = a->err,
				      .retry_after_ms = (uint64_t)(a->retry_after_ns / NS_PER_MS),
			      });
		return;
	}
	buf_init(&text, RENDER_MAX);
	telling_put_history(&text, visit_room(&v->visit), a->history);
	session_say(s, buf_span(&text));
	buf_fini(&text);
}

/* Out of the room, and told so; `why` OK: it did not come back to it. */
void native_visit_end(struct native_visit *v, enum err why)
{
	struct visit *visit = &v->visit;
	struct session *s = visit->session;
	struct buf *text = session_scratch(s);

	if (why) {
		frame_put_left(text, &(struct told_left){
					     .room = visit_room(visit),
					     .code = why,
					     .reason = span_str(err_text(why)),
				     });
		session_say(s, buf_span(text));
	}
	visit_leave(&visit);
}

void native_visit_keep_busy(struct native_visit *v)
{
	if (list_is_empty(&v->of_busy))
		list_add_last(&v->visit.session->set->busy, &v->of_busy);
}
