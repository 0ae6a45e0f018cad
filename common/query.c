/* SPDX-License-Identifier: Apache-2.0 */
/* Sending one query and gathering its results: COMMIT itself may fail, so nothing before the Sync
 * is an answer. */
#include "common/query.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"

#define NAME_SIZE 48
#define SQLSTATE_NO_STATEMENT "26000" /* somebody said DISCARD ALL */
#define SQLSTATE_PLAN_CHANGED "0A000" /* a migration changed what the statement returns */

static bool send_prepared(struct query *q, PGconn *conn);
static void keep(struct query *q, PGresult *result);
static void refuse(struct query *q, const PGresult *result);
static void skip(struct query *q);
static void statement_renew(struct statement *s);
static bool is_passing(const PGresult *result);
static bool is_stale(const struct query *q, const PGresult *result);

struct query *query_new(pg_done_fn *done, void *owner)
{
	struct query *q = mem_new(sizeof *q);

	list_init(&q->node);
	q->done = done;
	q->owner = owner;
	return q;
}

void query_free(struct query *q)
{
	PQclear(q->result);
	mem_free(q->direct);
	mem_free(q->text);
	mem_free(q->why);
	mem_free(q);
}

/* Of a message of libpq only the first line: it ends with a newline and may go on with advice. */
void query_fail(struct query *q, enum err err, const char *why)
{
	if (q->err != OK)
		return;
	q->err = err;
	q->why = mem_str(why);
	q->why[strcspn(q->why, "\n")] = '\0';
}

void query_reset(struct query *q)
{
	PQclear(q->result);
	q->result = NULL;
	mem_free(q->why);
	q->why = NULL;
	q->err = OK;
	q->again = q->synced = false;
}

void query_set_statement(struct query *q, struct statements *s, const char *sql)
{
	size_t i = 0;

	while (i < s->count && s->all[i].sql != sql)
		i++;
	must(i < STATEMENTS_MAX);
	if (i == s->count)
		s->all[s->count++].sql = sql;
	q->statement = &s->all[i];
	q->number = i;
}

void statements_forget(struct statements *s)
{
	for (size_t i = 0; i < s->count; i++)
		s->all[i].prepared = false;
}

bool query_set_params(struct query *q, const struct span *params, size_t count)
{
	size_t size = 1;

	must(count <= QUERY_PARAMS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (params[i].len > 0 && memchr(params[i].p, 0, params[i].len))
			return false;
		size += params[i].len + 1;
	}
	char *at = q->text = mem_new(size);
	for (size_t i = 0; i < count; i++) {
		if (!params[i].p)
			continue;
		q->params[i] = at;
		memcpy(at, params[i].p, params[i].len);
		at += params[i].len + 1;
	}
	q->param_count = count;
	return true;
}

bool query_send(struct query *q, PGconn *conn)
{
	q->left = 1;
	bool sent = q->statement
			    ? send_prepared(q, conn)
			    : PQsendQueryParams(conn, q->direct, 0, NULL, NULL, NULL, NULL, 0) == 1;

	if (!q->shares) { /* no more needed */
		mem_free(q->text);
		q->text = NULL;
	}
	return sent;
}

bool query_sync(struct query *q, PGconn *conn)
{
	q->synced = true;
	return PQpipelineSync(conn) == 1;
}

void query_take(struct query *q, PGresult *result)
{
	if (!result) {
		q->left -= q->left > 0;
		return;
	}
	switch (PQresultStatus(result)) {
	case PGRES_PIPELINE_SYNC:
		if (q->unsure)
			query_fail(q, ERR_DB_UNKNOWN,
				   "the wait for the synchronous standby was cancelled");
		break;
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_EMPTY_QUERY:
		keep(q, result);
		return;
	case PGRES_PIPELINE_ABORTED: /* what was before it, of this query or another, was refused */
		skip(q);
		break;
	default:
		refuse(q, result);
		break;
	}
	PQclear(result);
}

void queries_forget(struct list *queries, const void *owner)
{
	LIST_EACH (queries, node, ahead) {
		struct query *q = container_of(node, struct query, node);
		if (q->owner == owner)
			q->done = NULL;
	}
}

void queries_free(struct list *queries)
{
	while (!list_is_empty(queries)) {
		struct query *q = container_of(queries->next, struct query, node);
		list_remove(&q->node);
		query_free(q);
	}
}

static bool send_prepared(struct query *q, PGconn *conn)
{
	struct statement *s = q->statement;
	char name[NAME_SIZE];

	snprintf(name, sizeof name, "s%zu_%u", q->number, s->revision);
	q->prepares = !s->prepared;
	q->left += q->prepares;
	s->prepared = true;
	if (q->prepares && PQsendPrepare(conn, name, s->sql, 0, NULL) != 1)
		return false;
	return PQsendQueryPrepared(conn, name, (int)q->param_count, q->params, NULL, NULL, 0) == 1;
}

static void keep(struct query *q, PGresult *result)
{
	PQclear(q->result); /* the answer to Prepare, or NULL */
	q->result = result;
	q->prepares = false;
}

static void refuse(struct query *q, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (q->shares)
		q->again = true;
	else
		query_fail(q, is_passing(result) ? ERR_DB_AWAY : ERR_DB_REFUSED,
			   text ? text : PQresultErrorMessage(result));
	if (q->statement && (q->prepares || is_stale(q, result)))
		statement_renew(q->statement);
	q->prepares = false;
}

static void skip(struct query *q)
{
	q->again = q->shares;
	if (q->prepares)
		statement_renew(q->statement);
	q->prepares = false;
}

/* The server does not have it, or not as it was meant. */
static void statement_renew(struct statement *s)
{
	s->prepared = false;
	s->revision++;
}

/* Nothing is wrong with the statement: it had no effect, and will have one once somebody has made
 * room, or the server is a primary again (PostgreSQL manual, appendix A). */
static bool is_passing(const PGresult *result)
{
	static const char *const beginnings[] = {
		"53",    /* insufficient resources: disk, memory, connections */
		"58",    /* system error: input and output */
		"25006", /* read-only: a standby, or on its way to be one */
	};
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	for (size_t i = 0; code && i < ARRAY_LEN(beginnings); i++)
		if (strncmp(code, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return false;
}

static bool is_stale(const struct query *q, const PGresult *result)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return q->statement->prepared && code &&
	       (strcmp(code, SQLSTATE_NO_STATEMENT) == 0 ||
		strcmp(code, SQLSTATE_PLAN_CHANGED) == 0);
}
