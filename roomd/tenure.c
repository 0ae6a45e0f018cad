/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/tenure.h"

#include "common/log.h"

#define NO TENURE_STATES

static const enum tenure_state moves[TENURE_STATES][TENURE_MOVES] = {
	/* GAIN, TRUST, DOUBT, HOLD, RESUME, LOSE */
	[TENURE_ABSENT] = {TENURE_PENDING, NO, NO, NO, NO, NO},
	[TENURE_PENDING] = {NO, TENURE_OPEN, TENURE_PENDING, TENURE_DRAIN, NO, TENURE_ABSENT},
	[TENURE_OPEN] = {NO, NO, TENURE_PENDING, TENURE_DRAIN, NO, TENURE_ABSENT},
	/* the ASSIGN to come is as good a barrier as a TAKE, so doubt changes nothing */
	[TENURE_DRAIN] = {NO, NO, TENURE_DRAIN, TENURE_DRAIN, TENURE_PENDING, TENURE_ABSENT},
};

void tenure_init(struct tenure *t)
{
	*t = (struct tenure){.counts[TENURE_ABSENT] = SLOTS};
}

bool tenure_move(struct tenure *t, unsigned slot, enum tenure_move move)
{
	static const char *const names[] = {"absent", "pending", "open", "drain"};
	enum tenure_state from = t->slots[slot].state, to = moves[from][move];

	if (to == NO)
		return false;
	t->slots[slot].state = to;
	t->counts[from]--;
	t->counts[to]++;
	if (from != to)
		log_debug("slot", kv_u64("slot", slot), kv_str("from", names[from]),
			  kv_str("to", names[to]));
	return true;
}

enum tenure_state tenure_state(const struct tenure *t, unsigned slot)
{
	return t->slots[slot].state;
}
