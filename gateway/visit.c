/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/visit.h"

#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/mono.h"
#include "gateway/metrics.h"
#include "gateway/requests.h"
#include "gateway/native.h"

#define ROOM_WAIT_NS (200 * NS_PER_MS) /* others may be first all the same */

static size_t write_key(const struct visit_texts *, char key[ROOM_KEY_MAX]);
static void put_role(struct visit *, struct span role);
static void take_back(struct visit *);
static void visit_free(struct visit **);
static void on_lease(void *owner, const struct access_answer *);
static enum err lease_verdict(const struct session *, const struct access_answer *);
static void on_show(void *owner, struct payload *, bool droppable);
static void on_show_bundle(void *owner, struct bundle *);
static void on_welcomed(void *owner);
static void on_kicked(void *owner, struct span why);

size_t visit_texts_len(const struct visit_texts *t)
{
	char key[ROOM_KEY_MAX];

	return write_key(t, key) + t->role.len;
}

void visit_init(struct visit *v, struct session *s, const struct visit_texts *t, uint8_t *bytes)
{
	char key[ROOM_KEY_MAX];

	v->session = s;
	v->kind = (uint8_t)t->kind;
	v->texts = bytes;
	v->key_len = (uint16_t)write_key(t, key);
	v->id_len = (uint16_t)t->room_id.len;
	memcpy(bytes, key, v->key_len);
	put_role(v, t->role);
	list_init(&v->of_session);
	list_add_last(&s->visits, &v->of_session);
}

void visit_set_role(struct visit *v, struct span role)
{
	v->texts = mem_grow(v->texts, (size_t)v->key_len + role.len);
	put_role(v, role);
}

struct span visit_room(const struct visit *v)
{
	return span_of(v->texts, v->key_len);
}

struct span visit_room_id(const struct visit *v)
{
	return span_from(visit_room(v), (size_t)v->key_len - v->id_len);
}

struct span visit_role(const struct visit *v)
{
	return span_of(v->texts + v->key_len, v->role_len);
}

enum room_kind visit_kind(const struct visit *v)
{
	return (enum room_kind)v->kind;
}

void visit_enter(struct visit *v)
{
	struct session *s = v->session;

	v->attendee = router_enter(s->set->setup.router, visit_room(v), v,
				   &(struct entrant){
					   .session = s->id,
					   .conn_gen = s->conn_gen,
					   .user = s->user,
					   .since_ms = wall_unix_ms(),
				   },
				   session_now(s));
}

void visit_leave(struct visit **pv)
{
	struct visit *v = *pv;

	if (v->attendee) {
		take_back(v);
		router_leave(v->session->set->setup.router, &v->attendee, session_now(v->session));
	}
	visit_free(pv);
}

void visit_drop(struct visit **pv)
{
	struct visit *v = *pv;

	if (v->attendee)
		router_leave(v->session->set->setup.router, &v->attendee, session_now(v->session));
	visit_free(pv);
}

void visit_renew_lease(struct visit *v)
{
	struct session *s = v->session;

	if (v->asking)
		return;
	v->asking = true;
	access_ask(s->set->setup.access, span_str(s->token), visit_kind(v), visit_room_id(v),
		   on_lease, v);
}

void visit_cast(struct visit *v, struct msg_cast *m)
{
	if (router_cast(v->attendee, m, session_now(v->session)) != OK)
		metrics_add(METRIC_casts_refused, 1);
}

uint64_t visit_admit(const struct visit *v, size_t bytes, struct span to)
{
	struct session *s = v->session;
	bool is_for_all = v->attendee && to.len == 0;
	const struct quota_word word = {
		.room_key = visit_room(v),
		.bytes = bytes,
		.recipients = is_for_all ? audience_size(v->attendee->audience) : 1,
	};
	int64_t wait_ns = quota_take_room(&s->set->quota, &word, session_now(s));

	if (wait_ns && wait_ns < ROOM_WAIT_NS)
		wait_ns = ROOM_WAIT_NS;
	return (uint64_t)((wait_ns + NS_PER_MS - 1) / NS_PER_MS);
}

bool visit_is_viewer(const struct visit *v)
{
	return span_is(visit_role(v), "viewer");
}

struct v0_identity visit_identity(const struct visit *v)
{
	const struct session *s = v->session;

	return (struct v0_identity){visit_kind(v), visit_room_id(v), user_id(s->user),
				    user_name(s->user), user_email(s->user)};
}

struct visit *visit_of(struct list *of_session)
{
	return container_of(of_session, struct visit, of_session);
}

struct audience_sink visit_sink(size_t list_users)
{
	return (struct audience_sink){
		.show = on_show,
		.show_bundle = on_show_bundle,
		.welcomed = on_welcomed,
		.kicked = on_kicked,
		.listed = native_visit_on_listed,
		.event = native_visit_on_event,
		.keeps_up = native_visit_keeps_up,
		.list_users = list_users,
	};
}

static size_t write_key(const struct visit_texts *t, char key[ROOM_KEY_MAX])
{
	size_t len;
	enum err e = room_key_write(t->kind, t->room_id, key, &len);

	must(e == OK); /* nobody is admitted to a room that cannot be */
	return len;
}

static void put_role(struct visit *v, struct span role)
{
	must(role.len <= UINT8_MAX); /* access_rows.c lets in less */
	if (role.len)
		memcpy(v->texts + v->key_len, role.p, role.len);
	v->role_len = (uint8_t)role.len;
}

static void take_back(struct visit *v)
{
	static const char *const marks[] = {"typing", "editing"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (audience_has_kept(v->attendee, marks[i]))
			requests_farewell(v, marks[i]);
}

static void visit_free(struct visit **pv)
{
	struct visit *v = *pv;

	*pv = NULL;
	access_forget(v->session->set->setup.access, v);
	v->session->dialect->on_end(v);
	list_remove(&v->of_session);
	if (v->session->dialect->is_one_piece)
		return; /* it goes with its session */
	mem_free(v->texts);
	mem_free(v);
}

static void on_lease(void *owner, const struct access_answer *a)
{
	struct visit *v = owner;
	struct session *s = v->session;

	v->asking = false;
	enum err why = lease_verdict(s, a);
	if (why && session_has_socket(s))
		s->dialect->on_denied(v, why);
}

/* With the database away the grant goes on: a blip must not empty the rooms. */
static enum err lease_verdict(const struct session *s, const struct access_answer *a)
{
	static const enum err reasons[] = {
		[ACCESS_GRANTED] = OK,          [ACCESS_NO_SESSION] = ERR_NO_SESSION,
		[ACCESS_NO_USER] = ERR_NO_USER, [ACCESS_NO_ROOM] = ERR_NO_ROOM,
		[ACCESS_DENIED] = ERR_REVOKED,  [ACCESS_BROKEN] = OK,
	};

	if (a->refusal == ACCESS_GRANTED && !span_eq(user_id(a->user), user_id(s->user)))
		return ERR_NO_SESSION; /* the token now speaks for somebody else */
	return reasons[a->refusal];
}

static void on_show(void *owner, struct payload *p, bool droppable)
{
	struct visit *v = owner;

	session_deliver(v->session, p, droppable);
	if (!droppable)
		v->session->dialect->on_shown(v);
}

static void on_show_bundle(void *owner, struct bundle *b)
{
	struct visit *v = owner;

	session_deliver_bundle(v->session, b);
}

static void on_welcomed(void *owner)
{
	struct visit *v = owner;

	v->session->dialect->on_welcomed(v);
}

static void on_kicked(void *owner, struct span why)
{
	struct visit *v = owner;

	v->session->dialect->on_kicked(v, why);
}
