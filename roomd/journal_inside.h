/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the journal, for journal.c (what is staged, and the slots), journal_rooms.c (what
 * is known of rooms) and journal_store.c (what is asked of the store). Nobody else includes this.
 */
#pragma once

#include "common/list.h"
#include "common/map.h"
#include "roomd/journal.h"

enum journal_room_state { ROOM_UNLOADED, ROOM_LOADING, ROOM_READY };

struct journal_room {
	struct list of_slot;
	struct list of_heads; /* on journal.wanted while UNLOADED, on journal.asked while LOADING */
	size_t place;         /* LOADING: among the heads asked for */
	struct list events;   /* of journal_event.of_room, in order */
	size_t count, bytes;
	char *key;
	size_t key_len;
	unsigned slot;
	enum journal_room_state state;
	uint64_t head;
	uint64_t first;   /* of the log, when the head was read */
	uint64_t held_by; /* the batch after which its events go on */
	bool watched;
};

struct journal_event {
	struct list node; /* of journal.staged or journal.batch */
	struct list of_room;
	struct journal_room *room; /* NULL: its slot was lost while it was under way */
	incarnation_id gateway;
	struct store_event event; /* borrows `bytes` */
	uint64_t epoch;           /* under which it is being appended */
	int64_t until_ns;
	bool refused; /* its publisher was told, the store has yet to answer */
	size_t size;
	uint8_t bytes[]; /* the texts of the event */
};

struct journal {
	struct journal_setup setup;
	struct tenure tenure;
	struct map rooms; /* key -> struct journal_room */
	struct list slots[SLOTS];
	struct list wanted, asked;
	struct list staged, batch; /* of journal_event.node; in the order in which they came */
	size_t count, bytes;
	bool appending, loading, taking;
	uint64_t batches;    /* so many were begun */
	size_t solo;         /* so many batches of one event each: one of them was refused */
	bool retaken[SLOTS]; /* while taking: asked for */
	int64_t now_ns, take_at_ns, load_at_ns, append_at_ns;
	uint64_t view_version;
};

struct span journal_key(const struct journal_room *);
struct journal_room *journal_room(struct journal *, struct span key); /* makes it */
void journal_forget(struct journal *, struct journal_room *);         /* unless somebody needs it */
void journal_room_reset(struct journal *, struct journal_room *);     /* its head is in doubt */
void journal_slot_reset(struct journal *, unsigned slot);

void journal_refuse(struct journal *, struct journal_event *, enum err);
void journal_drop(struct journal *, struct journal_event *); /* tells nobody */

/* Start what can be started; each at most once at a time. */
void journal_take(struct journal *);
void journal_load(struct journal *);
void journal_append(struct journal *);
