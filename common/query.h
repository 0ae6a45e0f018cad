/* SPDX-License-Identifier: Apache-2.0 */
/* One query on its way through a connection of pg.c: its parameters, how it is sent (prepared once
 * per connection; a Sync after it, or after the last one of its group) and its answer. Internal to
 * pg.c, which owns the lists. */
#pragma once

#include <libpq-fe.h>

#include "common/list.h"
#include "common/pg.h"

#define QUERY_PARAMS_MAX 24
#define STATEMENTS_MAX 64

/* One SQL constant, known by its address. The revision names it anew after its plan went bad. */
struct statement {
	const char *sql;
	unsigned revision;
	bool prepared; /* on this connection, or on its way there */
};

struct statements {
	struct statement all[STATEMENTS_MAX];
	size_t count;
};

struct query {
	struct list node;
	struct statement *statement; /* NULL: `direct` is sent as it is */
	size_t number;               /* of the statement */
	char *direct;
	size_t param_count;
	const char *params[QUERY_PARAMS_MAX]; /* into `text` */
	char *text;
	pg_done_fn *done; /* NULL: forgotten */
	void *owner;
	bool prepares; /* the next result is that of Prepare */
	bool shares;   /* one of a group: failing, it is sent again alone */
	bool again;    /* to be sent again: it or one before it in its group failed */
	bool synced;   /* a Sync was sent after it */
	unsigned left; /* commands without a result so far */
	bool unsure;   /* its commit is on this side of a standby only, perhaps */
	enum err err;
	char *why; /* NULL: no more to say than the error */
	PGresult *result;
};

struct pg_rows {
	const PGresult *result;
};

MUST_USE struct query *query_new(pg_done_fn *, void *owner);
void query_free(struct query *);
void query_fail(struct query *, enum err, const char *why); /* the first failure stays */
void query_reset(struct query *); /* drop the answer so far: it was not certain */

void query_set_statement(struct query *, struct statements *, const char *sql);
void statements_forget(struct statements *); /* a new connection knows none of them */
/* Copies. False: a parameter holds a NUL byte, which a text parameter cannot. */
MUST_USE bool query_set_params(struct query *, const struct span *params, size_t count);

MUST_USE bool query_send(struct query *, PGconn *); /* false: the connection is broken */
MUST_USE bool query_sync(struct query *, PGconn *); /* the same; it ends what was sent up to it */
/* Take the next result, and free it. NULL, which libpq gives after each command, is one too. */
void query_take(struct query *, PGresult *);

void queries_forget(struct list *, const void *owner); /* no more callbacks for this owner */
void queries_free(struct list *);
