/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/database.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

struct database {
	struct ctl *ctl;
	PGconn *connection;
};

static bool take(struct database *, PGresult *, struct buf *out);
static int first_line(const char *text);

struct database *database_open(struct ctl *c)
{
	struct database *d = mem_new(sizeof *d);

	d->ctl = c;
	d->connection = PQconnectdb(c->opt.database_url);
	if (PQstatus(d->connection) == CONNECTION_OK) {
		(void)PQsetErrorVerbosity(d->connection, PQERRORS_TERSE);
		return d;
	}
	const char *why = PQerrorMessage(d->connection);
	(void)ctl_fail(c, "%.*s; is MOOT_DATABASE_URL right?", first_line(why), why);
	database_close(&d);
	return NULL;
}

void database_close(struct database **pd)
{
	struct database *d = *pd;

	if (!d)
		return;
	*pd = NULL;
	PQfinish(d->connection);
	mem_free(d);
}

bool database_run(struct database *d, const char *sql)
{
	return take(d, PQexec(d->connection, sql), NULL);
}

bool database_ask(struct database *d, const char *sql, const char *const *params, size_t count,
		  struct buf *out)
{
	return take(d, PQexecParams(d->connection, sql, (int)count, NULL, params, NULL, NULL, 0),
		    out);
}

static bool take(struct database *d, PGresult *result, struct buf *out)
{
	ExecStatusType status = PQresultStatus(result);
	bool done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	const char *why = PQerrorMessage(d->connection);

	for (int row = 0; done && out && row < PQntuples(result); row++) {
		buf_put_str(out, PQgetvalue(result, row, 0));
		buf_put_u8(out, '\n');
	}
	if (!done)
		(void)ctl_fail(d->ctl, "%.*s", first_line(why), why);
	PQclear(result);
	return done;
}

static int first_line(const char *text)
{
	return (int)strcspn(text, "\n");
}
