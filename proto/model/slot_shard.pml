/* SPDX-License-Identifier: Apache-2.0 */
/* A shard of slot.pml: takes the slot, appends, settles what it does not know, tells gateways. */

#define mine (id * 2 + conn) /* our APPEND over the connection we use */

/* The outcome of what runs is of no interest any more: it is fenced, or said again after TAKE. */
inline abandon() {
	if
	:: append[mine].at == SENT || append[mine].at == CHECKED ->
		append[mine].abandoned = true;
		conn = 1 - conn
	:: else ->
		append[mine].at = NONE;
		append[mine].seq = 0
	fi;
	is_writing = false
}

/* A room is loaded anew whenever the slot was in doubt. */
inline unload() {
	is_loaded = false;
	head = 0
}

/* What was staged is refused; that the gateway is told in time does not matter here. */
inline lose_slot() {
	tenure = ABSENT;
	abandon();
	unload();
	staged = 0;
	is_attached = false;
	told = 0
}

/* An incarnation never comes back; the next one may use the same variables, because it owns nothing
 * before an ASSIGN with a greater epoch says so. */
inline crash() {
	crashes++;
	discard(publishes[id]);
#if LISTENERS > 0
	discard_events(attaches[id]);
#endif
	lose_slot()
}

inline take_publish() {
	if
	:: tenure == ABSENT ->
		answers[id]!REFUSED, value
	:: tenure != ABSENT && !staged ->
#ifdef ACK_EARLY
		answers[id]!ACK, value;
#endif
		staged = value
	:: else -> skip /* it is staged already */
	fi
}

inline take_attach() {
	if
	:: tenure != ABSENT && arg <= epoch ->
		is_attached = true;
		told = value;
		events[id]!ATTACHED, epoch, 0
	:: else ->
		events[id]!NOT_OWNER, 0, 0
	fi
}

proctype Shard(bit id) {
	mtype:tenure_state tenure = ABSENT;
	mtype:record kind;
	byte epoch;
	bool is_loaded;
	byte head;   /* last seq, once loaded */
	byte staged; /* pseq of what is to be appended */
	bool is_writing;
	bit conn; /* which database connection we use */
	bool is_attached; /* the listener */
	byte told;        /* last seq sent to it */
	byte arg, value;

end:
	do
	/* The view, learnt at some time or never: gained, or lost. */
	:: d_step {
		row_owner == id && row_epoch > epoch && tenure != PENDING ->
		lose_slot();
		epoch = row_epoch;
		tenure = OPEN
	}
	:: d_step {
		row_owner != id && tenure != ABSENT ->
		lose_slot()
	}

	/* HEADS: a later statement than the one that made the slot ours. */
	:: d_step {
		tenure == OPEN && !is_loaded ->
		is_loaded = true;
		head = stored
	}

	:: d_step {
		tenure == OPEN && is_loaded && staged && !is_writing && append[mine].at == NONE ->
		is_writing = true;
		append[mine].at = SENT;
		append[mine].epoch = epoch;
		append[mine].head = head;
		append[mine].pseq = staged
	}
	/* The answer numbers it: the next one, unless it had a number already. */
	:: d_step {
		is_writing && append[mine].at == DONE ->
		head = (append[mine].seq > head -> append[mine].seq : head);
		append[mine].at = NONE;
		append[mine].seq = 0;
		is_writing = false;
		if
		:: len(answers[id]) < QUEUE -> answers[id]!ACK, staged
		:: else -> skip /* it is asked for again */
		fi;
		staged = 0
	}
	/* The slot is missing in the answer. */
	:: d_step {
		is_writing && append[mine].at == FENCED ->
		lose_slot()
	}
	:: d_step {
		is_writing && unknowns < UNKNOWNS ->
		unknowns++;
		abandon();
		unload();
#ifndef NO_TAKE
		tenure = PENDING
#endif
	}

	/* TAKE: ours under a new epoch, which ends what we sent ourselves; or ours no more. */
#ifdef EARLY_HEAD
	:: d_step {
		tenure == PENDING && row_owner == id && !is_loaded ->
		is_loaded = true; /* the statement's snapshot is older than the lock it awaits */
		head = stored
	}
	:: d_step {
		tenure == PENDING && row_owner == id && is_loaded && share_locks == 0 ->
		row_epoch++;
		epoch = row_epoch;
		tenure = OPEN
	}
#else
	:: d_step {
		tenure == PENDING && row_owner == id && share_locks == 0 ->
		row_epoch++;
		epoch = row_epoch;
		tenure = OPEN
	}
#endif

	/* The owner with nothing under way knows where the log ends. */
	:: d_step {
		tenure == OPEN && is_loaded && !is_writing && row_owner == id &&
		row_epoch == epoch && head != stored ->
		assert(head == stored)
	}

	:: d_step {
		len(publishes[id]) > 0 && len(answers[id]) < QUEUE ->
		publishes[id]?kind, value;
		take_publish();
		kind = 0;
		value = 0
	}

#if LISTENERS > 0
	:: d_step {
		len(attaches[id]) > 0 && len(events[id]) < QUEUE ->
		attaches[id]?kind, arg, value;
		take_attach();
		kind = 0;
		arg = 0;
		value = 0
	}
	/* What is committed goes to whoever is attached. */
	:: d_step {
		is_loaded && is_attached && told < head && len(events[id]) < QUEUE ->
		told++;
		events[id]!EVENT, told, log_pseq[told - 1]
	}
#endif

	:: d_step {
		crashes < CRASHES && tenure != ABSENT ->
		crash()
	}
	od
}
