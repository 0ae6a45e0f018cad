/* SPDX-License-Identifier: Apache-2.0 */
/* All people of a load, and whose turn it is. Person i is the user `bench-<i>` with a session of
 * the same name; room r is submission `bench-<r>`. Owner: the bench. */
#pragma once

#include "bench/account.h"
#include "bench/client.h"
#include "bench/scenario.h"
#include "bench/tally.h"
#include "bench/target.h"

struct crowd {
	const struct scenario *scenario;
	struct targets to, from;       /* from.count 0: any address */
	size_t first;                  /* number of the first person, and of the first room */
	const struct dialect *foreign; /* the servers are no Moothall; NULL: they are */
	struct account *account;
	struct tally *tally; /* of the present second */
	struct timers *timers;
	struct conns *conns;
	struct client *clients;
	size_t stride; /* from one whose turn it is to the next */
	size_t count, rooms, in, connecting, gone;
	int64_t now_ns;
	bool is_over;    /* nobody comes back any more */
	bool is_warming; /* casts and publishes are not counted yet */
	unsigned gone_code;
	struct refusal refusals[REFUSALS]; /* until one with count 0 */
	uint64_t turns[8];                 /* of each activity: whose turn it is */
	struct buf out;                    /* the message that is being written */
	char *padding;                     /* say.bytes of x */
};

struct crowd_plan {
	const struct scenario *scenario;
	struct targets to, from;
	size_t first;
	const struct dialect *foreign;
	struct tally *tally;
};

MUST_USE struct crowd *crowd_new(const struct crowd_plan *, int64_t now_ns);
void crowd_free(struct crowd **);                 /* cuts off all connections */
void crowd_turn(struct crowd *, int64_t wait_ns); /* sockets and timers */
void crowd_come(struct crowd *, int64_t due_ns);  /* the next one who is not here yet */
/* Activities: somebody does it; counted as unsaid when nobody can. */
void crowd_cast(struct crowd *, int64_t due_ns);
void crowd_state(struct crowd *, int64_t due_ns);
void crowd_comment(struct crowd *, int64_t due_ns);
void crowd_approve(struct crowd *, int64_t due_ns);
void crowd_leave(struct crowd *, int64_t due_ns);
void crowd_drop(struct crowd *, int64_t due_ns);
bool crowd_is_settled(const struct crowd *); /* all are there, and nothing is owed to anybody */
void crowd_unanswered(struct crowd *);       /* tells the account of what is still owed */
/* All leave, so that nobody is kept for them, and nobody comes back. True: all have left. */
bool crowd_end(struct crowd *);

/* For clients. */
/* "position":"xxx", so that the message in `out` becomes about say.bytes long. */
void crowd_put_padding(const struct crowd *, struct buf *out);
void crowd_count(struct crowd *, enum counter, uint64_t);
void crowd_refused(struct crowd *, struct span code);
void crowd_measure(struct crowd *, enum measure, int64_t from_ns);
