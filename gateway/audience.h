/* SPDX-License-Identifier: Apache-2.0 */
/* A room as this gateway sees it: a copy of its roster as the owner tells it, the connections here
 * that listen, and what each of them has been shown. Turns records into v0 messages, each rendered
 * once and shared by all who get it, and not at all when nobody does. Pure. Owner: route, which
 * also decides which records may come in. */
#pragma once

#include "gateway/payload.h"
#include "proto/message.h"
#include "proto/roster.h"
#include "proto/slot.h"

struct audience;

struct route;

/* One connection as its room sees it. Made by audience_add; outlives its session while `leaving`.
 */
struct attendee {
	struct list node;
	struct audience *audience;
	struct route *route; /* of its room; for route.c */
	void *owner;         /* the session; NULL: it is gone */
	session_id id;
	uint64_t conn_gen;
	bool welcomed;     /* has been shown the room; before that it is shown nothing */
	bool leaving;      /* gone, but the owner of the room was not told yet */
	bool deaf;         /* has no socket: lost, in its grace */
	uint64_t shown;    /* roster.changes when it was last shown the list */
	size_t held_bytes; /* of its casts that wait for the owner of the room */
	int64_t left_ns;
};

/* How a room speaks to a session (`owner` of its attendee). */
struct audience_sink {
	/* The payload is borrowed. `droppable`: a cast. Must not add or remove attendees. */
	void (*show)(void *session, struct payload *, bool droppable);
	void (*welcomed)(void *session);
	/* It is to leave; not from inside this call either. `why`: what is said to it, may be
	 * empty. */
	void (*kicked)(void *session, struct span why);
};

MUST_USE struct audience *audience_new(enum room_kind, struct span room_id,
				       const struct audience_sink *);
void audience_free(struct audience **); /* must be empty */

/* ---- the connections here ---- */
struct attendee *audience_add(struct audience *, void *session, const struct item_member *);
void audience_remove(struct attendee **);
bool audience_is_empty(const struct audience *);
struct list *audience_attendees(struct audience *);
/* What a connection here left for late joiners; keep as in CAST. */
void audience_keep(struct attendee *, struct span key, unsigned keep, struct span body);
bool audience_has_kept(const struct attendee *, const char *key);

/* The members of an ATTACH: everybody here. `with_kept` false leaves their states out. Returns
 * false when `items` is full; it then holds the first ones, whole. */
bool audience_put_members(const struct audience *, bool with_kept, struct buf *items);
void audience_put_member(const struct attendee *, struct buf *items); /* of a JOIN */
uint64_t audience_relay(const struct audience *); /* greatest number shown or reserved here */

/* ---- what the owner says ---- */
void audience_on_attached(struct audience *, const struct msg_attached *);
void audience_on_roster(struct audience *, const struct msg_roster *);
void audience_on_member_joined(struct audience *, const struct msg_member_joined *);
void audience_on_member_left(struct audience *, const struct msg_member_left *);
void audience_on_welcomed(struct audience *, const struct msg_welcomed *);
void audience_on_room_state(struct audience *, const struct msg_room_state *);
void audience_on_cast_out(struct audience *, const struct msg_cast_out *);
void audience_on_kicked(struct audience *, const struct msg_kicked *);
void audience_on_event(struct audience *, const struct msg_event *); /* the next one */
