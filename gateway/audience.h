/* SPDX-License-Identifier: Apache-2.0 */
/* A room as this gateway sees it: a copy of its roster as the owner tells it, the connections here
 * that listen, and what each of them has been shown. Turns records into v0 messages, each rendered
 * once and shared by all who get it, and not at all when nobody does. Pure. Owner: route, which
 * also decides which records may come in. */
#pragma once

#include "gateway/bundle.h"
#include "proto/message.h"
#include "proto/roster.h"
#include "proto/slot.h"

struct audience;

struct route;
struct changes;

/* One connection as its room sees it, and what it says of itself: this gateway's truth. Made by
 * audience_add; outlives its session while `leaving`. */
struct attendee {
	struct list node;
	struct audience *audience;
	void *owner; /* the visit; NULL: it is gone */
	session_id id;
	uint64_t conn_gen;
	struct user *user;
	int64_t since_ms;
	struct kept *kept; /* what it left for late joiners */
	uint64_t proved;   /* v0: 1 + seq of the last event that it has proved to have received;
			      0: none */
	union {
		uint64_t shown;  /* roster.changes when it was last shown the list */
		int64_t left_ns; /* leaving: since when */
	};
	struct changes *missed; /* native: what it reads too slowly to be told now; NULL: nothing */
	uint32_t held_bytes;    /* of its casts that wait for the owner of the room */
	bool native : 1;        /* speaks moot.v1 */
	bool welcomed : 1;      /* the owner of the room knows it */
	bool rewelcomed : 1;    /* more than once: it has what followed the first time */
	bool ready : 1;         /* native: is to be shown who is there, with the next changes */
	bool listens : 1;       /* was shown the room, and is shown what happens from then on */
	bool leaving : 1;       /* gone, but the owner of the room was not told yet */
	bool deaf : 1;          /* has no socket: lost, in its grace */
};

struct entrant { /* who comes in; a reference to the user is kept */
	session_id session;
	uint64_t conn_gen;
	struct user *user;
	int64_t since_ms;
};

struct audience_list {       /* for a native client that comes in */
	struct span members; /* the first page; `show` follows with the others */
	size_t users;        /* on all pages */
	bool is_unlisted;    /* they are too many: there are no pages */
};

/* How a room speaks to a visit (`owner` of its attendee). None may add or remove attendees. */
struct audience_sink {
	/* The payload is borrowed. `droppable`: a cast. */
	void (*show)(void *visit, struct payload *, bool droppable);
	/* Several casts at once. */
	void (*show_bundle)(void *visit, struct bundle *);
	void (*welcomed)(void *visit);
	/* It is to leave; not from inside this call either. `why`: what is said to it, may be
	 * empty. */
	void (*kicked)(void *visit, struct span why);
	/* To native ones only: */
	void (*listed)(void *visit, const struct audience_list *); /* it listens from here on */
	void (*event)(void *visit, uint64_t seq, struct payload *);
	/* It takes what it is told. If not, it is told of changes later, together, and says
	 * audience_catch_up when it does. */
	bool (*keeps_up)(void *visit);
	size_t list_users; /* a room with more is not listed to native clients */
};

struct audience_shared {             /* what the audiences of a gateway share */
	struct list telling;         /* those for which audience_tell has something to do */
	struct list open;            /* copies of rosters that audience_fold has to look at ... */
	struct list busy;            /* ... and those that casts change: less often */
	size_t busy_count, busy_due; /* due: looks, in two-hundredths */
};

void audience_shared_init(struct audience_shared *);
MUST_USE struct audience *audience_new(enum room_kind, struct span room_id,
				       const struct audience_sink *, struct audience_shared *);
void audience_free(struct audience **);            /* must be empty */
const char *audience_key(const struct audience *); /* of the room; as long as the audience */
void audience_set_route(struct audience *, struct route *); /* the owner */
struct route *audience_route(const struct attendee *);

/* ---- the connections here ---- */
struct attendee *audience_add(struct audience *, void *session, const struct entrant *);
void audience_remove(struct attendee **);
bool audience_is_calm(const struct audience *);    /* everybody is welcomed, nobody leaves */
bool audience_has_others(const struct audience *); /* somebody is there over another gateway */
bool audience_is_empty(const struct audience *);
size_t audience_size(const struct audience *); /* connections in the room, as far as is known */
struct list *audience_attendees(struct audience *);
/* What a connection here left for late joiners; keep as in CAST. */
void audience_keep(struct attendee *, struct span key, unsigned keep, struct span body);
bool audience_has_kept(const struct attendee *, const char *key);
struct span audience_kept(const struct attendee *, const char *key); /* empty: nothing */

void audience_set_native(struct attendee *); /* at once after audience_add */
/* Native: show it who is there, soon: `listed` follows. */
void audience_get_ready(struct attendee *);
/* The same connection of the client's session under a greater conn_gen: it came back to this
 * gateway. */
void audience_renew(struct attendee *, uint64_t conn_gen);
/* The owner of the room knows it, under this conn_gen, and its copy is of a time when that was so.
 * One that comes back may have been elsewhere meanwhile, and nobody told this gateway of the room.
 */
bool audience_is_known(const struct attendee *);
uint64_t audience_seq(const struct audience *); /* of the last event that was shown; 0: not known */

/* Some of the copies that nobody needed since the last time take less memory from now on; every 10
 * ms or so. */
void audience_fold(struct audience_shared *);

/* ---- what is told later: native clients of changes, together, at most every 20 ms
 * (in a large room less often); and casts at the end of a tick ---- */
struct audience *audience_of_telling(struct list *node);
/* When there is more to tell. INT64_MAX: it has left the list. */
int64_t audience_tell(struct audience *, int64_t now_ns);
void audience_catch_up(struct attendee *); /* it takes again what it is told */

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
/* What is gathered for the end of a tick is shown now (audience_tick.c). */
void audience_flush(struct audience *);
void audience_on_hibernate(struct audience *, uint64_t relay);
void audience_on_room_state(struct audience *, const struct msg_room_state *);
void audience_on_cast_out(struct audience *, const struct msg_cast_out *, int64_t now_ns);
void audience_on_kicked(struct audience *, const struct msg_kicked *);
void audience_on_head(struct audience *, uint64_t seq);              /* the next one is seq + 1 */
void audience_on_event(struct audience *, const struct msg_event *); /* the next one */
/* One that this v0 connection may have missed before. */
void audience_on_event_again(struct audience *, const struct msg_event *);
