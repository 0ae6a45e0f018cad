/* SPDX-License-Identifier: Apache-2.0 */
/* Records that wait, in order, until their room knows enough to act on them. Bounded. Pure.
 * Owner: room. */
#pragma once

#include "common/list.h"
#include "proto/message.h"

#define WAITING_RECORDS_MAX 1024
#define WAITING_BYTES_MAX (4u << 20)

struct waiting {
	struct list records; /* of waiting_record.node */
	size_t count, bytes;
};

struct waiting_record {
	struct list node;
	incarnation_id gateway; /* that sent it */
	enum message_type type;
	struct buf bytes;
};

void waiting_init(struct waiting *);
void waiting_fini(struct waiting *);

/* Keeps a copy of a JOIN, LEAVE, CAST, INSPECT or KICK. Errors: OVERLOADED (not kept). */
MUST_USE enum err waiting_add(struct waiting *, incarnation_id gateway, const struct message *);
struct waiting_record *waiting_first(const struct waiting *); /* NULL: none */
/* The record again, as it was; borrows. */
void waiting_read(const struct waiting_record *, struct message *);
void waiting_remove(struct waiting *, struct waiting_record *);
