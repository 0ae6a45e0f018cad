/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection to PostgreSQL comes up. libpq is never given a host's name without its address:
 * it would block while it asks for that. */
#include "common/pg_inside.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

#define LOOKUP_NS (5 * NS_PER_S)

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

void pg_connect(struct timer *timer, int64_t now_ns)
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
		pg_lose(p, found->why);
	lookup_close(&p->lookup); /* too late for its attempt: the next one asks again */
}

static void connect_to(struct pg *p, const struct lookup_found *found)
{
	p->conn = target_connect(&p->target, found);
	PQsetNoticeReceiver(p->conn, pg_on_notice, p);
	if (PQstatus(p->conn) == CONNECTION_BAD) {
		pg_lose(p, PQerrorMessage(p->conn));
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
		pg_lose(p, PQerrorMessage(p->conn));
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
	pg_lose(p,
		p->conn ? "the server did not answer in time" : "no name server answered in time");
}

static void on_connected(struct pg *p)
{
	timers_disarm(loop_timers(p->loop), &p->timer);
	if (PQsetnonblocking(p->conn, 1) != 0 || PQenterPipelineMode(p->conn) != 1) {
		pg_lose(p, PQerrorMessage(p->conn));
		return;
	}
	p->state = PG_UP;
	p->backoff_ns = PG_BACKOFF_MIN_NS;
	p->watch = watch_open(p->loop, PQsocket(p->conn), WATCH_READ | p->haste, pg_on_ready, p);
	p->said_away = false;
	log_info("database_up", kv_str("name", p->target.name));
	say_all(p);
	listen_all(p); /* first, so that whatever is read later misses no notification */
	while (p->conn && !list_is_empty(&p->waiting)) {
		struct query *q = container_of(p->waiting.next, struct query, node);
		list_remove(&q->node);
		pg_send(p, q);
	}
	pg_will_settle(p); /* says that it is up */
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
	pg_send(p, q);
}

static void on_said(void *owner, enum err err, const struct pg_rows *rows, const char *why)
{
	(void)owner;
	(void)rows;
	if (err == ERR_DB_REFUSED)
		log_warn("database_setup_refused", kv_str("why", why));
}
