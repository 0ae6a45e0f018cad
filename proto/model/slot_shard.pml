/* SPDX-License-Identifier: Apache-2.0 */
/* A shard of slot.pml: takes the slot, appends, settles what it does not know, tells gateways. */

#define mine (id * 2 + conn) /* our APPEND over the connection we use */
#define has_room(g) (len(to_gateway[(g) * 2 + id]) < QUEUE)

/* The outcome of what runs is of no interest any more: it is fenced, or will be settled by TAKE. */
inline abandon() {
	if
	:: append[mine].at == SENT || append[mine].at == CHECKED ->
		append[mine].abandoned = true;
		conn = 1 - conn
	:: else ->
		append[mine].at = NONE
	fi;
	waiting = 0
}

/* Whatever was attached was so under the old epoch. */
inline forget_attached() {
	attached[0] = false;
	attached[1] = false;
	told[0] = 0;
	told[1] = 0
}

inline read_heads() {
	head = stored;
	last_pseq = last_stored
}

inline discard(records) {
	do
	:: len(records) > 0 -> records?_, _, _
	:: len(records) == 0 -> break
	od
}

/* An incarnation never comes back; the next one may use the same variables, because it owns nothing
 * before an ASSIGN with a greater epoch says so. */
inline crash() {
	crashes++;
	state = ABSENT;
	abandon();
	forget_attached();
	discard(to_shard[id]);
#if GATEWAYS > 1
	discard(to_shard[2 + id]);
#endif
	head = 0;
	last_pseq = 0
}

inline take_record(g) {
	if
	:: kind == ATTACH && state != ABSENT && arg == epoch ->
		attached[g] = true;
		told[g] = value;
		to_gateway[g * 2 + id]!ATTACHED, epoch, 0
	:: kind == ATTACH && (state == ABSENT || arg != epoch) ->
		to_gateway[g * 2 + id]!NOT_OWNER, 0, 0
	:: kind == PUBLISH && !attached[g] ->
		to_gateway[g * 2 + id]!NOT_OWNER, 0, 0
	:: kind == PUBLISH && attached[g] && state == OPEN && value <= last_pseq ->
		to_gateway[g * 2 + id]!ACK, 0, value /* re-sent: the first answer stands */
#ifdef ANY_ORDER
	:: kind == PUBLISH && attached[g] && state == OPEN && value > last_pseq && !waiting &&
	   append[mine].at == NONE ->
#else
	:: kind == PUBLISH && attached[g] && state == OPEN && value == last_pseq + 1 && !waiting &&
	   append[mine].at == NONE ->
#endif
		waiting = value;
		append[mine].at = SENT;
		append[mine].epoch = epoch;
		append[mine].seq = head + 1;
		append[mine].pseq = value;
#ifdef ACK_EARLY
		to_gateway[g * 2 + id]!ACK, 0, value
#endif
	:: else -> skip /* held or refused, which is the same here: the gateway sends it again */
	fi;
	kind = 0;
	arg = 0;
	value = 0
}

proctype Shard(bit id) {
	mtype:holding state = ABSENT;
	mtype:record kind;
	byte epoch;
	byte head;      /* last seq, as far as we know */
	byte last_pseq; /* of the producer */
	byte waiting;   /* pseq of the APPEND under way */
	bit conn;       /* which database connection we use */
	bool attached[2];
	byte told[2]; /* last seq sent to each gateway */
	byte arg, value;

end:
	do
	/* The view, learnt at some time or never. */
	:: d_step {
		row_owner == id && row_epoch > epoch && state != TAKING ->
		epoch = row_epoch;
		state = PENDING;
		abandon();
		forget_attached();
		head = 0;
		last_pseq = 0
	}
	:: d_step {
		row_owner != id && state != ABSENT ->
		state = ABSENT;
		abandon();
		forget_attached();
		head = 0;
		last_pseq = 0
	}

	/* HEADS: a later statement than the one that made the slot ours. */
	:: d_step {
		state == PENDING ->
		read_heads();
		state = OPEN
	}

	/* The outcome of our APPEND. */
	:: d_step {
		waiting && append[mine].at == COMMITTED ->
		append[mine].at = NONE;
		head++;
		last_pseq = waiting;
		if
		:: attached[0] && has_room(0) -> to_gateway[id]!ACK, 0, waiting
		:: else -> skip /* it asks again */
		fi;
		waiting = 0
	}
	:: d_step {
		waiting && append[mine].at == REFUSED ->
		abandon();
		state = TAKING
	}
	:: d_step {
		waiting && unknowns < UNKNOWNS ->
		unknowns++;
		abandon();
#ifdef NO_TAKE
		state = PENDING
#else
		state = TAKING
#endif
	}

	/* TAKE: ours under a new epoch, which fences what we sent ourselves; or ours no more. */
#ifdef EARLY_HEAD
	:: d_step {
		state == TAKING && row_owner == id ->
		read_heads(); /* the statement's snapshot is older than the locks it waits for */
		state = BLOCKED
	}
	:: d_step {
		state == BLOCKED && row_owner == id && share_locks == 0 ->
		row_epoch++;
		epoch = row_epoch;
		forget_attached();
		state = OPEN
	}
#else
	:: d_step {
		state == TAKING && row_owner == id && share_locks == 0 ->
		row_epoch++;
		epoch = row_epoch;
		forget_attached();
		state = PENDING
	}
#endif

	/* The owner with nothing under way knows where the log ends. */
	:: d_step {
		state == OPEN && !waiting && row_owner == id && row_epoch == epoch &&
		head != stored ->
		assert(head == stored)
	}

	/* What is committed goes to whoever is attached. */
	:: d_step {
		state == OPEN && attached[0] && told[0] < head && has_room(0) ->
		to_gateway[id]!EVENT, told[0] + 1, log_pseq[told[0]];
		told[0]++
	}
#if GATEWAYS > 1
	:: d_step {
		state == OPEN && attached[1] && told[1] < head && has_room(1) ->
		to_gateway[2 + id]!EVENT, told[1] + 1, log_pseq[told[1]];
		told[1]++
	}
#endif

	/* What gateways say. */
	:: d_step {
		nempty(to_shard[id]) && has_room(0) ->
		to_shard[id]?kind, arg, value;
		take_record(0)
	}
#if GATEWAYS > 1
	:: d_step {
		nempty(to_shard[2 + id]) && has_room(1) ->
		to_shard[2 + id]?kind, arg, value;
		take_record(1)
	}
#endif

	:: d_step {
		crashes < CRASHES && state != ABSENT ->
		crash()
	}
	od
}
