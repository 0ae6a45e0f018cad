/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of presence.pml: its connections, which only it knows, and its copy of the roster. */

#define up to_shard[g * 2 + owner]
#define down to_gateway[g * 2 + owner]

/* Who left while there was no way is still named, so that the LEAVE behind it finds somebody: the
 * owner may have been told before, and a gateway with an empty room does not attach. */
inline send_attach() {
	up!ATTACH, epoch, (connection[g] -> connection[g] : owed_leave);
	route = ATTACHING
}

/* A new generation of a link, after silence, a gap or a full queue: what was under way is gone. */
inline begin_anew(shard) {
	discard_up(to_shard[g * 2 + shard]);
	discard_down(to_gateway[g * 2 + shard]);
	to_shard[g * 2 + shard]!HELLO, 0, 0;
	if
	:: shard == owner && has_route(g) -> send_attach()
	:: shard == owner && !has_route(g) -> route = WAITING
	:: else -> skip
	fi
}

/* A LEAVE waits for ATTACHED: were the ATTACH refused, it would be lost. */
inline close_connection() {
	if
	:: route == IS_ATTACHED -> up!LEAVE, 0, connection[g]
	:: else ->
#ifndef LOST_LEAVE
		owed_leave = connection[g]
#else
		skip
#endif
	fi;
	connection[g] = 0
}

/* Nobody is shown as gone who is not. The limit: a room that opened in a hurry may have welcomed
 * the user while a gateway that has not heard of the new owner still listens to the old one. */
inline hide() {
	assert(!shows[g] || !is_here || (hurries > 0 && epoch < row_epoch));
	shows[g] = false
}

inline take_roster() {
	if
	:: gen -> shows[g] = true
	:: !gen && covered -> hide()
#ifdef NO_COVERAGE
	:: !gen && !covered -> hide()
#endif
	:: else -> skip
	fi
}

#define is_heard (from == owner && has_route(g))

/* Only what comes along the way that the route has taken counts. */
inline hear_shard() {
	if
	:: kind == SOLICIT && len(to_shard[g * 2 + from]) == QUEUE -> begin_anew(from)
	:: kind == SOLICIT && len(to_shard[g * 2 + from]) < QUEUE && !has_route(g) ->
		to_shard[g * 2 + from]!SOLICIT_DONE, 0, 0
	:: kind == SOLICIT && len(up) < QUEUE && is_heard && route != ATTACHING ->
		send_attach()
	:: kind == NOT_OWNER && is_heard -> route = WAITING
	:: kind == ATTACHED && is_heard && route != WAITING && said_epoch >= epoch ->
		route = IS_ATTACHED;
		epoch = said_epoch;
		take_roster();
		if
		:: owed_leave && len(up) < QUEUE ->
			up!LEAVE, 0, owed_leave;
			owed_leave = 0
		:: owed_leave && len(up) == QUEUE -> begin_anew(from)
		:: else -> skip
		fi
	:: kind == ROSTER && is_heard && route == IS_ATTACHED -> take_roster()
	:: kind == MEMBER_JOINED && is_heard && route == IS_ATTACHED -> shows[g] = true
	:: kind == MEMBER_LEFT && is_heard && route == IS_ATTACHED -> hide()
	:: kind == WELCOMED && is_heard && route == IS_ATTACHED -> is_welcome = true
	:: else -> skip
	fi;
	kind = 0;
	said_epoch = 0;
	gen = 0;
	covered = false;
	from = 0
}

proctype Gateway(bit g) {
	mtype:record kind;
	mtype:standing route = WAITING;
	byte epoch;
	bit owner;
	byte owed_leave;
	byte said_epoch;
	byte gen;
	bool covered;
	bit from;

end:
	do
	/* The view, by NOTIFY, by MOVED or by asking, late or never. */
	:: d_step {
		row_epoch > epoch && len(to_shard[g * 2 + row_owner]) < QUEUE ->
		epoch = row_epoch;
		owner = row_owner;
		route = WAITING;
		if
		:: has_route(g) -> send_attach()
		:: else -> skip
		fi
	}
	/* After a refusal or a second without an answer, when the link is long quiet. */
	:: d_step {
		epoch > 0 && route != IS_ATTACHED && has_route(g) && len(up) + len(down) == 0 ->
		send_attach()
	}
	:: d_step {
		len(to_gateway[g * 2]) > 0 ->
		to_gateway[g * 2]?kind, said_epoch, gen, covered;
		hear_shard()
	}
	:: d_step {
		len(to_gateway[g * 2 + 1]) > 0 ->
		to_gateway[g * 2 + 1]?kind, said_epoch, gen, covered;
		from = 1;
		hear_shard()
	}
	/* The second connection opens, and is named by the ATTACH to come or by a JOIN. */
	:: d_step {
		g == 0 && !has_moved && connection[1] && len(up) < QUEUE && epoch > 0 ->
		has_moved = true;
		connection[0] = 2;
		if
		:: route != WAITING -> up!JOIN, 0, 2
		:: else -> skip
		fi
	}
	/* The client closes the first once the second was welcomed. */
	:: d_step {
		g == 1 && connection[1] && is_welcome && len(up) < QUEUE ->
		close_connection()
	}
	/* It leaves for good: from its only connection. */
	:: d_step {
		connection[g] && !connection[1 - g] && len(up) < QUEUE && epoch > 0 ->
		close_connection();
		has_moved = true
	}
	:: d_step {
		link_losses < LINK_LOSSES && epoch > 0 ->
		link_losses++;
		begin_anew(owner)
	}
	od
}
