/* SPDX-License-Identifier: Apache-2.0 */
/* How this shard holds each slot, as far as writing goes: one table of states and legal moves.
 * Pure. Owner: journal. Who should own what is ownership.c's business; presence and casts ask only
 * whether a slot is held at all. */
#pragma once

#include "common/base.h"
#include "proto/limits.h"

enum tenure_state {
	TENURE_ABSENT,
	TENURE_PENDING, /* ours, but what we may have written is not known: it must be taken again
			 */
	TENURE_OPEN,    /* heads may be read, events appended */
	TENURE_DRAIN,   /* about to be given away: nothing is written any more */
	TENURE_STATES
};

enum tenure_move {
	TENURE_GAIN,   /* assigned to us, in a transaction that is over */
	TENURE_TRUST,  /* nothing of ours is under way there */
	TENURE_DOUBT,  /* an outcome is unknown, or the database connection is another */
	TENURE_HOLD,   /* the hand-over begins */
	TENURE_RESUME, /* it failed, or its outcome is unknown */
	TENURE_LOSE,
	TENURE_MOVES
};

struct tenure {
	struct {
		enum tenure_state state;
		uint64_t epoch;
		uint64_t since; /* the epoch under which it became ours; takes do not change it */
	} slots[SLOTS];
	size_t counts[TENURE_STATES];
};

void tenure_init(struct tenure *);
/* False: not legal from where the slot is, and nothing changed. */
bool tenure_move(struct tenure *, unsigned slot, enum tenure_move);
enum tenure_state tenure_state(const struct tenure *, unsigned slot);
