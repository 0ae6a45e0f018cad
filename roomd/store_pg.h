/* SPDX-License-Identifier: Apache-2.0 */
/* The store in PostgreSQL; schema/ has the functions it calls. Says when it is away, when it is
 * back, and when it notifies of a newer view. Thread: loop. */
#pragma once

#include "common/loop.h"
#include "roomd/store.h"

struct store_hooks {
	void (*on_state)(void *owner, bool up, const char *why);
	void (*on_hint)(void *owner, uint64_t version); /* the view has become newer, perhaps */
	void (*on_published)(void *owner);              /* an application has, in SQL */
	void *owner;
};

MUST_USE struct store *store_open(struct loop *, const char *url, const char *name,
				  const struct store_hooks *);
void store_close(struct store **); /* what is under way is not called back */
