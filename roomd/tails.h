/* SPDX-License-Identifier: Apache-2.0 */
/* What v0 users of a room are owed when they come back: they cannot say which event they saw last,
 * so what their lost connection had not proved to have received is shown to them again. One record
 * for each connection that was lost, until the resume window has passed; each is given once.
 * Bounded, the oldest goes first. Pure. Owner: room. */
#pragma once

#include "common/list.h"
#include "common/span.h"

#define TAILS_MAX 256 /* of one room */

struct tails {
	struct list all; /* oldest first */
	size_t count;
};

void tails_init(struct tails *);
void tails_fini(struct tails *);
/* `proved`: seq of the last event that the connection is known to have received. Told again of the
 * same session: the greatest counts. */
void tails_note(struct tails *, uint64_t session, struct span user, uint64_t proved,
		int64_t until_ns);
/* The oldest that nobody came for. False: none. */
bool tails_claim(struct tails *, struct span user, uint64_t *proved);
/* Whether it is owed something, or was given it: both are settled here, whatever else is known. */
bool tails_knows(const struct tails *, uint64_t session);
void tails_expire(struct tails *, int64_t now_ns);
int64_t tails_next_ns(const struct tails *); /* when one expires; INT64_MAX: never */
