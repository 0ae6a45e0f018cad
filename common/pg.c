/* SPDX-License-Identifier: Apache-2.0 */
/* libpq in pipeline mode on the loop: the queries on a connection (query.c), and its loss. A query
 * is waiting (connecting), sent, answered (but the Sync of its group is not), or settled (its
 * answer is certain, its callback due). */
#include "common/pg_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

static void submit(struct pg *p, struct query *q, const char *sql, const struct span *params,
		   size_t count);
static void enqueue(struct pg *p, struct query *q);
static void will_end_group(struct pg *p);
static void end_group(struct pg *p);
static void end_group_due(void *pg);
static void flush(struct pg *p);
static void take_results(struct pg *p);
static void take_result(struct pg *p, PGresult *result);
static void answer_group(struct pg *p);
static void take_notifies(struct pg *p);
static void settle_all(struct pg *p, struct list *queries, enum err err);
static void settle(struct pg *p, struct query *q);
static void settle_due(void *pg);
static void call_back(struct pg *p);
static void free_pg(void *pg);
static void keep_why(struct pg *p, const char *why);

struct pg *pg_open(struct loop *loop, const struct pg_options *opt)
{
	struct pg *p = mem_new(sizeof *p);

	p->loop = loop;
	target_init(&p->target, opt->url, opt->name);
	p->channels = mem_texts(opt->channels);
	p->preamble = mem_texts(opt->preamble);
	p->max_queries = opt->max_queries;
	p->on_state = opt->on_state;
	p->on_notify = opt->on_notify;
	p->owner = opt->owner;
	p->haste = opt->is_urgent ? WATCH_URGENT : 0;
	p->backoff_ns = PG_BACKOFF_MIN_NS;
	p->state = PG_CONNECTING; /* what is asked before the first attempt waits for it */
	list_init(&p->waiting);
	list_init(&p->sent);
	list_init(&p->answered);
	list_init(&p->settled);
	list_init(&p->calling);
	timers_arm(loop_timers(loop), &p->timer, loop_now_ns(loop), pg_connect);
	return p;
}

void pg_close(struct pg **pg)
{
	struct pg *p = *pg;

	if (!p)
		return;
	*pg = NULL;
	p->closed = true;
	watch_close(&p->watch);
	lookup_close(&p->lookup);
	timers_disarm(loop_timers(p->loop), &p->timer);
	loop_reap(p->loop, free_pg, p);
}

bool pg_is_up(const struct pg *p)
{
	return p->state == PG_UP;
}

void pg_query(struct pg *p, const char *sql, const struct span *params, size_t count,
	      pg_done_fn *done, void *owner)
{
	submit(p, query_new(done, owner), sql, params, count);
}

void pg_ask(struct pg *p, const char *sql, const struct span *params, size_t count,
	    pg_done_fn *done, void *owner)
{
	struct query *q = query_new(done, owner);

	q->shares = true;
	submit(p, q, sql, params, count);
}

void pg_forget(struct pg *p, const void *owner)
{
	queries_forget(&p->waiting, owner);
	queries_forget(&p->sent, owner);
	queries_forget(&p->answered, owner);
	queries_forget(&p->settled, owner);
	queries_forget(&p->calling, owner);
}

size_t pg_count(const struct pg_rows *rows)
{
	return (size_t)PQntuples(rows->result);
}

bool pg_is_null(const struct pg_rows *rows, size_t row, size_t col)
{
	return PQgetisnull(rows->result, (int)row, (int)col) != 0;
}

struct span pg_text(const struct pg_rows *rows, size_t row, size_t col)
{
	int len = PQgetlength(rows->result, (int)row, (int)col);

	return span_of(PQgetvalue(rows->result, (int)row, (int)col), (size_t)len);
}

int64_t pg_int(const struct pg_rows *rows, size_t row, size_t col)
{
	return strtoll(PQgetvalue(rows->result, (int)row, (int)col), NULL, 10);
}

static void submit(struct pg *p, struct query *q, const char *sql, const struct span *params,
		   size_t count)
{
	p->count++;
	query_set_statement(q, &p->statements, sql);
	if (!query_set_params(q, params, count)) {
		query_fail(q, ERR_DB_REFUSED, "a parameter holds a NUL byte");
		settle(p, q);
	} else if (p->count > p->max_queries) {
		query_fail(q, ERR_DB_AWAY, "too many queries wait");
		settle(p, q);
	} else {
		enqueue(p, q);
	}
}

static void enqueue(struct pg *p, struct query *q)
{
	if (p->state == PG_UP && !p->broken) {
		pg_send(p, q);
	} else if (p->state == PG_CONNECTING) {
		list_add_last(&p->waiting, &q->node);
	} else {
		query_fail(q, ERR_DB_AWAY, p->why);
		settle(p, q);
	}
}

void pg_send(struct pg *p, struct query *q)
{
	if (!q->shares)
		end_group(p);
	list_add_last(&p->sent, &q->node);
	p->open = q;
	if (!query_send(q, p->conn)) { /* noticed here, but told from the loop */
		p->broken = true;
		pg_will_settle(p);
	}
	if (q->shares)
		will_end_group(p);
	else
		end_group(p);
}

static void will_end_group(struct pg *p)
{
	if (p->will_end_group)
		return;
	p->will_end_group = true;
	loop_reap(p->loop, end_group_due, p);
}

static void end_group(struct pg *p)
{
	struct query *last = p->open;

	p->open = NULL;
	if (!last || p->broken)
		return;
	if (query_sync(last, p->conn)) {
		flush(p);
	} else {
		p->broken = true;
		pg_will_settle(p);
	}
}

static void end_group_due(void *pg)
{
	struct pg *p = pg;

	p->will_end_group = false;
	if (!p->closed)
		end_group(p);
}

static void flush(struct pg *p)
{
	int left = PQflush(p->conn);

	if (left < 0) {
		p->broken = true;
		pg_will_settle(p);
		return;
	}
	watch_set(p->watch, p->haste | (left > 0 ? WATCH_READ | WATCH_WRITE : WATCH_READ));
}

void pg_on_ready(void *owner, unsigned events)
{
	struct pg *p = owner;
	bool alive = true;

	end_group(p); /* what has an answer is not added to */
	if (events & WATCH_READ)
		alive = PQconsumeInput(p->conn) == 1;
	take_results(p); /* also what came before the end */
	call_back(p);    /* an answer may be older than a notification, never the other way round */
	take_notifies(p);
	if (!p->closed && (!alive || PQstatus(p->conn) == CONNECTION_BAD))
		pg_lose(p, PQerrorMessage(p->conn));
	else if (!p->closed && !p->open) /* it goes with its Sync */
		flush(p);
	if (!p->closed)
		call_back(p);
}

/* libpq gives a NULL after the results of each command; two in a row mean that nothing is left. */
static void take_results(struct pg *p)
{
	bool was_null = false;

	while (!list_is_empty(&p->sent) && !PQisBusy(p->conn)) {
		PGresult *result = PQgetResult(p->conn);

		if (!result && was_null)
			return;
		was_null = !result;
		if (result && PQstatus(p->conn) == CONNECTION_BAD) {
			PQclear(result); /* libpq's own words about the loss, not an answer */
			return;
		}
		take_result(p, result);
	}
}

static void take_result(struct pg *p, PGresult *result)
{
	struct query *q = container_of(p->sent.next, struct query, node);
	bool is_sync = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;

	query_take(q, result);
	if (!is_sync && (q->left > 0 || q->synced))
		return;
	list_remove(&q->node);
	list_add_last(&p->answered, &q->node);
	if (is_sync)
		answer_group(p);
}

/* Those that failed with it go again, each by itself. */
static void answer_group(struct pg *p)
{
	LIST_EACH (&p->answered, node, ahead) {
		struct query *q = container_of(node, struct query, node);

		list_remove(&q->node);
		if (q->again) {
			query_reset(q);
			q->shares = false;
			pg_send(p, q);
		} else {
			settle(p, q);
		}
	}
}

static void take_notifies(struct pg *p)
{
	PGnotify *n;

	while (!p->closed && (n = PQnotifies(p->conn)) != NULL) {
		if (p->on_notify)
			p->on_notify(p->owner, n->relname, span_str(n->extra));
		PQfreemem(n);
	}
}

void pg_lose(struct pg *p, const char *why)
{
	watch_close(&p->watch);
	keep_why(p, why);
	PQfinish(p->conn);
	p->conn = NULL;
	p->open = NULL;
	p->broken = false;
	p->state = PG_AWAY;
	statements_forget(&p->statements);
	settle_all(p, &p->answered, ERR_DB_UNKNOWN);
	settle_all(p, &p->sent, ERR_DB_UNKNOWN);
	settle_all(p, &p->waiting, ERR_DB_AWAY);
	timers_arm(loop_timers(p->loop), &p->timer, loop_now_ns(p->loop) + p->backoff_ns,
		   pg_connect);
	p->backoff_ns =
		p->backoff_ns * 2 < PG_BACKOFF_MAX_NS ? p->backoff_ns * 2 : PG_BACKOFF_MAX_NS;
	log_at(p->said_away ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "database_away",
	       kv_str("name", p->target.name), kv_str("why", p->why),
	       kv_str("do",
		      "is PostgreSQL running, and is database.url (MOOT_DATABASE_URL) right?"),
	       KV_DONE);
	p->said_away = true;
	pg_will_settle(p);
}

static void settle_all(struct pg *p, struct list *queries, enum err err)
{
	while (!list_is_empty(queries)) {
		struct query *q = container_of(queries->next, struct query, node);
		list_remove(&q->node);
		query_reset(q);
		query_fail(q, err, p->why);
		settle(p, q);
	}
}

static void settle(struct pg *p, struct query *q)
{
	list_add_last(&p->settled, &q->node);
	pg_will_settle(p);
}

void pg_will_settle(struct pg *p)
{
	if (p->will_settle)
		return;
	p->will_settle = true;
	loop_reap(p->loop, settle_due, p);
}

static void settle_due(void *pg)
{
	struct pg *p = pg;

	p->will_settle = false;
	if (p->broken && !p->closed)
		pg_lose(p, PQerrorMessage(p->conn));
	call_back(p);
}

/* State first: whoever hears of a failed query already knows that the connection is gone. Ends with
 * the queries of now, so that a callback that asks again at once cannot hold the loop. */
static void call_back(struct pg *p)
{
	if (!p->closed && p->told_up != pg_is_up(p)) {
		p->told_up = !p->told_up;
		if (p->on_state)
			p->on_state(p->owner, p->told_up, p->told_up ? "" : p->why);
	}
	while (!list_is_empty(&p->settled)) {
		struct list *first = p->settled.next;
		list_remove(first);
		list_add_last(&p->calling, first);
	}
	while (!p->closed && !list_is_empty(&p->calling)) {
		struct query *q = container_of(p->calling.next, struct query, node);
		struct pg_rows rows = {q->result};

		list_remove(&q->node);
		p->count--;
		if (q->done)
			q->done(q->owner, q->err, q->err == OK ? &rows : NULL,
				q->why ? q->why : "");
		query_free(q);
	}
}

static void free_pg(void *pg)
{
	struct pg *p = pg;

	queries_free(&p->waiting);
	queries_free(&p->sent);
	queries_free(&p->answered);
	queries_free(&p->settled);
	queries_free(&p->calling);
	PQfinish(p->conn);
	mem_free_texts(p->channels);
	mem_free_texts(p->preamble);
	target_fini(&p->target);
	mem_free(p);
}

/* Of the first one that was sent and not settled: a commit says this between the result of its
 * statement and its Sync. The function's name, because the text comes in the server's language. */
void pg_on_notice(void *arg, const PGresult *result)
{
	struct pg *p = arg;
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *source = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

	log_debug("database_notice", kv_str("text", text ? text : ""));
	if (source && !strcmp(source, "SyncRepWaitForLSN") && !list_is_empty(&p->sent))
		container_of(p->sent.next, struct query, node)->unsure = true;
}

/* The first line: libpq's messages end with a newline and may go on with advice. */
static void keep_why(struct pg *p, const char *why)
{
	snprintf(p->why, sizeof p->why, "%.*s", (int)strcspn(why, "\n"), why);
}
