/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of roomd/store.h over a database in memory that several shards share. Answers wait
 * until fake_store_run. What the SQL of roomd/schema does, this does. */
#pragma once

#include "roomd/store.h"

#define FAKE_MEMBERS_MAX 64
#define FAKE_EVENTS_MAX 256
#define FAKE_TEXT_MAX 64

struct fake_event {
	char room[FAKE_TEXT_MAX], producer[FAKE_TEXT_MAX], body[FAKE_TEXT_MAX];
	char type[FAKE_TEXT_MAX], name[FAKE_TEXT_MAX], field[FAKE_TEXT_MAX];
	uint64_t seq, pseq, base;
	unsigned shape;
};

struct fake_database {
	uint64_t version;
	struct view_member members[FAKE_MEMBERS_MAX];
	size_t member_count;
	struct view_slot slots[SLOTS];
	uint64_t slot_versions[SLOTS];
	struct fake_event events[FAKE_EVENTS_MAX];
	size_t event_count;
};

void fake_database_init(struct fake_database *);
struct view_member *fake_database_member(struct fake_database *, incarnation_id); /* NULL: none */
/* Of the room's log only what has this seq or a greater one is kept. */
void fake_database_forget(struct fake_database *, const char *room, uint64_t before);
void fake_database_put(struct fake_database *, const struct view_member *);

MUST_USE struct store *fake_store_new(struct fake_database *);
void fake_store_free(struct store **);
bool fake_store_run(struct store *);          /* do and answer what was asked; false: nothing was */
void fake_store_lose_answers(struct store *); /* to what is asked: it is done, and DB_UNKNOWN */
/* What is appended has no effect and is answered with DB_AWAY, as by a full disk. */
void fake_store_fill(struct store *, bool full);
size_t fake_store_appends(const struct store *); /* that it was asked for */
void fake_store_set_up(struct store *,
		       bool up); /* down: what is asked then is answered with DB_AWAY */
