/* SPDX-License-Identifier: Apache-2.0 */
/* The heart: one room as its owner knows it - roster, who has spoken, the relay number, what waits.
 * Pure: no I/O, no clock. What is to be told is written into the feeds' channels. Owner: room_set.
 *
 * A room begins SHUT: until every gateway has spoken (it is covered), or 250 ms have passed,
 * records wait, because a user is only new, or gone, or alone, once everybody's connections are
 * known. Then it is OPEN. A roster goes out as covered once it is; an uncovered one only adds. */
#pragma once

#include "common/timers.h"
#include "proto/roster.h"
#include "roomd/attachment.h"
#include "roomd/feed_set.h"
#include "roomd/history.h"
#include "roomd/journal.h"

#define ROOM_ANSWER_WAIT_NS (1 * NS_PER_S) /* questions and casts wait longer than people do */

struct room;

/* What all rooms of a shard share. Owner: room_set. */
struct room_env {
	struct feed_set *feeds;
	struct timers *timers;
	int64_t state_interval_ns; /* between two ROOM_STATEs of a room */
	int64_t welcome_wait_ns;   /* how long a room stays shut at most */
	int64_t wall_offset_ms;    /* wall clock minus monotonic, for the stamps people see */
	struct list uncovered;     /* of room; somebody has not spoken yet */
	struct list unsolicited;   /* of room; to be solicited at the end of the turn */
	struct list touched;       /* of room; perhaps nobody needs them any more */
	struct list behind;        /* of room; more of the log is to be read later */
	uint64_t casts_dropped;    /* for gateways that were choked */
	struct journal *journal;
	struct store *store;
	struct history_pool history;
	store_page_fn *on_page;        /* given to store_read */
	store_page_fn *on_replay_page; /* likewise */
	int64_t now_ns;
	int64_t hibernate_ns; /* an idle room is forgotten after so long; 0: never */
	uint64_t hibernations;
	int64_t resume_ns; /* for so long a lost v0 connection is owed what it may have missed */
	void *owner;
};

/* The lists it is on; the room_set's view of it. */
struct room_links {
	struct list of_slot, of_uncovered, of_unsolicited, of_touched, of_behind;
};

MUST_USE struct room *room_new(struct room_env *, struct span key, uint64_t epoch, int64_t now_ns);
void room_free(struct room **); /* tells nobody */
struct room_links *room_links(struct room *);
struct room *room_of_slot(struct list *); /* container_of */
struct room *room_of_uncovered(struct list *);
struct room *room_of_unsolicited(struct list *);
struct room *room_of_touched(struct list *);
struct room *room_of_behind(struct list *);
struct span room_key(const struct room *);
/* Nobody needs it in memory: no entries and nothing waits, or all who show it hibernate. */
bool room_is_idle(const struct room *);
/* An event was stored while the room was not in memory: whoever shows it is to attach. */
void room_call(struct room *);
/* Somebody did something there, and did not merely ask. */
void room_stir(struct room *, int64_t now_ns);
void room_look_soon(struct room *, int64_t now_ns); /* whether it is idle: hibernate_ns is less */
/* As if it had been idle for long enough: it goes as soon as nothing is under way. */
void room_rest_now(struct room *, int64_t now_ns);
uint64_t room_heat(const struct room *, int64_t now_ns); /* acts of people in 10 s */

/* ---- what a gateway says ---- */
void room_on_attach(struct room *, struct feed *, const struct msg_attach *, int64_t now_ns);
void room_on_solicit_done(struct room *, struct feed *, int64_t now_ns);
bool room_is_attached(const struct room *, const struct feed *);
void room_on_hibernated(struct room *, struct feed *);
/* JOIN, LEAVE, CAST, INSPECT, KICK; the first and the third of one that is attached. */
void room_on_message(struct room *, struct feed *, const struct message *, int64_t now_ns);

/* ---- what becomes of gateways ---- */
void room_on_feed_open(struct attachment *);
void room_on_feed_doubt(struct attachment *, bool last, int64_t now_ns);
void room_on_feed_gone(struct attachment *, int64_t now_ns); /* frees the attachment */
void room_cover(struct room *, int64_t now_ns); /* look again whether everybody has spoken */
void room_solicit(struct room *);               /* ask those that have not */
void room_say_not_owner(struct room *, uint64_t epoch); /* before it is dropped without a MOVED */

void room_set_epoch(struct room *, uint64_t epoch); /* ours as before, under another one */

/* ---- events (room_events.c) ---- */
void room_on_head(struct room *, const struct store_head *); /* what the store has */
void room_on_first(struct room *, uint64_t first); /* of the events that the log still has */
void room_on_event(struct room *, const struct store_event *); /* the next one was stored */
void room_on_proved(struct room *, const struct msg_proved *, int64_t now_ns);
void room_on_replay_page(struct room *, enum err, const struct store_page *);
void room_on_page(struct room *, enum err, const struct store_page *);
/* From memory; borrows from the room. False: the store must be asked. */
bool room_page(const struct room *, const struct store_range *, struct store_page *,
	       struct store_event *events);
void room_events_read(struct room *); /* the next page, if somebody lacks events */

const struct roster *room_roster(const struct room *); /* for tests and the admin port */
uint64_t room_relay(const struct room *);
uint64_t room_head(const struct room *); /* seq of the last event; 0: none, or not known yet */
bool room_is_covered(const struct room *);
