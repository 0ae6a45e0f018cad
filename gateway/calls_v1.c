/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of the API of moot.v1: for users who may be in the room, and for the services of an
 * application, which have a key. How they are refused: calls_refusal.c. Keys and tokens are never
 * logged. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "common/pg.h"
#include "gateway/api.h"
#include "gateway/calls_inside.h"
#include "gateway/http.h"
#include "gateway/router.h"
#include "gateway/telling.h"

#define SHORT_MAX 256 /* bytes of an answer with a number in it */

static calls_v1_fn show_room, show_events, publish, kick, revoke;

static const struct calls_v1_route routes[] = {
	{PATH_V1_ROOM, false, "GET", "room", show_room},
	{PATH_V1_EVENTS, false, "GET", "events", show_events},
	{PATH_V1_EVENTS, true, "POST", "publish", publish},
	{PATH_V1_KICK, true, "POST", "kick", kick},
	{PATH_V1_REVOKE, true, "POST", "revoke", revoke},
};

static const struct calls_v1_route *route_of(const struct call *);
static enum err check_token(struct call *);
static void ask_about_room(struct call *);
static void on_access(void *call, const struct access_answer *);
static enum err access_err(const struct call *, enum access_refusal);
static void on_roster(void *call, const struct answer *);
static void on_head(void *call, const struct answer *);
static void answer_room(struct call *);
static const char *owner_name(const struct call *);
static void on_page(void *call, const struct answer *);
static enum err read_idempotency(const struct call *, struct buf *producer);
static void on_published(void *call, const struct answer *);
static void on_kicked(void *call, const struct answer *);
static void on_revoked(void *call, enum err, const struct pg_rows *, const char *why);

void calls_v1_start(struct call *c)
{
	struct gateway *gw = c->calls->gw;

	c->route = route_of(c);
	enum err e = check_token(c);

	if (e)
		call_refuse(c, e);
	else if (request_decode(c->path.id, &c->id) != OK)
		call_refuse_field(c, ERR_BAD_FIELD, "path");
	else if (c->path.target != PATH_V1_REVOKE)
		ask_about_room(c);
	else
		access_ask_key(gateway_access(gw), buf_span(&c->token), ROOM_SUBMISSION, SPAN_NONE,
			       on_access, c);
}

/* http.c has checked that the path takes the method. */
static const struct calls_v1_route *route_of(const struct call *c)
{
	struct span method = visitor_request(c->visitor)->method;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (routes[i].target == c->path.target && span_is(method, routes[i].method))
			return &routes[i];
	must_failed("a path without a route", __FILE__, __LINE__);
}

/* A user's session is good enough only where the user could look as well. */
static enum err check_token(struct call *c)
{
	bool is_token = call_read_bearer(c) && http_is_id(buf_span(&c->token), TOKEN_MAX);

	if (is_token && access_is_key(buf_span(&c->token)))
		return OK;
	if (c->route->is_service)
		return ERR_NO_KEY;
	return is_token ? OK : ERR_NO_SESSION;
}

static void ask_about_room(struct call *c)
{
	struct access *access = gateway_access(c->calls->gw);
	struct span token = buf_span(&c->token);
	enum room_kind kind = ROOM_SUBMISSION;
	struct span room_id;

	if (room_key_read(buf_span(&c->id), &kind, &room_id) != OK)
		room_id = SPAN(""); /* no room has that */
	if (access_is_key(token))
		access_ask_key(access, token, kind, room_id, on_access, c);
	else
		access_ask(access, token, kind, room_id, on_access, c);
}

static void on_access(void *call, const struct access_answer *a)
{
	struct call *c = call;

	if (a->refusal != ACCESS_GRANTED) {
		call_refuse(c, access_err(c, a->refusal));
		return;
	}
	buf_put_span(&c->who, user_name(a->user));
	c->route->act(c);
}

static enum err access_err(const struct call *c, enum access_refusal why)
{
	static const enum err errs[] = {
		[ACCESS_GRANTED] = OK,
		[ACCESS_NO_SESSION] = ERR_NO_SESSION,
		[ACCESS_NO_USER] = ERR_NO_USER,
		[ACCESS_NO_ROOM] = ERR_NO_ROOM,
		[ACCESS_DENIED] = ERR_NOT_ALLOWED,
		[ACCESS_BROKEN] = ERR_DB_AWAY,
	};

	return why == ACCESS_DENIED && access_is_key(buf_span(&c->token)) ? ERR_NO_KEY : errs[why];
}

/* ---- a room ---- */

/* Who is there knows the shard, how far the log goes the database. */
static void show_room(struct call *c)
{
	struct questions *questions = gateway_questions(c->calls->gw);
	struct span room = buf_span(&c->id);

	c->awaited = 2;
	questions_inspect(questions, room, on_roster, c);
	questions_read(questions,
		       &(struct msg_read){.room = room, .after = EVENT_BASE_MAX, .limit = 1},
		       on_head, c);
}

static void on_roster(void *call, const struct answer *a)
{
	struct call *c = call;

	if (call_fails(c, a))
		return;
	api_put_members(&c->members, a->roster);
	c->is_awake = a->is_awake;
	answer_room(c);
}

static void on_head(void *call, const struct answer *a)
{
	struct call *c = call;

	if (call_fails(c, a))
		return;
	c->head = a->history->head;
	answer_room(c);
}

static void answer_room(struct call *c)
{
	struct buf out;

	if (--c->awaited > 0)
		return;
	buf_init(&out, CALL_ANSWER_MAX);
	frame_add_place(&out, &(struct told_place){
				      .room = buf_span(&c->id),
				      .seq = c->head,
				      .state = c->is_awake ? SPAN("awake") : SPAN("asleep"),
				      .owner = span_str(owner_name(c)),
				      .members = buf_span(&c->members),
			      });
	if (out.over || c->members.over)
		call_refuse(c, ERR_TOO_BIG);
	else
		call_answer(c, 200, NULL, buf_span(&out));
	buf_fini(&out);
}

static const char *owner_name(const struct call *c)
{
	const struct view *view = router_view(gateway_router(c->calls->gw));
	incarnation_id owner = view->slots[slot_of(buf_span(&c->id))].owner;
	const struct view_member *m = view_member(view, owner);

	return m ? m->name : "";
}

static void show_events(struct call *c)
{
	struct msg_read page;
	const char *wrong;
	struct buf types;

	buf_init(&types, EVENT_TYPES_MAX);
	enum err e = api_read_page(visitor_request(c->visitor)->query, &types, &page, &wrong);

	page.room = buf_span(&c->id);
	if (e)
		call_refuse_field(c, e, wrong);
	else
		questions_read(gateway_questions(c->calls->gw), &page, on_page, c);
	buf_fini(&types);
}

static void on_page(void *call, const struct answer *a)
{
	struct call *c = call;
	struct buf out;

	if (call_fails(c, a))
		return;
	buf_init(&out, CALL_ANSWER_MAX);
	telling_put_history(&out, buf_span(&c->id), a->history);
	if (out.over)
		call_refuse(c, ERR_TOO_BIG);
	else
		call_answer(c, 200, NULL, buf_span(&out));
	buf_fini(&out);
}

/* ---- what services do ---- */

static void publish(struct call *c)
{
	struct span body = visitor_request(c->visitor)->body;
	const char *wrong = "Idempotency-Key";
	struct answer late = {.err = ERR_TOO_FAST};
	struct buf producer, scratch;
	struct api_publish p;

	buf_init(&producer, PRODUCER_MAX);
	buf_init(&scratch, API_SCRATCH_BYTES);
	enum err e = read_idempotency(c, &producer);

	if (!e)
		e = api_read_publish(body, &scratch, &p, &wrong);
	if (!e)
		late.retry_after_ns = call_wait_ns(
			c, (struct quota_post){true,
					       buf_span(&c->who),
					       {.room_key = buf_span(&c->id), .bytes = body.len}});
	if (e)
		call_refuse_field(c, e, wrong);
	else if (late.retry_after_ns)
		(void)call_fails(c, &late);
	else
		questions_publish(gateway_questions(c->calls->gw), buf_span(&c->id),
				  &(struct question_event){
					  .producer = buf_span(&producer),
					  .pseq = 1,
					  .type = p.event,
					  .actor = p.actor,
					  .name = p.name,
					  .field = p.field,
					  .body = p.data,
					  .shape = SHAPE_DATA,
					  .base = p.base,
				  },
				  on_published, c);
	buf_fini(&producer);
	buf_fini(&scratch);
}

/* The key is the whole name of a producer that publishes once in each room. */
static enum err read_idempotency(const struct call *c, struct buf *producer)
{
	struct span key = request_field(visitor_request(c->visitor), "Idempotency-Key");

	if (!key.p)
		return OK;
	if (!api_is_idempotency_key(key))
		return ERR_BAD_FIELD;
	buf_put_str(producer, API_IDEMPOTENCY_PREFIX);
	buf_put_span(producer, key);
	return OK;
}

static void on_published(void *call, const struct answer *a)
{
	struct call *c = call;
	char json[SHORT_MAX];

	if (call_fails(c, a))
		return;
	int len = snprintf(json, sizeof json, "{\"seq\":%" PRIu64 "}", a->seq);

	call_answer(c, 200, NULL, span_of(json, (size_t)len));
}

static void kick(struct call *c)
{
	struct span body = visitor_request(c->visitor)->body;
	const char *wrong = NULL;
	struct api_kick k;
	struct buf scratch;

	buf_init(&scratch, API_SCRATCH_BYTES);
	enum err e = api_read_kick(body, &scratch, &k, &wrong);

	if (e)
		call_refuse_field(c, e, wrong);
	else
		questions_kick(gateway_questions(c->calls->gw),
			       &(struct msg_kick){.room = buf_span(&c->id),
						  .user = k.user,
						  .session = k.session,
						  .why = k.reason},
			       on_kicked, c);
	buf_fini(&scratch);
}

static void on_kicked(void *call, const struct answer *a)
{
	struct call *c = call;
	char json[SHORT_MAX];

	if (call_fails(c, a))
		return;
	log_info("kicked", kv_span("by", buf_span(&c->who)), kv_span("room", buf_span(&c->id)),
		 kv_u64("connections", a->count));
	int len = snprintf(json, sizeof json, "{\"kicked\":%" PRIu64 "}", a->count);

	call_answer(c, 200, NULL, span_of(json, (size_t)len));
}

static void revoke(struct call *c)
{
	struct span session = buf_span(&c->id);

	if (!http_is_id(session, TOKEN_MAX))
		call_refuse_field(c, ERR_BAD_FIELD, "path");
	else if (!pg_is_up(gateway_database(c->calls->gw)))
		call_refuse(c, ERR_DB_AWAY);
	else
		pg_query(gateway_database(c->calls->gw), "SELECT revoke_session($1::text)",
			 &session, 1, on_revoked, c);
}

/* PostgreSQL tells every gateway. What it says of a failure may name the session: not our log. */
static void on_revoked(void *call, enum err e, const struct pg_rows *rows, const char *why)
{
	struct call *c = call;

	(void)why;
	if (e || pg_count(rows) != 1) {
		call_refuse(c, e ? e : ERR_DB_REFUSED);
		return;
	}
	bool was_there = span_is(pg_text(rows, 0, 0), "t");

	log_info("session_revoked", kv_span("by", buf_span(&c->who)),
		 kv_str("was_there", was_there ? "yes" : "no"));
	call_answer(c, 200, NULL,
		    was_there ? SPAN("{\"revoked\":true}") : SPAN("{\"revoked\":false}"));
}
