/* SPDX-License-Identifier: Apache-2.0 */
/* What store_pg.c (members, slots, the view), store_pg_events.c and store_pg_publications.c share.
 * Nobody else includes this.
 */
#pragma once

#include "common/buf.h"
#include "common/list.h"
#include "common/pg.h"
#include "roomd/store_pg.h"

#define NUMBER_LEN 24 /* decimal, signed 64 bits */

struct store {
	struct pg *pg;
	struct store_hooks hooks;
	struct list calls; /* of call.node: under way */
};

/* A call that waits for its rows. */
struct call {
	struct list node;
	union {
		store_done_fn *done;
		store_view_fn *pulled;
		store_assigned_fn *assigned;
		store_appended_fn *appended;
		store_heads_fn *heads;
		store_page_fn *page;
		store_publications_fn *publications;
	};
	void *owner;
	int64_t asked_ns;
	size_t count; /* of what was asked for */
	char *room;   /* store_read */
};

struct call *store_call_new(struct store *, void *owner);
void store_call_free(struct call *);
void store_on_done(void *call, enum err, const struct pg_rows *, const char *why);
void store_on_assigned(void *call, enum err, const struct pg_rows *, const char *why);

/* Unsigned 64 bits as the signed number with the same bits: that is what bigint holds. */
struct span store_number(char out[NUMBER_LEN], uint64_t);
/* Arrays in their text form, element by element: open, then put, and "}" in the end. */
void store_open_array(struct buf *, size_t count, size_t at);
void store_put_number(struct buf *, uint64_t);
void store_put_text(struct buf *, struct span); /* quoted */
/* Says so in the log, and counts it as `METRIC_store_errors + op`. */
enum store_op {
	STORE_STATEMENT,
	STORE_VIEW,
	STORE_ASSIGN,
	STORE_APPEND,
	STORE_HEADS,
	STORE_READ,
	STORE_PUBLICATIONS,
	STORE_PLACE,
};
void store_refused(enum store_op, enum err, const char *why);
