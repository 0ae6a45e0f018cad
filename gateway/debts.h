/* SPDX-License-Identifier: Apache-2.0 */
/* What a native session was refused in a room and may send again. Nothing that it sent later
 * without knowing that may overtake it. Who sends a later one again that was refused after it knew,
 * and has done without the earlier one: it was acknowledged over another connection, or given up.
 * So no client can block itself. Pure; all zero is empty. Owner: gateway/publisher.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEBTS_MAX 128 /* more of them at once: the client does not listen */

struct debt {
	uint64_t n;
	uint64_t told; /* counts refusals: which was told first */
};

struct debts {
	struct debt *of; /* ascending by n; NULL: none, as for nearly everybody */
	size_t count;
	uint64_t told;
};

/* `n` is refused now, for the first time or again. False: there are too many. */
bool debts_add(struct debts *, uint64_t n);
/* One before `n` is owed, and the client need not have known that when it sent `n`. */
bool debts_forbid(const struct debts *, uint64_t n);
void debts_clear(struct debts *);              /* nothing is owed */
void debts_settle(struct debts *, uint64_t n); /* that one alone */
void debts_settle_up_to(struct debts *,
			uint64_t n); /* `n` is taken: those before it are given up */
