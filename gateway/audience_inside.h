/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of an audience share: audience.c (what the room's owner says),
 * audience_attendees.c (the connections here), audience_copy.c (the roster), audience_show.c (what
 * v0 clients see), audience_native.c, audience_news.c and audience_list.c (what native ones see),
 * audience_tick.c. */
#pragma once

#include "gateway/audience.h"
#include "gateway/changes.h"
#include "gateway/gather.h"
#include "proto/bridge.h"

struct copy { /* of the owner's roster, unfolded: audience_copy.c */
	struct audience *audience;
	struct list of_shared; /* busy, if it is, or open */
	bool used;             /* since it was looked at last */
	bool is_busy;
	struct roster roster;
};

struct news { /* of who is there, for native clients */
	struct changes changes;
	size_t told_users; /* unlisted: how many they were told there are */
	int64_t tell_ns;   /* not before */
	bool unlisted;     /* too many users to name them */
	bool is_due;
};

struct audience {
	struct route *route;
	enum room_kind kind;
	const char *room_id; /* in key */
	const struct audience_sink *sink;
	struct list attendees;
	struct map *by_session;  /* the same, by their id; NULL: they are few */
	uint32_t count, natives; /* attendees; those that are native */
	struct copy *copy;       /* NULL: it is folded */
	struct folded *folded;   /* NULL: it is not, or nobody ever was in the room */
	uint64_t relay;
	uint64_t seq;      /* of the last event that was shown, or that HEAD named */
	struct news *news; /* NULL: no native client has come in yet */
	struct list of_telling;
	struct audience_shared *shared;
	struct gather *gather; /* casts that wait for the end of the tick; NULL: none */
	int64_t tick_ns;       /* when that is, or was */
	char key[];            /* of the room, and a NUL */
};

#define ATTENDEE_ID_LEN 16 /* hex digits of a session, as CAST names it */

/* Unfolded, and for a while it stays so. */
struct roster *audience_copy(struct audience *);
/* The same, for what happens with each cast: for some seconds. */
struct roster *audience_busy_copy(struct audience *);
void audience_drop_copy(struct audience *);
size_t audience_users(const struct audience *); /* as many as the copy has */

struct attendee *audience_find(const struct audience *, uint64_t session); /* NULL: not here */
/* A connection here; NULL: there is none, or its session has moved on to another gateway, under a
 * greater conn_gen. */
struct attendee *audience_own(const struct audience *, uint64_t session, uint64_t conn_gen);
bool audience_is_all_native(const struct audience *);
bool audience_hears(const struct attendee *);                  /* is to be shown the room */
bool audience_is_for(const struct attendee *, struct span to); /* `to` as in CAST */
/* The numbers `relay` and the `count` - 1 after it were given out. */
void audience_number(struct audience *, uint64_t relay, uint64_t count);

/* Of its payload: the next cast of the same sender and key makes it worthless. 0: none does. */
uint64_t audience_cast_key(const struct audience *, const struct msg_cast_out *);

/* The list, to everybody who has not seen it since it changed. */
void audience_show_list(struct audience *, uint64_t relay, int64_t at_ms);
/* "X came" or "X went": to all but the connection it speaks of. */
void audience_show_user(struct audience *, enum v0_type, const struct roster_entry *,
			uint64_t relay, int64_t at_ms);
void audience_show_cast(struct audience *, const struct msg_cast_out *); /* to all but the sender */
struct payload *audience_v0_cast(const struct audience *, const struct msg_cast_out *);
void audience_show_event(struct audience *, const struct msg_event *);
/* To one that comes in: the list, connected, what the others left. */
void audience_show_room(struct audience *, struct attendee *, const struct msg_welcomed *);

/* ---- in ticks: audience_tick.c ---- */
void audience_cast(struct audience *, const struct msg_cast_out *, int64_t now_ns);
void audience_end_tick(struct audience *, int64_t now_ns); /* if it is over */
/* Something is to be told later. */
void audience_want_telling(struct audience *);

/* ---- native: who is there, audience_news.c and audience_list.c ---- */
/* The user is about to come, go or change. */
void audience_note(struct audience *, struct span user);
void audience_drop_missed(struct attendee *);
void audience_drop_news(struct audience *);
bool audience_turns(struct audience *);      /* it is listed from now on, or no more */
void audience_tell_anew(struct audience *);  /* then: to all */
void audience_tell_ready(struct audience *); /* to those who come in */
struct payload *audience_count_payload(const struct audience *);

/* ---- native: audience_native.c ---- */
bool audience_is_shown_native(const struct attendee *);
void audience_cast_native(struct audience *, const struct msg_cast_out *);
struct payload *audience_native_cast(struct audience *, const struct msg_cast_out *);
void audience_event_native(struct audience *, const struct msg_event *);
