/* SPDX-License-Identifier: Apache-2.0 */
/* What one native session publishes in one room: one at a time, in the order in which it came, each
 * under the session's own number, so that the room stores them in that order and each once.
 * Bounded: FRAME_PENDING publishes and FRAME_PENDING_BYTES bytes wait.
 *
 * After one was refused that may be sent again, it is owed (gateway/debts.h). Owner: native_visit.
 */
#pragma once

#include "common/list.h"
#include "gateway/debts.h"
#include "proto/frame.h"

struct native_visit;

struct publisher {
	struct list waiting; /* of struct publish; the first one is under way */
	size_t count, bytes;
	struct debts debts;
};

void publisher_init(struct publisher *);
void publisher_fini(struct publisher *);    /* what is under way goes on; nobody is told of it */
void publisher_forgive(struct publisher *); /* the client begins anew: it owes nothing */
/* Answered by ack or refused, sooner or later, once. Errors: TOO_FAST: it owes too much. */
MUST_USE enum err publisher_take(struct native_visit *, const struct frame *);
/* The same refusal for one that was not even looked at. `retry_after_ms` 0: when nobody knows. */
MUST_USE enum err publisher_refuse(struct native_visit *, uint64_t n, enum err why,
				   uint64_t retry_after_ms);
