/* SPDX-License-Identifier: Apache-2.0 */
/* What the v0 clients of a room are shown, rendered once for all who get it. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/audience_inside.h"

/* Bytes of the longest list that we show. */
#define RENDER_MAX (32u << 20)
#define ROOM_STATE_KEY 1 /* of payloads: a newer list says all that the older one did */

static struct v0_identity author_of(struct audience *, const struct msg_event *);
static bool sees(const struct attendee *);
static struct v0_identity identity_of(const struct audience *a, const struct user *u);
static bool knows(const struct attendee *who, const struct roster_user *);
static void show_cast(struct audience *, const struct msg_cast_out *, bool is_owed);
static void show_one(struct audience *a, struct attendee *who, struct buf *text);
static void welcome_kept(struct audience *a, struct attendee *who, uint64_t relay, uint64_t count);

bool audience_hears(const struct attendee *who)
{
	return who->listens && !who->deaf && !who->leaving;
}

void audience_number(struct audience *a, uint64_t relay, uint64_t count)
{
	uint64_t last = relay && count ? relay + count - 1 : relay;

	if (last > a->relay)
		a->relay = last;
}

/* Two that fall together, by chance once in 2^64 pairs, cost a slow reader one of two casts. */
uint64_t audience_cast_key(const struct audience *a, const struct msg_cast_out *m)
{
	uint64_t parts[] = {span_hash(span_str(a->key)), span_hash(m->key), m->session};

	return m->key.len ? span_hash(span_of(parts, sizeof parts)) : 0;
}

void audience_show_list(struct audience *a, uint64_t relay, int64_t at_ms)
{
	struct roster *copy = audience_copy(a);
	struct payload *p = NULL;

	audience_number(a, relay, 1);
	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!sees(who) || who->shown == copy->changes)
			continue;
		if (!p) {
			struct buf text;

			buf_init(&text, RENDER_MAX);
			v0_put_room_state(&text, a->kind, span_str(a->room_id), copy, at_ms, relay);
			p = payload_new(buf_span(&text));
			p->key = ROOM_STATE_KEY;
			buf_fini(&text);
		}
		who->shown = copy->changes;
		a->sink->show(who->owner, p, false);
	}
	payload_free(&p);
	LIST_EACH (&copy->entries, it, ahead)
		container_of(it, struct roster_entry, of_roster)->user->unshown = false;
}

/* One that moved to another gateway is no news, and the owner may be new and not know who was
 * shown; one that came silently and left before any list was shown was never there. */
void audience_show_user(struct audience *a, enum v0_type type, const struct roster_entry *e,
			uint64_t relay, int64_t at_ms)
{
	struct v0_identity user = identity_of(a, e->user->who);
	struct payload *p = NULL;
	struct buf text;

	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!sees(who) || who->id.v == e->session.v ||
		    knows(who, e->user) == (type == V0_USER_JOINED))
			continue;
		if (!p) {
			buf_init(&text, RENDER_MAX);
			v0_put_simple(&text, type, &user, at_ms, relay);
			p = payload_new(buf_span(&text));
			buf_fini(&text);
		}
		a->sink->show(who->owner, p, false);
	}
	payload_free(&p);
}

void audience_show_room(struct audience *a, struct attendee *who, const struct msg_welcomed *m)
{
	struct v0_identity self = identity_of(a, who->user);
	struct buf text;

	buf_init(&text, RENDER_MAX);
	v0_put_room_state(&text, a->kind, span_str(a->room_id), audience_copy(a), (int64_t)m->at_ms,
			  m->relay);
	show_one(a, who, &text);
	v0_put_simple(&text, V0_CONNECTED, &self, (int64_t)m->at_ms, m->relay ? m->relay + 1 : 0);
	show_one(a, who, &text);
	buf_fini(&text);
	if (m->count > 2)
		welcome_kept(a, who, m->relay + 2, m->count - 2);
}

void audience_show_cast(struct audience *a, const struct msg_cast_out *m)
{
	show_cast(a, m, false);
}

struct payload *audience_v0_cast(const struct audience *a, const struct msg_cast_out *m)
{
	struct buf text;

	buf_init(&text, RENDER_MAX);
	v0_put_seq(&text, m->body, m->relay);
	struct payload *p = payload_new(buf_span(&text));

	buf_fini(&text);
	p->key = audience_cast_key(a, m);
	return p;
}

/* In the v0 dialect it is one more message of the room. */
void audience_show_event(struct audience *a, const struct msg_event *m)
{
	char to[ATTENDEE_ID_LEN + 1];
	struct msg_cast_out shown = {.relay = m->relay, .body = m->body};
	struct buf text;

	buf_init(&text, RENDER_MAX);
	if (m->shape == BODY_DATA && !audience_is_all_native(a)) {
		const struct v0_identity who = author_of(a, m);

		bridge_put_v0(&text, m->type, &who, m->body, (int64_t)m->at_ms);
		shown.body = buf_span(&text);
	}
	if (m->session) {
		snprintf(to, sizeof to, "%016" PRIx64, m->session);
		shown.to = span_str(to);
	}
	if (!audience_is_all_native(a))
		show_cast(a, &shown, m->session);
	buf_fini(&text);
}

static struct v0_identity author_of(struct audience *a, const struct msg_event *m)
{
	const struct roster_user *u = roster_find_user(audience_copy(a), m->actor);

	return (struct v0_identity){
		.kind = a->kind,
		.room_id = span_str(a->room_id),
		.user = m->actor,
		.name = m->name,
		.email = u ? user_email(u->who) : SPAN_NONE,
	};
}

static bool sees(const struct attendee *who)
{
	return audience_hears(who) && !who->native;
}

static struct v0_identity identity_of(const struct audience *a, const struct user *u)
{
	return (struct v0_identity){
		.kind = a->kind,
		.room_id = span_str(a->room_id),
		.user = user_id(u),
		.name = user_name(u),
		.email = user_email(u),
	};
}

static void show_cast(struct audience *a, const struct msg_cast_out *m, bool is_owed)
{
	struct payload *p = NULL;

	LIST_EACH (&a->attendees, it, ahead) {
		struct attendee *who = container_of(it, struct attendee, node);

		if (!sees(who) || who->id.v == m->session || !audience_is_for(who, m->to))
			continue;
		if (!p) {
			p = audience_v0_cast(a, m);
			p->owed = is_owed;
		}
		a->sink->show(who->owner, p, m->session != 0);
	}
	payload_free(&p);
}

/* Was shown that he is here: by a user_joined, or by a list. */
static bool knows(const struct attendee *who, const struct roster_user *u)
{
	return !u->unshown || who->shown >= u->came;
}

static void show_one(struct audience *a, struct attendee *who, struct buf *text)
{
	struct payload *p = payload_new(buf_span(text));

	a->sink->show(who->owner, p, false);
	payload_free(&p);
	buf_clear(text);
}

/* At most as many as the owner reserved numbers for: a state it did not know of yet follows as a
 * cast. */
static void welcome_kept(struct audience *a, struct attendee *who, uint64_t relay, uint64_t count)
{
	const struct roster *copy = audience_copy(a);
	struct buf text;

	buf_init(&text, RENDER_MAX);
	LIST_EACH (&copy->entries, it, ahead) {
		const struct roster_entry *e = container_of(it, struct roster_entry, of_roster);
		const struct attendee *own = audience_own(a, e->session.v, e->conn_gen);
		const struct kept *kept = own ? own->kept : e->kept;

		if (e->session.v == who->id.v)
			continue;
		for (size_t i = 0; i < kept_count(kept) && count; i++) {
			if (span_is(kept_at(kept, i).key, ROSTER_STATE_KEY))
				continue; /* of a native client: v0 knows no such thing */
			count--;
			v0_put_seq(&text, kept_at(kept, i).body, relay++);
			show_one(a, who, &text);
		}
	}
	buf_fini(&text);
}
