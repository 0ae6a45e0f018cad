/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dialect moot.v1 share: native.c (the session: hello, welcome, auth),
 * native_requests.c (what each message means), native_visit.c (a room: asked, entered, joined),
 * native_cursor.c (its events, in order) and publisher.c (what it publishes there). Nobody else
 * includes this. */
#pragma once

#include "gateway/publisher.h"
#include "gateway/session_inside.h"
#include "gateway/visit.h"
#include "proto/bridge.h"
#include "proto/frame.h"

#define NATIVE_HELLO_NS (5 * NS_PER_S) /* protocol: hello within 5 s */
#define NATIVE_DRAIN_NS (5 * NS_PER_S) /* for the other connection to be there */

struct native {
	struct session session; /* first: a dialect's session begins with one */
	struct buf resume;      /* of its hello, until it is known who it is */
	bool greeted;           /* hello came */
	bool asking;            /* session_lookup() was asked and has not answered */
	struct buf token;       /* what is asked about */
	uint64_t last_n;        /* the greatest n of a publish over this connection */
};

enum native_visit_state {
	NATIVE_ASKING,   /* may it enter? */
	NATIVE_ENTERING, /* the owner of the room, or the log, has yet to answer */
	NATIVE_LISTING,  /* joined is sent with the next telling */
	NATIVE_BEHIND,   /* joined; missed events are read from the log */
	NATIVE_LIVE,     /* joined; each event as it comes */
	NATIVE_KICKED,   /* leaves with the next look at it */
	NATIVE_DORMANT,  /* the session goes on over another socket, and has not joined again */
};

struct native_visit {
	struct visit visit; /* first: what a visit's owner frees */
	enum native_visit_state state;
	struct list of_busy;          /* of the set: looked at each tick */
	bool has_since, reading;      /* reading: a page for catching up is on its way */
	bool looking;                 /* a page that the client asked for is */
	uint64_t since;               /* of its join */
	struct buf state_at_join;     /* likewise: until it has entered */
	uint64_t next;                /* seq of the event to show next; 0: whichever comes */
	int64_t entered_ns, retry_ns; /* since when it waits; when a page is asked for again */
	struct publisher publisher;
};

/* ---- native.c ---- */
struct native *native_of(struct session *);
void native_hello(struct session *, const struct frame_hello *);
void native_auth(struct session *, const struct frame_auth *);
/* request, room, n and code are the caller's; the rest is filled in. */
void native_refuse(struct session *, const struct told_refused *);
void native_close(struct session *, enum err why); /* with an error that says why */

/* ---- native_requests.c ---- */
void native_take(struct session *, struct span text);
void native_take_too_fast(struct session *, struct span text, const struct delay *);

/* ---- native_visit.c ---- */
struct native_visit *native_visit_of(struct visit *);
struct native_visit *native_visit_find(struct session *, struct span room_key);
bool native_visit_is_in(const struct native_visit *); /* joined was sent */
void native_visit_join(struct session *, const struct frame_join *);
MUST_USE enum err native_visit_state(struct native_visit *, struct span patch);
MUST_USE enum err native_visit_read(struct native_visit *, const struct frame_read *);
/* The session changes its socket. One that is not in its room yet ends. */
void native_visit_sleep(struct native_visit *);
void native_visit_tick(struct native_visit *, int64_t now_ns);

void native_visit_keep_busy(struct native_visit *);
/* Out of the room, and told so; `why` OK: it did not come back to it. */
void native_visit_end(struct native_visit *, enum err why);

/* ---- native_cursor.c ---- */
/* Seq of the last event that its room was shown here; 0: none, or not known. */
uint64_t native_cursor_head(const struct native_visit *);
struct told_gap native_cursor_gap(const struct native_visit *, uint64_t head);
void native_cursor_follow(struct native_visit *, uint64_t head);   /* joined was sent */
void native_cursor_advance(struct native_visit *, int64_t now_ns); /* BEHIND: read on */

/* dialect and sink */
void native_visit_on_welcomed(struct visit *);
void native_visit_on_denied(struct visit *, enum err why);
void native_visit_on_kicked(struct visit *, struct span why);
void native_visit_on_end(struct visit *);
void native_visit_on_listed(void *visit, const struct audience_list *);
void native_visit_on_event(void *visit, uint64_t seq, struct payload *);
bool native_visit_keeps_up(void *visit);
