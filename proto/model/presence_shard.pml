/* SPDX-License-Identifier: Apache-2.0 */
/* A shard of presence.pml: one room's roster, coverage, and who is told what. */

inline drop_room() {
	has_room = false;
	is_covered = false;
	is_open = false;
	entry_gen = 0;
	entry_home = 0;
	forget_gateway(0);
	forget_gateway(1)
}

inline forget_gateway(i) {
	has_spoken[i] = false;
	is_attached[i] = false;
	is_asked[i] = false;
	is_doubted[i] = false
}

inline discard_up(records) {
	do
	:: len(records) > 0 -> records?kind, said_epoch, gen
	:: len(records) == 0 -> break
	od;
	kind = 0;
	said_epoch = 0;
	gen = 0
}

inline discard_down(records) {
	do
	:: len(records) > 0 -> records?kind, said_epoch, gen, covered
	:: len(records) == 0 -> break
	od;
	kind = 0;
	said_epoch = 0;
	gen = 0;
	covered = false
}

inline tell(i, what) {
	if
	:: is_attached[i] -> to_gateway[(i) * 2 + id]!what, 0, entry_gen, is_covered
	:: else -> skip
	fi
}

inline tell_all(what) {
	tell(0, what);
	tell(1, what)
}

/* Whoever has gone is missing in the next covered ROSTER; before that we cannot know that it has no
 * other connection at a gateway which has not spoken yet. */
inline remove_entry() {
	entry_gen = 0;
	entry_home = 0;
	if
#ifdef LEFT_UNCOVERED
	:: is_open -> tell_all(MEMBER_LEFT)
#else
	:: is_covered -> tell_all(MEMBER_LEFT)
#endif
	:: else -> skip
	fi
}

/* A connection is taken up unless a newer one of the same session is known. */
inline admit() {
	if
	:: gen > entry_gen ->
		is_new = (entry_gen == 0);
		entry_gen = gen;
		entry_home = g
	:: gen == entry_gen ->
		entry_home = g
#ifdef OLD_HOME
	:: gen < entry_gen ->
		entry_home = g
#endif
	:: else -> skip
	fi
}

/* The second connection, once. WELCOMED is what lets the client close its first. */
inline welcome() {
	if
	:: is_open && entry_gen == 2 && !is_welcome && is_attached[0] -> tell(0, WELCOMED)
	:: else -> skip
	fi
}

/* The caller hears what is known, the others what is new, and all of it once it is covered. */
inline attach() {
	has_spoken[g] = true;
	is_attached[g] = (g < WATCHERS || gen);
	is_doubted[g] = false;
	if
	:: !is_covered && has_spoken[0] && has_spoken[1] ->
		is_covered = true;
		is_open = true;
		tell(1 - g, ROSTER)
	:: is_open && is_new ->
		tell(1 - g, MEMBER_JOINED)
	:: else -> skip
	fi;
	if
	:: is_attached[g] -> to_gateway[g * 2 + id]!ATTACHED, epoch, entry_gen, is_covered
	:: else -> skip /* nobody is there: it detaches */
	fi;
	welcome()
}

/* The gateway began the link anew: it is not attached over it, and who was at home may be gone. */
inline on_hello() {
	is_attached[g] = false;
	is_asked[g] = false;
	is_doubted[g] = entry_gen && entry_home == g
}

inline on_attach() {
	has_room = true;
	if
	:: gen -> admit()
	:: !gen && entry_gen && entry_home == g -> remove_entry()
	:: else -> skip
	fi;
	attach()
}

inline on_solicit_done() {
	if
	:: entry_gen && entry_home == g -> remove_entry()
	:: else -> skip
	fi;
	has_spoken[g] = true;
	is_doubted[g] = false;
	if
	:: !is_covered && has_spoken[0] && has_spoken[1] ->
		is_covered = true;
		is_open = true;
		tell_all(ROSTER);
		welcome()
	:: else -> skip
	fi
}

/* Behind the ATTACH of its gateway, or in its place. */
inline on_join() {
	has_room = true;
	admit();
	if
	:: !is_attached[g] -> attach()
	:: is_attached[g] && is_open && is_new ->
		tell_all(MEMBER_JOINED);
		welcome()
	:: is_attached[g] && !(is_open && is_new) -> welcome()
	fi
}

inline on_leave() {
	if
#ifdef NO_CONN_GEN
	:: entry_gen -> remove_entry()
#else
	:: entry_gen && gen >= entry_gen -> remove_entry()
#endif
	:: else -> skip
	fi
}

/* One that waited here while the slot was elsewhere tells of the past. */
#ifdef OLD_ATTACH
#define is_current (owns && said_epoch <= epoch)
#else
#define is_current (owns && said_epoch == epoch)
#endif

inline hear_gateway() {
	if
	:: kind == HELLO -> on_hello()
	:: kind == ATTACH && is_current -> on_attach()
	:: kind == JOIN && owns -> on_join()
	:: kind == LEAVE && has_room -> on_leave()
	:: kind == SOLICIT_DONE && has_room -> on_solicit_done()
	:: (kind == ATTACH && !is_current) || (kind == JOIN && !owns) ->
		to_gateway[g * 2 + id]!NOT_OWNER, 0, 0, false
	:: else -> skip
	fi;
	kind = 0;
	said_epoch = 0;
	gen = 0;
	is_new = false;
	g = 0
}

#define has_space_to(i) (len(to_gateway[(i) * 2 + id]) + AT_ONCE <= QUEUE)
#define has_space (has_space_to(0) && has_space_to(1))
#define is_quiet(i) (len(to_gateway[(i) * 2 + id]) + len(to_shard[(i) * 2 + id]) == 0)
#ifdef ASK_ONCE
#define may_ask(i) (!is_asked[i])
#else
#define may_ask(i) (!is_asked[i] || is_quiet(i)) /* again, when a second has brought no answer */
#endif
#define must_ask(i) (has_room && (!has_spoken[i] || is_doubted[i]) && may_ask(i) && \
		     len(to_gateway[(i) * 2 + id]) < QUEUE)

proctype Shard(bit id) {
	mtype:record kind;
	byte epoch;
	bool owns;
	bool has_room;
	bool is_covered; /* both gateways have spoken */
	bool is_open;    /* what happens is told */
	byte entry_gen;  /* the roster's one entry; 0: none */
	bit entry_home;
	bool has_spoken[2];
	bool is_attached[2];
	bool is_asked[2];
	bool is_doubted[2]; /* the link began anew: what it said is to be confirmed */
	byte said_epoch;
	byte gen;
	bool is_new;
	bit g;

end:
	do
	:: d_step {
		row_owner == id && row_epoch > epoch && !owner_is_dead ->
		epoch = row_epoch;
		owns = true;
		drop_room()
	}
	:: d_step {
		row_owner != id && owns ->
		owns = false;
		drop_room()
	}
	/* TAKE of its own slot: the rooms stay, and gateways attach them under the new epoch. */
	:: d_step {
		takes < TAKES && owns && row_owner == id && row_epoch == epoch ->
		takes++;
		row_epoch++;
		epoch = row_epoch
	}
#ifndef NO_SOLICIT
	:: d_step {
		must_ask(0) ->
		is_asked[0] = true;
		to_gateway[id]!SOLICIT, 0, 0, false
	}
	:: d_step {
		must_ask(1) ->
		is_asked[1] = true;
		to_gateway[2 + id]!SOLICIT, 0, 0, false
	}
#endif
	:: d_step {
		hurries < HURRIES && has_room && !is_open && has_space ->
		hurries++;
		is_open = true;
		tell_all(ROSTER);
		welcome()
	}
	:: d_step {
		nempty(to_shard[id]) && has_space ->
		to_shard[id]?kind, said_epoch, gen;
		hear_gateway()
	}
	:: d_step {
		nempty(to_shard[2 + id]) && has_space ->
		to_shard[2 + id]?kind, said_epoch, gen;
		g = 1;
		hear_gateway()
	}
	:: d_step {
		crashes < CRASHES && owns ->
		crashes++;
		if
		:: row_owner == id && row_epoch == epoch -> owner_is_dead = true
		:: else -> skip
		fi;
		owns = false;
		drop_room();
		discard_up(to_shard[id]);
		discard_up(to_shard[2 + id]);
		epoch = row_epoch /* the next incarnation owns nothing before a greater one */
	}
	od
}
