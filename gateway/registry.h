/* SPDX-License-Identifier: Apache-2.0 */
/* This gateway's row in `member`, and the view as PostgreSQL has it: the only SQL about the cluster
 * that a gateway speaks. Reads the view when told that it changed, and every second in any case.
 * Owner: gateway. Thread: loop. */
#pragma once

#include "common/loop.h"
#include "common/pg.h"
#include "gateway/router.h"

struct registry;

struct registry_setup {
	struct loop *loop;
	struct pg *pg;
	struct router *router;
	incarnation_id self;
	const char *name;
	int64_t poll_ns;
	void (*on_dead)(void *owner); /* the view says that we are: another one took our name */
	void *owner;
};

MUST_USE struct registry *registry_new(const struct registry_setup *);
void registry_free(struct registry **);
void registry_on_database(struct registry *, bool up);
void registry_pull(struct registry *); /* soon: at most one reading is in flight */
/* Say that we are dead; `done` is called once, with or without success. */
void registry_leave(struct registry *, void (*done)(void *owner), void *owner);
