/* SPDX-License-Identifier: Apache-2.0 */
/* What one native session publishes in one room: one at a time, in the order in which it came, each
 * under the session's own number, so that the room stores them in that order and each once.
 * Bounded: FRAME_PENDING publishes and FRAME_PENDING_BYTES bytes wait.
 *
 * After one was refused that may be sent again, nothing later is taken until it came again: what is
 * refused so is owed. Owner: native_visit. */
#pragma once

#include "common/list.h"
#include "proto/frame.h"

struct native_visit;

#define PUBLISHER_DEBTS 128 /* more of them at once: the client does not listen */

struct publisher {
	struct list waiting; /* of struct publish; the first one is under way */
	size_t count, bytes;
	uint64_t debts[PUBLISHER_DEBTS]; /* numbers to come again, ascending */
	size_t debt_count;
};

void publisher_init(struct publisher *);
void publisher_fini(struct publisher *);    /* what is under way goes on; nobody is told of it */
void publisher_forgive(struct publisher *); /* the client begins anew: it owes nothing */
/* Answered by ack or refused, sooner or later, once. Errors: TOO_FAST: it owes too much. */
MUST_USE enum err publisher_take(struct native_visit *, const struct frame *);
/* The same refusal for one that was not even looked at. */
MUST_USE enum err publisher_refuse(struct native_visit *, uint64_t n, enum err why);
