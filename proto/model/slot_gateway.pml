/* SPDX-License-Identifier: Apache-2.0 */
/* The gateways of slot.pml: one publishes and publishes again, one shows what comes in order. A
 * view is learnt by NOTIFY, by MOVED or by asking, late or never. */

/* After a second without an answer, when the link is long quiet, things are said again. */
#define is_quiet(shard) (empty(publishes[shard]) && empty(answers[shard]))

inline take_answer() {
	if
	:: kind == ACK && value == acked + 1 ->
		assert(is_stored(value)); /* an ACK leaves only after the commit */
		acked = value;
		is_sent = false
	:: kind == REFUSED && value == acked + 1 ->
		is_sent = false
	:: else -> skip /* known already */
	fi;
	kind = 0;
	value = 0
}

proctype Publisher() {
	mtype:record kind;
	byte epoch;
	bit owner;
	bool is_sent; /* the event after the last one that was acknowledged */
	byte value;

end:
	do
	:: d_step {
		row_epoch > epoch ->
		epoch = row_epoch;
		is_sent = (owner == row_owner && is_sent); /* over a new way it is said again */
		owner = row_owner
	}
	:: d_step {
		epoch > 0 && acked < PUBLISHES && (!is_sent || is_quiet(owner)) &&
		len(publishes[owner]) < QUEUE ->
		is_sent = true;
		publishes[owner]!PUBLISH, acked + 1
	}
	:: d_step {
		nempty(answers[0]) ->
		answers[0]?kind, value;
		take_answer()
	}
	:: d_step {
		nempty(answers[1]) ->
		answers[1]?kind, value;
		take_answer()
	}
	:: d_step {
		link_losses < LINK_LOSSES && epoch > 0 ->
		link_losses++;
		discard(publishes[owner]);
		discard(answers[owner]);
		is_sent = false
	}
	od
}

#if LISTENERS > 0
inline attach() {
	is_attached = false;
	attaches[owner]!ATTACH, epoch, seen
}

/* Only what the owner says counts, and only after its ATTACHED. */
inline take_event(from) {
	if
	:: kind == ATTACHED && from == owner && arg >= epoch ->
		is_attached = true;
		epoch = arg
	:: kind == NOT_OWNER && from == owner ->
		is_attached = false
	:: kind == EVENT && from == owner && is_attached && arg == seen + 1 ->
		/* It is stored, and the order is the one there is. */
		assert(arg <= stored && log_pseq[arg - 1] == value);
		seen = arg
	:: kind == EVENT && from == owner && is_attached && arg > seen + 1 ->
		is_attached = false /* a gap: attach again */
	:: else -> skip /* over, or shown already */
	fi;
	kind = 0;
	arg = 0;
	value = 0
}

proctype Listener() {
	mtype:record kind;
	byte epoch;
	bit owner;
	bool is_attached;
	byte arg, value;

end:
	do
	:: d_step {
		row_epoch > epoch && len(attaches[row_owner]) < QUEUE ->
		epoch = row_epoch;
		owner = row_owner;
		attach()
	}
	:: d_step {
		epoch > 0 && !is_attached && empty(attaches[owner]) && empty(events[owner]) ->
		attach()
	}
	:: d_step {
		nempty(events[0]) ->
		events[0]?kind, arg, value;
		take_event(0)
	}
	:: d_step {
		nempty(events[1]) ->
		events[1]?kind, arg, value;
		take_event(1)
	}
	:: d_step {
		link_losses < LINK_LOSSES && epoch > 0 ->
		link_losses++;
		discard_events(attaches[owner]);
		discard_events(events[owner]);
		attach()
	}
	od
}
#endif
