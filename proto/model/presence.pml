/* SPDX-License-Identifier: Apache-2.0 */
/* Who is shown as present: one user in one room. The user is at gateway 1 from the start. It may
 * move to gateway 0 by opening a second connection, with a greater conn_gen, before it closes the
 * first; in the end it may leave for good. Somebody else watches at gateway 0 and, with WATCHERS=2,
 * at gateway 1. The room's slot is assigned again and again, to one of two shards or to the same.
 *
 * Claims: no gateway ever shows the user as gone who is not, and when nothing more happens every
 * gateway shows what is true. What outlives a shard's memory is with the gateways only, so
 * both rest on coverage (docs/model.md). Not here: casts, numbers, the grace, gateways that die.
 * Mutants: NO_COVERAGE, NO_SOLICIT, ASK_ONCE, NO_CONN_GEN, OLD_HOME, LEFT_UNCOVERED, LOST_LEAVE,
 * OLD_ATTACH. REACH: see the end. */

#ifndef ASSIGNS
#define ASSIGNS 2 /* beyond the first; one more for an owner that crashed */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef LINK_LOSSES
#define LINK_LOSSES 0
#endif
#ifndef TAKES
#define TAKES 0 /* new epochs of the owner, whose rooms stay */
#endif
#ifndef HURRIES
#define HURRIES 1 /* rooms that open before they are covered, because 250 ms are over */
#endif
#ifndef WATCHERS
#define WATCHERS 1
#endif
#define QUEUE 3   /* records on the way per link and direction */
#define AT_ONCE 2 /* records to one gateway that one record may cause */

mtype:record = {
	HELLO, ATTACH, SOLICIT_DONE, JOIN, LEAVE,
	ATTACHED, ROSTER, SOLICIT, NOT_OWNER, MEMBER_JOINED, MEMBER_LEFT, WELCOMED
};
mtype:standing = { WAITING, ATTACHING, IS_ATTACHED };

/* What has been spent of the bounds. */
byte assigns;
byte crashes;
byte link_losses;
byte takes;
byte hurries;

/* The slot's row. */
byte row_owner = 0;
byte row_epoch = 1;
bool owner_is_dead;

/* The links, by gateway * 2 + shard: epoch, conn_gen of the user (0: not there). ATTACHED stands
 * for itself and the ROSTER behind it, so both say whether that is covered. */
chan to_shard[4] = [QUEUE] of { mtype:record, byte, byte };
chan to_gateway[4] = [QUEUE] of { mtype:record, byte, byte, bool };

/* The truth, what the client knows of it, and what each gateway shows. */
byte connection[2]; /* conn_gen of the user's connection there; 0: none */
bool has_moved;
bool is_welcome; /* at gateway 0 */
bool shows[2];

#define is_here (connection[0] || connection[1])
#define has_route(g) (g < WATCHERS || connection[g] || owed_leave)

active proctype Assigner() {
end:
	do
	:: atomic {
		assigns < ASSIGNS || owner_is_dead ->
		if
		:: owner_is_dead -> owner_is_dead = false
		:: else -> assigns++
		fi;
		row_epoch++;
		if
		:: row_owner = 0
		:: row_owner = 1
		fi
	}
	od
}

#include "presence_shard.pml"
#include "presence_gateway.pml"

init {
	atomic {
		connection[1] = 1;
		shows[0] = true;
		shows[1] = true;
		run Shard(0);
		run Shard(1);
		run Gateway(0);
		run Gateway(1)
	}
}

/* Nothing more happens: nobody is shown who is not there, and nobody is missing. */
active proctype Quiet() {
end:
	do
	:: atomic {
		timeout ->
		assert(empty(to_shard[0]) && empty(to_shard[1]));
		assert(empty(to_shard[2]) && empty(to_shard[3]));
		assert(shows[0] == is_here);
		assert(WATCHERS < 2 || shows[1] == is_here)
	}
	od
}

#ifdef REACH
/* Must be violated: all faults happened, the user moved and left, and everybody knows. */
active proctype Reached() {
end:
	do
	:: d_step {
		assigns == ASSIGNS && crashes == CRASHES && link_losses == LINK_LOSSES &&
		takes == TAKES && hurries == HURRIES && is_welcome && !is_here && !shows[0] ->
		assert(false)
	}
	od
}
#endif
