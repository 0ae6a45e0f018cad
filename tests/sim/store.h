/* SPDX-License-Identifier: Apache-2.0 */
/* A process's connection to the model database, behind the contract of roomd/store.h: what
 * common/pg.c promises (answers in order, AWAY and UNKNOWN, reconnecting in the background) with
 * answers that are late or lost. A gateway reads the view through the same contract. */
#pragma once

#include "tests/sim/database.h"
#include "tests/sim/node.h"

struct store_link_hooks {
	void (*on_state)(void *owner, bool up);
	void (*on_hint)(void *owner, uint64_t version);
	void *owner;
};

MUST_USE struct store *store_open(struct node *, const struct store_link_hooks *);
void store_close(struct store **); /* calls nobody back */

/* ---- what befalls connections; for database.c and fault.c ---- */
void store_lose(struct database *, incarnation_id process); /* that of one process */
void store_lose_connections(struct database *);
void store_end_backends(struct database *); /* nothing that is under way is committed */
void store_notify(struct database *);       /* tells everybody connected of the new version */
