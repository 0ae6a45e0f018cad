/* SPDX-License-Identifier: Apache-2.0 */
/* The events that applications published in SQL, on their way from a table into the
 * journal: a page at a time, each row staged like any other publish; the append that stores it
 * deletes the row, so that a crash at any moment neither loses nor doubles one. The next page is
 * read once the last one is settled. Pure: the store comes as its contract. Owner: shard. */
#pragma once

#include "roomd/journal.h"

struct publications;

MUST_USE struct publications *publications_new(incarnation_id self, struct store *,
					       struct journal *);
void publications_free(struct publications **);

void publications_on_hint(struct publications *); /* somebody has published something */
/* What the journal says of events that no gateway asked for. */
void publications_on_settled(struct publications *, const struct journal_asker *);
void publications_turn(struct publications *, int64_t now_ns); /* at its end */
