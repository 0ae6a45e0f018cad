/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a connection to PostgreSQL, for pg.c (the queries on it, and its loss) and
 * pg_connect.c (how it comes up). Nobody else includes this. */
#pragma once

#include "common/lookup.h"
#include "common/pg.h"
#include "common/query.h"
#include "common/target.h"

#define PG_WHY_MAX 512
#define PG_BACKOFF_MIN_NS (100 * NS_PER_MS)
#define PG_BACKOFF_MAX_NS (2 * NS_PER_S)

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
	unsigned haste;     /* WATCH_URGENT, or nothing */
	struct timer timer; /* of the attempt while connecting, of the next attempt while away */
	int64_t backoff_ns;
	struct list waiting, sent, answered, settled, calling;
	struct query *open; /* of `sent` the last one, while its group has no Sync */
	struct statements statements;
	bool told_up, will_settle, will_end_group, broken, closed;
	bool said_away;       /* once per outage: attempts go on every 2 s */
	char why[PG_WHY_MAX]; /* of the last loss */
};

void pg_connect(struct timer *timer, int64_t now_ns);
void pg_on_ready(void *owner, unsigned events); /* of a connection that is up */
void pg_on_notice(void *pg, const PGresult *result);
void pg_send(struct pg *p, struct query *q);
void pg_lose(struct pg *p, const char *why); /* and try again by and by */
void pg_will_settle(struct pg *p);           /* from the loop: callbacks, and what was noticed */
