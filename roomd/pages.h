/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the log that gateways have asked for: a bounded number of them, each until it was
 * answered: from memory, if the room is there and has the page. Otherwise they wait while their
 * slot is not open - it is being taken again, or the database is away - and show nothing that the
 * journal does not know to be stored. Pure: the store comes as its contract. Owner: shard. */
#pragma once

#include "roomd/feed_set.h"
#include "roomd/journal.h"
#include "roomd/room_set.h"

#define PAGES_MAX 256                   /* asked for at one time; further ones are OVERLOADED */
#define PAGES_HOLD_NS (1 * NS_PER_S)    /* then DB_AWAY */
#define PAGES_RETRY_NS (50 * NS_PER_MS) /* between two looks at those that wait */

struct pages;

struct pages_setup {
	struct feed_set *feeds; /* all borrowed */
	struct room_set *rooms;
	struct journal *journal;
	struct store *store;
};

MUST_USE struct pages *pages_new(const struct pages_setup *);
void pages_free(struct pages **); /* tells nobody */

/* The room is ours. Answered by HISTORY, perhaps at once. */
void pages_ask(struct pages *, struct feed *, const struct msg_read *, int64_t now_ns);
void pages_refuse(struct feed *, uint64_t ask, enum err);
void pages_turn(struct pages *, int64_t now_ns);
