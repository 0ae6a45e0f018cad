/* SPDX-License-Identifier: Apache-2.0 */
/* The database of slot.pml: APPEND, and what it promises. ASSIGN and TAKE change the row in one step. */

#define holds_row(i) (row_owner == (i) / 2 && row_epoch == append[i].epoch)
#define is_stored(p) ((stored > 0 && log_pseq[0] == p) || (stored > 1 && log_pseq[1] == p))
#define last_stored (stored > 0 -> log_pseq[stored - 1] : 0)

inline end_append(i, outcome) {
	if
	:: append[i].abandoned ->
		append[i].at = NONE;
		append[i].abandoned = false
	:: else ->
		append[i].at = outcome
	fi;
	append[i].epoch = 0;
	append[i].seq = 0;
	append[i].pseq = 0
}

/* One statement in two steps, because others run in between: the row is read, the row is written. */
inline check_append(i) {
	if
#ifdef NO_EPOCH
	:: row_owner == (i) / 2 ->
#else
	:: holds_row(i) ->
#endif
		append[i].at = CHECKED;
#ifndef NO_SHARE
		share_locks++ /* FOR SHARE: who would change the row waits until we committed */
#endif
	:: else ->
		end_append(i, REFUSED)
	fi
}

inline commit_append(i) {
#ifndef NO_SHARE
	share_locks--;
#endif
	if
	:: append[i].seq == stored + 1 && !is_stored(append[i].pseq) -> /* the two unique keys */
		assert(holds_row(i)); /* who commits owns the slot while he does */
		log_pseq[stored] = append[i].pseq;
		log_epoch[stored] = append[i].epoch;
		stored++;
		/* C1, C4: in the producer's order, without a gap, once. */
		assert(log_pseq[stored - 1] == stored);
		assert(stored < 2 || log_epoch[stored - 2] <= log_epoch[stored - 1]);
		end_append(i, COMMITTED)
	:: else ->
		end_append(i, REFUSED)
	fi
}

active proctype Database() {
end:
	do
	:: d_step { append[0].at == SENT -> check_append(0) }
	:: d_step { append[1].at == SENT -> check_append(1) }
	:: d_step { append[2].at == SENT -> check_append(2) }
	:: d_step { append[3].at == SENT -> check_append(3) }
	:: d_step { append[0].at == CHECKED -> commit_append(0) }
	:: d_step { append[1].at == CHECKED -> commit_append(1) }
	:: d_step { append[2].at == CHECKED -> commit_append(2) }
	:: d_step { append[3].at == CHECKED -> commit_append(3) }
	od
}
