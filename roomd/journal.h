/* SPDX-License-Identifier: Apache-2.0 */
/* Events on their way into the store: staged as they are published, appended in batches of which
 * one is under way at a time, told only once they are stored. Knows the head of each room that
 * matters and how each slot is held (tenure.h). Pure: the store comes as its contract, time as an
 * argument. Owner: shard. Who hears of an event is the business of room_events.c.
 *
 * A room is UNLOADED > LOADING > READY (its head is known). Whenever an outcome is unknown, or the
 * database connection is a new one, slots are taken again under a new epoch, heads are read after
 * that, and what was under way is appended once more under its own (producer, pseq). */
#pragma once

#include "roomd/store.h"
#include "roomd/tenure.h"

#define JOURNAL_BATCH_EVENTS 256
#define JOURNAL_BATCH_BYTES (1u << 20) /* one larger event goes alone */
#define JOURNAL_ROOM_EVENTS 64
#define JOURNAL_ROOM_BYTES (64u << 10) /* one larger event is taken when it is the only one */
#define JOURNAL_BYTES (32u << 20)
/* Without the database; then publishes are refused. Less than the 5 s for which a gateway waits for
 * an answer (gateway/questions.c): it is this one that says why. */
#define JOURNAL_HOLD_NS (4500 * NS_PER_MS)
#define JOURNAL_RETRY_MS 200 /* what a refused gateway is told to wait */

struct journal;

/* Whoever published an event; told as soon as its fate is known. */
struct journal_asker {
	incarnation_id gateway;
	struct span room;
	const struct store_event *event; /* its seq, in on_ack */
};

struct journal_hooks {
	/* Stored: in the order of seq, each once, the ones of our own batches only. */
	void (*on_event)(void *owner, struct span room, const struct store_event *);
	void (*on_ack)(void *owner, const struct journal_asker *);
	void (*on_refused)(void *owner, const struct journal_asker *, enum err);
	/* Refused: something newer is stored. */
	void (*on_conflict)(void *owner, const struct journal_asker *, const struct store_newer *);
	/* READY: events up to the head are in the store, later ones come through on_event. Comes
	 * again after each time that the head was in doubt. */
	void (*on_head)(void *owner, struct span room, const struct store_head *);
	/* Somebody else holds it, or under another epoch: the view is old. */
	void (*on_fenced)(void *owner, unsigned slot);
	/* Ours as before, under new epochs. */
	void (*on_taken)(void *owner, uint64_t version, const struct store_slot *, size_t count);
	void *owner;
};

struct journal_setup {
	incarnation_id self;
	struct store *store;
	struct journal_hooks hooks;
};

MUST_USE struct journal *journal_new(const struct journal_setup *);
void journal_free(struct journal **);

/* ---- slots ---- */
void journal_gain(struct journal *, unsigned slot, uint64_t epoch);
void journal_lose(struct journal *, unsigned slot); /* its events are refused with NOT_OWNER */
void journal_hold(struct journal *, unsigned slot); /* nothing more is written there */
void journal_resume(struct journal *, unsigned slot);
uint64_t journal_since(const struct journal *, unsigned slot);  /* held since this epoch */
bool journal_holds(const struct journal *, unsigned slot);      /* in any state but ABSENT */
bool journal_is_writing(const struct journal *, unsigned slot); /* a batch is under way */
bool journal_is_open(const struct journal *, unsigned slot,
		     uint64_t *epoch);        /* heads may be read */
void journal_on_connection(struct journal *); /* the store is up again */

/* ---- rooms ---- */
/* Somebody listens: on_head comes, once READY. True when it is so already. */
bool journal_watch(struct journal *, struct span room, struct store_head *);
void journal_unwatch(struct journal *, struct span room);
bool journal_has_staged(const struct journal *, struct span room); /* or under way */

/* ---- events ---- */
/* Copies. The slot is held. Said again while it is staged or under way it is the same event, and
 * the new gateway is told. Errors: OVERLOADED. */
MUST_USE enum err journal_stage(struct journal *, const struct journal_asker *, int64_t now_ns);

/* Up to which seq a page of the room may be shown that was asked for under `epoch`: what is beyond
 * is perhaps stored on this side of a standby only. False: nothing of it may be shown. */
bool journal_shows(const struct journal *, struct span room, uint64_t epoch, uint64_t *most);

void journal_turn(struct journal *, uint64_t view_version, int64_t now_ns); /* at its end */
size_t journal_staged(const struct journal *); /* events, also those under way */
size_t journal_staged_bytes(const struct journal *);
int64_t journal_staged_ns(const struct journal *); /* since when the oldest waits; 0: none does */
