/* SPDX-License-Identifier: Apache-2.0 */
/* One PostgreSQL connection on the loop, in pipeline mode; with query.c the only file that speaks
 * libpq. Connects and reconnects in the background (0.1 s doubling to 2 s), never blocks the loop.
 * Thread: loop. */
#pragma once

#include "common/err.h"
#include "common/loop.h"
#include "common/span.h"

struct pg;
struct pg_rows; /* one result; lives for the callback only */

/* err: OK; DB_REFUSED (`why` says the server's message); DB_AWAY: was never sent,
 * or had no effect because the server lacks something for now (disk, memory); DB_UNKNOWN: sent, and
 * the connection was lost before the answer, or it is committed and perhaps not replicated,
 * because the wait for a synchronous standby was cancelled. `rows` is NULL unless OK. */
typedef void pg_done_fn(void *owner, enum err, const struct pg_rows *rows, const char *why);
typedef void pg_state_fn(void *owner, bool up, const char *why);
typedef void pg_notify_fn(void *owner, const char *channel, struct span payload);

struct pg_options {
	const char *url;       /* conninfo or postgresql:// URL */
	const char *name;      /* application_name */
	bool is_urgent;        /* its answers end a rest of the loop */
	size_t max_queries;    /* waiting + in flight; more are refused with DB_AWAY */
	pg_state_fn *on_state; /* each change; NULL is fine */
	pg_notify_fn *on_notify;
	void *owner;
	const char *const *channels; /* NULL-terminated; LISTENed on every connect; NULL: none */
	const char *const *preamble; /* the same: what is said first on every connect */
};

MUST_USE struct pg *pg_open(struct loop *, const struct pg_options *); /* copies the strings */
void pg_close(struct pg **); /* outstanding queries are not called back */
bool pg_is_up(const struct pg *);

/* An implicit transaction of its own. Text parameters; a NULL pointer in a span is SQL NULL. `sql`
 * is prepared once per connection and must be a string constant. At most 24 parameters. `done` is
 * always called, never from inside pg_query. */
void pg_query(struct pg *, const char *sql, const struct span *params, size_t count, pg_done_fn *,
	      void *owner);
/* The same of what only reads: what is asked in one turn of the loop leaves in one send and shares
 * a transaction, of which each answer is part. Should any of them fail, each that did not succeed
 * before is asked once more by itself, so that nobody hears of the failure of another. */
void pg_ask(struct pg *, const char *sql, const struct span *params, size_t count, pg_done_fn *,
	    void *owner);
/* Forget the callbacks of `owner`: it is going away, its queries run on unheard. */
void pg_forget(struct pg *, const void *owner);

size_t pg_count(const struct pg_rows *);
bool pg_is_null(const struct pg_rows *, size_t row, size_t col);
struct span pg_text(const struct pg_rows *, size_t row, size_t col); /* empty when NULL */
int64_t pg_int(const struct pg_rows *, size_t row, size_t col);      /* 0 when NULL */
