/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of slot.pml: attaches, publishes and publishes again, shows what comes in order. */

inline send_attach() {
	is_attached = false;
	sent = acked;
	to_shard[g * 2 + owner]!ATTACH, epoch, seen[g]
}

inline show_record() {
	if
	:: kind == ATTACHED && arg >= epoch ->
		is_attached = true;
		epoch = arg;
		sent = acked /* what is not acknowledged goes out again */
	:: kind == NOT_OWNER ->
		is_attached = false
	:: kind == EVENT && is_attached && arg == seen[g] + 1 ->
		/* C3, C1: it is durable, and the order is the one there is. */
		assert(arg <= stored && log_pseq[arg - 1] == value);
		seen[g] = arg
	:: kind == EVENT && is_attached && arg > seen[g] + 1 ->
		is_attached = false /* a gap: attach again */
	:: kind == ACK && is_attached ->
		assert(is_stored(value)); /* C2: an ACK leaves only after the commit */
		acked = (value > acked -> value : acked)
	:: else -> skip /* over, or shown already */
	fi;
	kind = 0;
	arg = 0;
	value = 0
}

#define up to_shard[g * 2 + owner]
#define down to_gateway[g * 2 + owner]

proctype Gateway(bit g) {
	mtype:record kind;
	byte epoch; /* as the view says, or the owner */
	bit owner;
	bool is_attached;
	byte sent; /* the last pseq on the way */
	byte arg, value;

end:
	do
	/* The view, by NOTIFY, by MOVED or by asking, late or never. */
	:: d_step {
		row_epoch > epoch && nfull(to_shard[g * 2 + row_owner]) ->
		epoch = row_epoch;
		owner = row_owner;
		send_attach()
	}
	/* After a refusal or a second without an answer. */
	:: d_step {
		epoch > 0 && !is_attached && empty(up) && empty(down) ->
		send_attach()
	}
	:: d_step {
		g == 0 && is_attached && sent < PUBLISHES && sent < acked + WINDOW && nfull(up) ->
		sent++;
		up!PUBLISH, 0, sent
	}
	/* No answer: all that is not acknowledged again. */
	:: d_step {
		g == 0 && is_attached && sent > acked && empty(up) && empty(down) ->
		sent = acked
	}
	/* Records of the owner's link count; what another shard still says is dropped. */
	:: d_step {
		nempty(to_gateway[g * 2]) ->
		to_gateway[g * 2]?kind, arg, value;
		if
		:: owner == 0 -> show_record()
		:: else -> kind = 0; arg = 0; value = 0
		fi
	}
	:: d_step {
		nempty(to_gateway[g * 2 + 1]) ->
		to_gateway[g * 2 + 1]?kind, arg, value;
		if
		:: owner == 1 -> show_record()
		:: else -> kind = 0; arg = 0; value = 0
		fi
	}
	/* A new generation of the link: what was under way is gone. */
	:: d_step {
		link_losses < LINK_LOSSES && epoch > 0 ->
		link_losses++;
		discard(up);
		discard(down);
		send_attach()
	}
	od
}
