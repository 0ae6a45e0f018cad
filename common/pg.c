/* SPDX-License-Identifier: Apache-2.0 */
/* libpq in pipeline mode on the loop: the connection, and the queries on it (query.c). A query is
 * waiting (connecting), sent, or settled (its answer is certain, its callback due). libpq is never
 * given a host's name without its address: it would block while it asks for that. */
#include "common/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/query.h"
#include "common/target.h"

#define LOOKUP_NS (5 * NS_PER_S)
#define BACKOFF_MIN_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (2 * NS_PER_S)
#define WHY_MAX 512

enum pg_state { PG_AWAY, PG_CONNECTING, PG_UP };

struct pg {
	struct loop *loop;
	struct target target;
	char **channels;
	char **preamble;
	size_t max_queries, count;
	pg_state_fn *on_state;
	pg_notify_fn *on_notify;
	void *owner;

	enum pg_state state;
	struct lookup *lookup; /* goes on when the attempt is over: one at a time */
	PGconn *conn;
	struct watch *watch;
	struct timer timer; /* of the attempt while connecting, of the next attempt while away */
	int64_t backoff_ns;
	struct list waiting, sent, settled, calling;
	struct statements statements;
	bool told_up, will_settle, broken, closed;
	bool said_away;    /* once per outage: attempts go on every 2 s */
	char why[WHY_MAX]; /* of the last loss */
};

static void try_connect(struct timer *timer, int64_t now_ns);
static void on_found(void *owner, const struct lookup_found *found);
static void connect_to(struct pg *p, const struct lookup_found *found);
static void on_connecting(void *owner, unsigned events);
static void await(struct pg *p, PostgresPollingStatusType wanted);
static void on_attempt_late(struct timer *timer, int64_t now_ns);
static void on_connected(struct pg *p);
static void say_all(struct pg *p);
static void listen_all(struct pg *p);
static void send_direct(struct pg *p, char *sql);
static void on_said(void *owner, enum err err, const struct pg_rows *rows, const char *why);
static void enqueue(struct pg *p, struct query *q);
static void send_query(struct pg *p, struct query *q);
static void flush(struct pg *p);
static void on_ready(void *owner, unsigned events);
static void take_results(struct pg *p);
static void take_notifies(struct pg *p);
static void lose(struct pg *p, const char *why);
static void settle_all(struct pg *p, struct list *queries, enum err err);
static void settle(struct pg *p, struct query *q);
static void will_settle(struct pg *p);
static void settle_due(void *pg);
static void call_back(struct pg *p);
static void free_pg(void *pg);
static void on_notice(void *arg, const PGresult *result);
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
	p->backoff_ns = BACKOFF_MIN_NS;
	p->state = PG_CONNECTING; /* what is asked before the first attempt waits for it */
	list_init(&p->waiting);
	list_init(&p->sent);
	list_init(&p->settled);
	list_init(&p->calling);
	timers_arm(loop_timers(loop), &p->timer, loop_now_ns(loop), try_connect);
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
	struct query *q = query_new(done, owner);

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

void pg_forget(struct pg *p, const void *owner)
{
	queries_forget(&p->waiting, owner);
	queries_forget(&p->sent, owner);
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

static void try_connect(struct timer *timer, int64_t now_ns)
{
	struct pg *p = container_of(timer, struct pg, timer);

	p->state = PG_CONNECTING;
	if (!p->target.hosts) {
		connect_to(p, NULL);
		return;
	}
	timers_arm(loop_timers(p->loop), &p->timer, now_ns + LOOKUP_NS, on_attempt_late);
	if (!p->lookup)
		p->lookup = lookup_open(p->loop, p->target.hosts, p->target.ports, on_found, p);
}

static void on_found(void *owner, const struct lookup_found *found)
{
	struct pg *p = owner;

	if (p->state == PG_CONNECTING && found->count > 0)
		connect_to(p, found);
	else if (p->state == PG_CONNECTING)
		lose(p, found->why);
	lookup_close(&p->lookup); /* too late for its attempt: the next one asks again */
}

static void connect_to(struct pg *p, const struct lookup_found *found)
{
	p->conn = target_connect(&p->target, found);
	PQsetNoticeReceiver(p->conn, on_notice, p);
	if (PQstatus(p->conn) == CONNECTION_BAD) {
		lose(p, PQerrorMessage(p->conn));
		return;
	}
	timers_arm(loop_timers(p->loop), &p->timer,
		   loop_now_ns(p->loop) + target_patience_ns(p->conn), on_attempt_late);
	await(p, PGRES_POLLING_WRITING);
}

static void on_connecting(void *owner, unsigned events)
{
	struct pg *p = owner;

	(void)events;
	watch_close(&p->watch); /* libpq may close this socket and open another one */
	PostgresPollingStatusType wanted = PQconnectPoll(p->conn);
	if (wanted == PGRES_POLLING_FAILED)
		lose(p, PQerrorMessage(p->conn));
	else if (wanted == PGRES_POLLING_OK)
		on_connected(p);
	else
		await(p, wanted);
}

static void await(struct pg *p, PostgresPollingStatusType wanted)
{
	unsigned events = wanted == PGRES_POLLING_READING ? WATCH_READ : WATCH_WRITE;

	p->watch = watch_open(p->loop, PQsocket(p->conn), events, on_connecting, p);
}

static void on_attempt_late(struct timer *timer, int64_t now_ns)
{
	struct pg *p = container_of(timer, struct pg, timer);

	(void)now_ns;
	lose(p, p->conn ? "the server did not answer in time" : "no name server answered in time");
}

static void on_connected(struct pg *p)
{
	timers_disarm(loop_timers(p->loop), &p->timer);
	if (PQsetnonblocking(p->conn, 1) != 0 || PQenterPipelineMode(p->conn) != 1) {
		lose(p, PQerrorMessage(p->conn));
		return;
	}
	p->state = PG_UP;
	p->backoff_ns = BACKOFF_MIN_NS;
	p->watch = watch_open(p->loop, PQsocket(p->conn), WATCH_READ, on_ready, p);
	p->said_away = false;
	log_info("database_up", kv_str("name", p->target.name));
	say_all(p);
	listen_all(p); /* first, so that whatever is read later misses no notification */
	while (p->conn && !list_is_empty(&p->waiting)) {
		struct query *q = container_of(p->waiting.next, struct query, node);
		list_remove(&q->node);
		send_query(p, q);
	}
	will_settle(p); /* says that it is up */
}

static void say_all(struct pg *p)
{
	for (char **text = p->preamble; *text && p->conn; text++)
		send_direct(p, mem_str(*text));
}

static void listen_all(struct pg *p)
{
	for (char **channel = p->channels; *channel && p->conn; channel++) {
		char *quoted = PQescapeIdentifier(p->conn, *channel, strlen(*channel));
		must(quoted);
		size_t size = strlen(quoted) + sizeof "LISTEN ";

		char *sql = mem_new(size);
		snprintf(sql, size, "LISTEN %s", quoted);
		PQfreemem(quoted);
		send_direct(p, sql);
	}
}

/* Takes `sql`. */
static void send_direct(struct pg *p, char *sql)
{
	struct query *q = query_new(on_said, p);

	q->direct = sql;
	p->count++;
	send_query(p, q);
}

static void on_said(void *owner, enum err err, const struct pg_rows *rows, const char *why)
{
	(void)owner;
	(void)rows;
	if (err == ERR_DB_REFUSED)
		log_warn("database_setup_refused", kv_str("why", why));
}

static void enqueue(struct pg *p, struct query *q)
{
	if (p->state == PG_UP && !p->broken) {
		send_query(p, q);
	} else if (p->state == PG_CONNECTING) {
		list_add_last(&p->waiting, &q->node);
	} else {
		query_fail(q, ERR_DB_AWAY, p->why);
		settle(p, q);
	}
}

static void send_query(struct pg *p, struct query *q)
{
	list_add_last(&p->sent, &q->node);
	if (query_send(q, p->conn)) {
		flush(p);
	} else { /* noticed here, but told from the loop */
		p->broken = true;
		will_settle(p);
	}
}

static void flush(struct pg *p)
{
	int left = PQflush(p->conn);

	if (left < 0) {
		p->broken = true;
		will_settle(p);
		return;
	}
	watch_set(p->watch, left > 0 ? WATCH_READ | WATCH_WRITE : WATCH_READ);
}

static void on_ready(void *owner, unsigned events)
{
	struct pg *p = owner;
	bool alive = true;

	if (events & WATCH_READ)
		alive = PQconsumeInput(p->conn) == 1;
	take_results(p); /* also what came before the end */
	call_back(p);    /* an answer may be older than a notification, never the other way round */
	take_notifies(p);
	if (!p->closed && (!alive || PQstatus(p->conn) == CONNECTION_BAD))
		lose(p, PQerrorMessage(p->conn));
	else if (!p->closed)
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
		struct query *q = container_of(p->sent.next, struct query, node);
		if (result && query_take(q, result)) {
			list_remove(&q->node);
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

static void lose(struct pg *p, const char *why)
{
	watch_close(&p->watch);
	keep_why(p, why);
	PQfinish(p->conn);
	p->conn = NULL;
	p->broken = false;
	p->state = PG_AWAY;
	statements_forget(&p->statements);
	settle_all(p, &p->sent, ERR_DB_UNKNOWN);
	settle_all(p, &p->waiting, ERR_DB_AWAY);
	timers_arm(loop_timers(p->loop), &p->timer, loop_now_ns(p->loop) + p->backoff_ns,
		   try_connect);
	p->backoff_ns = p->backoff_ns * 2 < BACKOFF_MAX_NS ? p->backoff_ns * 2 : BACKOFF_MAX_NS;
	log_at(p->said_away ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "database_away",
	       kv_str("name", p->target.name), kv_str("why", p->why),
	       kv_str("do",
		      "is PostgreSQL running, and is database.url (MOOT_DATABASE_URL) right?"),
	       KV_DONE);
	p->said_away = true;
	will_settle(p);
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
	will_settle(p);
}

static void will_settle(struct pg *p)
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
		lose(p, PQerrorMessage(p->conn));
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
static void on_notice(void *arg, const PGresult *result)
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
