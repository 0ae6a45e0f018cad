/* SPDX-License-Identifier: Apache-2.0 */
/* What store.c (connections, members, slots) and store_events.c share. */
#pragma once

#include "tests/sim/store.h"
#include "tests/sim/world.h"

/* A call that waits, and its answer on the way back. */
struct call {
	struct input input;
	struct list node;
	struct store *store;
	struct statement *answer; /* NULL: only `err` */
	enum err err;
	enum statement_kind kind;
	union {
		store_done_fn *done;
		store_view_fn *pulled;
		store_assigned_fn *assigned;
		store_appended_fn *appended;
		store_heads_fn *heads;
		store_page_fn *page;
	};
	void *owner;
	size_t count; /* of what was asked for */
	char room[ROOM_KEY_MAX + 1];
	struct event arrive;
};

struct statement *store_ask(struct store *, enum statement_kind, struct call **, void *owner);
void store_send(struct store *, struct statement *);
void store_take_events(struct call *); /* APPEND, HEADS, READ: calls back */
