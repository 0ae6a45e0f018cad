/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL as the cluster uses it: the rows of roomd/schema and what each of its functions
 * does to them, as one sequence of commits. A statement sees one snapshot; those that
 * write take the lock of `view` first, wait for it 250 ms at most, and become visible when they
 * commit. Who asks, and what becomes of the answer: store.c. */
#pragma once

#include "common/list.h"
#include "roomd/store.h"
#include "tests/sim/sim.h"

struct world;
struct statement;

#define DATABASE_MEMBERS_MAX 4096 /* of one run */

struct database_slot {
	incarnation_id owner;
	uint64_t epoch, version;
	int64_t shared_ns; /* until when appends hold it */
};

struct database {
	struct world *world;
	uint64_t version;
	uint64_t slot_version; /* the newest of any slot */
	size_t member_count;
	struct view_member members[DATABASE_MEMBERS_MAX];
	int64_t changed_ns[DATABASE_MEMBERS_MAX];
	struct database_slot slots[SLOTS];
	bool up;
	int64_t slow_ns;      /* what is added to each step at most; a fault */
	int64_t append_ns;    /* the same, of appends alone */
	int64_t lock_free_ns; /* when the row of `view` is nobody's again */
	int64_t trouble_ns;   /* when something was last wrong with it */
	struct list stores, backends;
	struct database_event *events; /* in the order of their commits */
	size_t event_count, event_cap;
	struct event repair;
};

enum statement_kind {
	STATEMENT_REGISTER,
	STATEMENT_STATE,
	STATEMENT_VIEW,
	STATEMENT_ASSIGN,
	STATEMENT_TAKE,
	STATEMENT_APPEND,
	STATEMENT_HEADS,
	STATEMENT_READ,
};

/* A row of `event`; also one to be stored, or a room asked about. */
struct database_event {
	char room[ROOM_KEY_MAX + 1];
	char producer[PRODUCER_MAX + 1];
	char type[EVENT_TYPE_MAX + 1];
	char field[EVENT_FIELD_MAX + 1];
	char name[USER_NAME_MAX + 1];
	unsigned shape;
	uint64_t seq, pseq, base;
	int64_t at_ms;
	char *body;
	uint64_t head; /* APPEND: of its room, as the writer knows it; HEADS: the answer */
	struct store_stored stored;
	int64_t stored_ns;
};

/* What is asked and, once it ran, what is answered. */
struct statement {
	struct list node;
	struct call *call; /* who waits for it; NULL: nobody any more */
	enum statement_kind kind;
	incarnation_id by; /* the process that asks */
	struct view_member member;
	uint64_t since; /* VIEW; ASSIGN, TAKE: the newest version seen */
	struct store_move *moves;
	size_t count;
	enum err err;
	uint64_t version;
	struct view_member *members;
	size_t member_count;
	struct store_slot *slots; /* answered; TAKE and APPEND: asked */
	size_t slot_count;
	struct database_event
		*events; /* APPEND, HEADS and READ: `count` rooms; READ: and the page */
	size_t event_count;
	struct store_range range; /* READ; the room is in `events`, of all types */
	uint64_t first, head;     /* READ */
	bool more;                /* READ */
};

void database_init(struct database *, struct world *);
void database_fini(struct database *);

/* Takes the row of `view`. */
bool statement_writes(const struct statement *);
/* Begins it: it runs at `until_ns`. An APPEND shares its slots until then. */
void database_begin(struct database *, struct statement *, int64_t until_ns);
/* When nobody shares the slots any more that this one wants to itself. */
int64_t database_free_ns(const struct database *, const struct statement *);
/* Runs it now: reads, or commits. */
void database_run(struct database *, struct statement *);
/* roomd/schema/0006_event_fields.sql, in database_events.c. */
void database_take(struct database *, struct statement *);
void database_append(struct database *, struct statement *);
void database_heads(struct database *, struct statement *);
void database_read(struct database *, struct statement *);
void database_free_events(struct database_event **, size_t count);
uint64_t database_bump(struct database *, uint64_t seen);
void statement_free(struct statement *);
struct view_member *database_member(struct database *, incarnation_id); /* NULL: unknown */

/* The server is gone for a while; every connection ends, what was not committed is undone. A
 * standby takes over that knows all commits - or, when `tail` is set, has lost the last values of
 * the view's version. */
void database_stop(struct database *, int64_t ns, uint64_t tail);
/* Somebody else holds the row of `view`. */
void database_lock(struct database *, int64_t ns);
