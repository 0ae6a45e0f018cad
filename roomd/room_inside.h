/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a room, for room.c (who stands where, coverage) and room_acts.c (what is done when
 * enough is known). Nobody else includes this. */
#pragma once

#include "roomd/heat.h"
#include "roomd/history.h"
#include "roomd/presence.h"
#include "roomd/room.h"
#include "roomd/tails.h"
#include "roomd/waiting.h"

/* Who is owed events again (room_replay.c). */
struct room_replay {
	struct tails tails;
	struct list waiting; /* of struct replay: back, and not welcomed before they can be shown */
	int64_t look_ns;
	bool reading;
};

/* When the room may go (room_rest.c). */
struct room_rest {
	int64_t active_ns; /* when somebody did something last */
	int64_t look_ns;   /* when to see whether it is idle; 0: not set yet */
	bool is_awake;     /* somebody did something: it is not here for a question alone */
	bool is_called;    /* stays until everybody has spoken */
	bool is_going;     /* HIBERNATE was said */
	struct heat heat;  /* of what people do */
};

struct room {
	struct room_links links;
	struct room_env *env;
	char *key;
	uint64_t epoch;
	struct presence presence;
	struct waiting waiting;
	bool open;
	bool tells; /* the greatest number that was shown is known: events may have the next */
	int64_t open_at_ns, answer_at_ns; /* when waiting ends at the latest */
	int64_t solicit_ns; /* not covered: when those who have not answered are asked again */
	uint64_t head;      /* seq of the last event that may be told */
	uint64_t first;     /* of the first event that the log still has, when last heard */
	bool head_known, reading;
	struct history history;
	struct room_replay replay;
	struct room_rest rest;
	struct timer timer;
};

/* The presence, with the clock set: what is told next bears the right time. */
struct presence *room_presence(struct room *);

/* Do what it asks now, or keep it until the room knows enough. */
void room_take(struct room *, struct feed *, const struct message *, int64_t now_ns);
/* Welcome an entry that came with an ATTACH, like one that came by JOIN; never at once. */
void room_keep_join(struct room *, struct attachment *, const struct item_member *, int64_t now_ns);
void room_open(struct room *, int64_t now_ns);  /* tell the roster and do what has waited */
void room_drain(struct room *, int64_t now_ns); /* do what need not wait any longer */
/* All gateways of that kind have spoken. */
bool room_has_heard(const struct room *, bool (*kind)(const struct feed *));

void room_announce(struct room *, struct roster_entry *, int64_t now_ns);
void room_settle(struct room *); /* after each change */

/* ---- room_replay.c ---- */
void room_replay_init(struct room_replay *);
void room_replay_fini(struct room_replay *);
/* True: it is owed events, and is announced with them, now or soon. */
bool room_replay_join(struct room *, struct roster_entry *, int64_t now_ns);
void room_replay_note(struct room *, const struct roster_entry *, int64_t now_ns); /* it is lost */
/* All at home there are. */
void room_replay_note_home(struct room *, const struct attachment *, int64_t now_ns);
void room_replay_tick(struct room *, int64_t now_ns);
int64_t room_replay_next_ns(const struct room *);
bool room_replay_is_idle(const struct room *);

/* ---- room_rest.c ---- */
void room_rest_attach(struct room *, struct attachment *);
void room_rest_tick(struct room *, int64_t now_ns);
int64_t room_rest_next_ns(struct room *);
bool room_rest_is_over(const struct room *); /* all who show it hibernate */

/* Under the next relay number, to one connection. */
void room_put_event(struct buf *, struct room *, const struct store_event *, session_id);

/* It attached, and wants the events from `next` on; 0: from now on. */
void room_events_attach(struct room *, struct attachment *, uint64_t next);
