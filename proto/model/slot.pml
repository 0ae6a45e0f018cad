/* SPDX-License-Identifier: Apache-2.0 */
/* Who may write: one slot with one room, two shards, the database, a gateway that publishes and
 * (LISTENERS=1) one that shows the room. Safety only. A process that is frozen, slow or cut off is
 * one that is not scheduled; an ASSIGN may come at any time, so every verdict may be wrong, and a
 * planned move, which waits for more, is one of the cases. Not here: presence, casts, loss of the
 * database.
 *
 * Claims: one order without gaps, everything once, an ACK only after the commit, nothing shown that
 * is not stored (docs/model.md).
 * Mutants: NO_SHARE, NO_EPOCH, NO_TAKE, EARLY_HEAD, ACK_EARLY, NO_KEY. REACH: see the end. */

#ifndef PUBLISHES
#define PUBLISHES 2
#endif
#ifndef ASSIGNS
#define ASSIGNS 2 /* beyond the first */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 1 /* outcomes of an APPEND that never reach the shard */
#endif
#ifndef LINK_LOSSES
#define LINK_LOSSES 0
#endif
#ifndef LISTENERS
#define LISTENERS 0
#endif
#define QUEUE 2 /* records on the way per link and direction */

mtype:record = { ATTACH, PUBLISH, ATTACHED, EVENT, ACK, REFUSED, NOT_OWNER };
mtype:tenure_state = { ABSENT, PENDING, OPEN };
mtype:progress = { NONE, SENT, CHECKED, DONE, FENCED };

/* What has been spent of the bounds. */
byte assigns;
byte crashes;
byte unknowns;
byte link_losses;

/* The database: the slot's row, and the room's events as the producer numbered them. */
byte row_owner = 0;
byte row_epoch = 1;
byte stored;
byte log_pseq[PUBLISHES];
byte log_epoch[PUBLISHES];
byte share_locks;

/* APPENDs by shard * 2 + connection. After a lost outcome the shard goes on over its other
 * connection, while what it sent over the old one may still be executed, at any time. */
typedef append_statement {
	mtype:progress at;
	byte epoch;
	byte head;
	byte pseq;
	byte seq;       /* the answer */
	bool abandoned; /* nobody waits for the outcome */
};
append_statement append[4];

/* The links, by shard, of the publisher: pseq. */
chan publishes[2] = [QUEUE] of { mtype:record, byte };
chan answers[2] = [QUEUE] of { mtype:record, byte };
/* Of the listener: ATTACH epoch, last seq seen; ATTACHED epoch, -; EVENT seq, pseq. */
#if LISTENERS > 0
chan attaches[2] = [QUEUE] of { mtype:record, byte, byte };
chan events[2] = [QUEUE] of { mtype:record, byte, byte };
#endif

byte acked; /* the last event acknowledged to the publisher */
byte seen;  /* the last event that the listener has shown */

/* A new generation of a link, or a crash: what was under way is gone. */
inline discard(records) {
	do
	:: len(records) > 0 -> records?kind, value
	:: len(records) == 0 -> break
	od;
	kind = 0;
	value = 0
}
#if LISTENERS > 0
inline discard_events(records) {
	do
	:: len(records) > 0 -> records?kind, arg, value
	:: len(records) == 0 -> break
	od;
	kind = 0;
	arg = 0;
	value = 0
}
#endif

#include "slot_database.pml"
#include "slot_shard.pml"
#include "slot_gateway.pml"

/* Whoever has reason, or only thinks so. */
active proctype Assigner() {
end:
	do
	:: atomic {
		assigns < ASSIGNS && share_locks == 0 ->
		assigns++;
		row_epoch++;
		if
		:: row_owner = 0
		:: row_owner = 1
		fi
	}
	od
}

init {
	atomic {
		append[0].at = NONE;
		append[1].at = NONE;
		append[2].at = NONE;
		append[3].at = NONE;
		run Shard(0);
		run Shard(1);
#if LISTENERS > 0
		run Listener();
#endif
		run Publisher()
	}
}

#ifdef REACH
/* Must be violated: all faults happened, and yet everything was stored, acknowledged and seen. */
active proctype Reached() {
end:
	do
	:: d_step {
		assigns == ASSIGNS && crashes == CRASHES && unknowns == UNKNOWNS &&
		link_losses == LINK_LOSSES && acked == PUBLISHES &&
		(LISTENERS == 0 || seen == PUBLISHES) ->
		assert(false)
	}
	od
}
#endif
