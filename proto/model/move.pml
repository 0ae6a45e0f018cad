/* SPDX-License-Identifier: Apache-2.0 */
/* A planned move that nobody notices: one shard gives a slot with one room to the other, and later
 * back, while somebody at gateway 0 casts and somebody at gateway 1 listens. Nothing fails and
 * nobody is late: what limits waiting (1 s for HELD and for a busy gateway, 3 s for casts held)
 * never ends.
 *
 * Claims: every cast is shown once and in order, and the relay numbers that people see only grow
 * (docs/model.md).
 * Mutants: NO_HOLD, NO_HELD, ONE_HOLD, MOVE_SHUT, NO_SHUT, NEW_NUMBERS. REACH: see the end. */

#ifndef CASTS
#define CASTS 3
#endif
#ifndef MOVES
#define MOVES 2
#endif
#define QUEUE (CASTS + 5) /* records on the way per link: never full within the bounds */

mtype:record = { ATTACH, CAST, HELD, ATTACHED, CAST_OUT, HOLD, MOVED, NOT_OWNER };
mtype:standing = { WAITING, ATTACHING, IS_ATTACHED };
mtype:handover_state = { IDLE, HOLDING, FLUSHING, ASSIGNING };

byte moves; /* begun */

/* The slot's row. */
bit row_owner = 0;
byte row_epoch = 1;

/* The links, by gateway * 2 + shard. ATTACH epoch, relay; CAST cast. */
chan to_shard[4] = [QUEUE] of { mtype:record, byte, byte };
/* ATTACHED epoch, relay; CAST_OUT cast, relay; MOVED epoch, owner. */
chan to_gateway[4] = [QUEUE] of { mtype:record, byte, byte };

byte cast;  /* the last one made at gateway 0 */
byte shown; /* the last one seen at gateway 1 */

/* ---- the shard ---- */

inline drop_room() {
	do
	:: len(waiting) > 0 -> waiting?first
	:: len(waiting) == 0 -> break
	od;
	has_spoken[0] = false;
	has_spoken[1] = false;
	relay = 0
}

inline pull_view() {
	owns = (row_owner == id);
	epoch = row_epoch;
	drop_room()
}

/* To everybody but the sender. */
inline relay_cast(which) {
	relay++;
	if
	:: has_spoken[1] -> to_gateway[2 + id]!CAST_OUT, which, relay
	:: else -> skip
	fi
}

/* A room is shut until every gateway has said who is there: before that nobody could be told. */
#ifdef NO_SHUT
#define is_open (true)
#else
#define is_open (has_spoken[0] && has_spoken[1])
#endif

inline on_attach() {
	has_spoken[g] = true;
#ifndef NEW_NUMBERS
	relay = (second > relay -> second : relay);
#endif
	to_gateway[g * 2 + id]!ATTACHED, epoch, relay;
	do
	:: is_open && len(waiting) > 0 ->
		waiting?first;
		relay_cast(first)
	:: !is_open || len(waiting) == 0 -> break
	od;
	first = 0
}

inline hear_gateway() {
	if
	:: kind == ATTACH && first > epoch -> pull_view()
	:: else -> skip
	fi;
	if
	:: kind == ATTACH && owns && first == epoch -> on_attach()
	:: kind == CAST && has_spoken[g] && is_open -> relay_cast(first)
	:: kind == CAST && has_spoken[g] && !is_open -> waiting!first
	:: kind == HELD -> has_held[g] = true
	:: (kind == ATTACH && !(owns && first == epoch)) || (kind == CAST && !has_spoken[g]) ->
		to_gateway[g * 2 + id]!NOT_OWNER, 0, 0
	:: else -> skip
	fi;
	kind = 0;
	first = 0;
	second = 0;
	g = 0
}

#ifdef MOVE_SHUT
#define may_move (true)
#else
#define may_move (is_open)
#endif
#ifdef NO_HELD
#define may_go_on (true)
#else
#define may_go_on (has_held[0] && has_held[1])
#endif

inline hold() {
	has_held[0] = false;
	has_held[1] = false;
	to_gateway[id]!HOLD, epoch, 0;
	to_gateway[2 + id]!HOLD, epoch, 0
}

proctype Shard(bit id) {
	mtype:record kind;
	mtype:handover_state state = IDLE;
	chan waiting = [CASTS] of { byte };
	byte epoch;
	bool owns;
	bool has_spoken[2]; /* and is attached, because somebody is at each gateway */
	bool has_held[2];
	byte relay;
	byte first;
	byte second;
	bit g;

end:
	do
	/* It need not wait until somebody calls. */
	:: d_step {
		row_epoch > epoch && state == IDLE ->
		pull_view()
	}
	:: d_step {
		moves < MOVES && owns && row_epoch == epoch && state == IDLE && may_move ->
		moves++;
		hold();
		state = HOLDING
	}
	/* Once more: whoever answers this has read what we told while the first was answered. */
	:: d_step {
		state == HOLDING && may_go_on ->
#ifndef ONE_HOLD
		hold();
#endif
		state = FLUSHING
	}
	:: d_step {
		state == FLUSHING && may_go_on ->
		row_owner = 1 - id;
		row_epoch++;
		state = ASSIGNING
	}
	/* The database has answered. */
	:: d_step {
		state == ASSIGNING ->
		state = IDLE;
		has_held[0] = false;
		has_held[1] = false;
		owns = false;
		epoch++;
		drop_room();
		to_gateway[id]!MOVED, epoch, 1 - id;
		to_gateway[2 + id]!MOVED, epoch, 1 - id
	}
	:: d_step {
		len(to_shard[id]) > 0 ->
		to_shard[id]?kind, first, second;
		hear_gateway()
	}
	:: d_step {
		len(to_shard[2 + id]) > 0 ->
		to_shard[2 + id]?kind, first, second;
		g = 1;
		hear_gateway()
	}
	od
}

/* ---- the gateway ---- */

inline attach() {
	to_shard[g * 2 + owner]!ATTACH, epoch, number;
	route = ATTACHING
}

inline send_held() {
	do
	:: route == IS_ATTACHED && !is_on_hold && len(held) > 0 ->
		held?first;
		to_shard[g * 2 + owner]!CAST, first, 0
	:: route != IS_ATTACHED || is_on_hold || len(held) == 0 -> break
	od;
	first = 0
}

inline show_cast() {
	assert(first == shown + 1); /* none lost, none twice, in order */
	assert(second > number);    /* what a client sees as seq grows, whoever the owner is */
	shown = first;
	number = second
}

/* Only what comes along the way that the route has taken counts. */
inline hear_shard() {
	if
	:: kind == ATTACHED && from == owner && route != WAITING && first == epoch ->
		route = IS_ATTACHED;
		number = (second > number -> second : number);
		send_held()
	:: kind == CAST_OUT && from == owner && route == IS_ATTACHED -> show_cast()
	:: kind == NOT_OWNER && from == owner -> route = WAITING
	:: kind == HOLD && first >= epoch ->
#ifndef NO_HOLD
		is_on_hold = true;
#endif
		to_shard[g * 2 + from]!HELD, 0, 0
	:: kind == MOVED && first > epoch ->
		is_on_hold = false;
		epoch = first;
		owner = second;
		attach()
	:: else -> skip
	fi;
	kind = 0;
	first = 0;
	second = 0;
	from = 0
}

proctype Gateway(bit g) {
	mtype:record kind;
	mtype:standing route = WAITING;
	chan held = [CASTS] of { byte };
	byte epoch = 1;
	bit owner;
	bool is_on_hold;
	byte number; /* the greatest relay number shown here */
	byte first;
	byte second;
	bit from;

end:
	do
	:: d_step {
		route == WAITING && !is_on_hold ->
		attach()
	}
	/* The view, by NOTIFY or by asking: it may well overtake MOVED. */
	:: d_step {
		row_epoch > epoch ->
		is_on_hold = false;
		epoch = row_epoch;
		owner = row_owner;
		attach()
	}
	:: d_step {
		g == 0 && cast < CASTS ->
		cast++;
		held!cast;
		send_held()
	}
	:: d_step {
		len(to_gateway[g * 2]) > 0 ->
		to_gateway[g * 2]?kind, first, second;
		hear_shard()
	}
	:: d_step {
		len(to_gateway[g * 2 + 1]) > 0 ->
		to_gateway[g * 2 + 1]?kind, first, second;
		from = 1;
		hear_shard()
	}
	od
}

init {
	atomic {
		run Shard(0);
		run Shard(1);
		run Gateway(0);
		run Gateway(1)
	}
}

/* Nothing more happens: everything was shown. */
active proctype Quiet() {
end:
	do
	:: atomic {
		timeout ->
		assert(shown == CASTS)
	}
	od
}

#ifdef REACH
/* Must be violated: everything moved and everything was shown. */
active proctype Reached() {
end:
	do
	:: d_step {
		moves == MOVES && shown == CASTS ->
		assert(false)
	}
	od
}
#endif
