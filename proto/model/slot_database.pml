/* SPDX-License-Identifier: Apache-2.0 */
/* The database of slot.pml: moot_append, and what it promises. ASSIGN and TAKE, which are one
 * update of the row, are where they are said. */

#define holds_row(i) (row_owner == (i) / 2 && row_epoch == append[i].epoch)
#define is_stored(p) ((stored > 0 && log_pseq[0] == p) || (stored > 1 && log_pseq[1] == p))
#define seq_of(p) (log_pseq[0] == p -> 1 : 2)

inline end_append(i, outcome, number) {
	append[i].seq = (append[i].abandoned -> 0 : number);
	append[i].at = (append[i].abandoned -> NONE : outcome);
	append[i].abandoned = false;
	append[i].epoch = 0;
	append[i].head = 0;
	append[i].pseq = 0
}

/* One statement in two steps, because others run in between: the row is read, and is written. */
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
		end_append(i, FENCED, 0)
	fi
}

inline commit_append(i) {
#ifndef NO_SHARE
	share_locks--;
#endif
	if
#ifndef NO_KEY
	:: is_stored(append[i].pseq) -> end_append(i, DONE, seq_of(append[i].pseq)) /* said again */
	:: !is_stored(append[i].pseq) && append[i].head == stored ->
#else
	:: append[i].head == stored && stored < PUBLISHES ->
#endif
		assert(holds_row(i)); /* who commits owns the slot while he does */
		log_pseq[stored] = append[i].pseq;
		log_epoch[stored] = append[i].epoch;
		stored++;
		/* In the producer's order, without a gap, once. */
		assert(log_pseq[stored - 1] == stored);
		assert(stored < 2 || log_epoch[stored - 2] <= log_epoch[stored - 1]);
		end_append(i, DONE, stored)
	:: else -> end_append(i, FENCED, 0) /* a number that is taken: the statement fails */
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
