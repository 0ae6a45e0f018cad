/* SPDX-License-Identifier: Apache-2.0 */
/* Shards, a database and gateways on one stage under virtual time: real shards (roomd/shard.h) and
 * real channels, without a bus or a loop. What a gateway hears is kept as text, one line per
 * record, so that a test can compare transcripts. The room is "submission:r" unless a test says
 * otherwise. */
#pragma once

#include "roomd/shard.h"
#include "tests/lib/fake_store.h"

#define STAGE_SHARDS 6
#define STAGE_GATEWAYS 4
#define STAGE_ROOM "submission:r"

struct stage;

struct stage_shard {
	struct stage *stage;
	incarnation_id id; /* 0: not running */
	char name[16], endpoint[16];
	struct store *store;
	struct timers *timers;
	struct shard *shard;
};

struct stage_gateway {
	incarnation_id id;
	struct channel channel; /* to the shard it called last */
	struct stage_shard *to; /* NULL: no link */
	uint64_t generation;
	bool deaf;        /* what is sent to it is lost */
	bool keeps_held;  /* does not answer HOLD */
	bool hears_heads; /* HEAD is in what it heard */
	struct buf heard; /* text */
};

struct stage {
	int64_t now_ns;
	int64_t hibernate_ns; /* of the shards that start after it was set */
	int64_t resume_ns;    /* the same */
	uint64_t next_id;
	struct fake_database db;
	struct stage_shard shards[STAGE_SHARDS];
	struct stage_gateway gateways[STAGE_GATEWAYS];
};

MUST_USE struct stage *stage_new(void);
void stage_free(struct stage **);

void stage_start(struct stage *,
		 unsigned shard); /* a new incarnation, under the name of its number */
void stage_kill(struct stage *, unsigned shard);          /* as by SIGKILL */
void stage_run(struct stage *, int64_t ms);               /* let time pass, in steps of 10 ms */
void stage_turn(struct stage *);                          /* no time passes */
size_t stage_slots(const struct stage *, unsigned shard); /* that it owns by the database */

void stage_list_gateway(struct stage *, unsigned gateway); /* as an active member */
void stage_list_dead_gateway(struct stage *, unsigned gateway, int64_t age_ms);
void stage_call(struct stage *, unsigned gateway, unsigned shard); /* HELLO, in a new generation */
void stage_hang_up(struct stage *, unsigned gateway);              /* no word */
struct buf *stage_out(struct stage *, unsigned gateway); /* message_put_x, then stage_say */
void stage_say(struct stage *, unsigned gateway);        /* one message, and a turn */
/* All that it heard since it was asked last, joined by "; ", without greetings and heartbeats. */
const char *stage_heard(struct stage *, unsigned gateway);
/* Only the records of these names ("HEAD EVENT"), and of an EVENT not the relay number. */
const char *stage_heard_of(struct stage *, unsigned gateway, const char *names);

/* `members`: "1:ann 2:bob! 3.2:bob 4:eve~!" - session:user, .2 for its second connection, ! for
 * fresh, ~ for a v0 connection. Said at once. */
void stage_attach(struct stage *, unsigned gateway, const char *members, uint64_t relay);
/* The same, wanting the events from `next` on. */
void stage_attach_from(struct stage *, unsigned gateway, const char *members, uint64_t next);
void stage_join(struct stage *, unsigned gateway, const char *member);
void stage_leave(struct stage *, unsigned gateway, uint64_t session);
/* Its connection has received all up to `seq`, and maybe is lost. */
void stage_prove(struct stage *, unsigned gateway, uint64_t session, uint64_t seq, bool lost);
/* From producer "p", number `pseq`. */
void stage_publish(struct stage *, unsigned gateway, const char *room, uint64_t pseq);
void stage_cast(struct stage *, unsigned gateway, uint64_t session, const char *key, unsigned keep);
