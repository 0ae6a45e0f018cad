/* SPDX-License-Identifier: Apache-2.0 */
/* A commit whose wait for its synchronous standby was cancelled: the journal, its store, and a real
 * PostgreSQL that waits for a standby which nobody is. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/buf.h"
#include "common/mem.h"
#include "proto/slot.h"
#include "roomd/journal.h"
#include "roomd/store_pg.h"
#include "tests/lib/cluster.h"
#include "tests/lib/until.h"

enum { PATIENCE_MS = 15000 };

#define ROOM "submission:r"
#define SELF ((incarnation_id){1})
#define WAITING "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

static struct cluster *cluster;

struct desk {
	struct loop *loop;
	struct store *store;
	struct journal *journal;
	PGconn *admin;
	struct buf told;
	const char *wanted;
	bool warned;
};

static long long ask(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	long long value = PQntuples(r) > 0 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;

	PQclear(r);
	return value;
}

static void note(struct desk *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void note(struct desk *d, const char *fmt, ...)
{
	char line[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (d->told.len > 0)
		buf_put_str(&d->told, "; ");
	buf_put_str(&d->told, line);
}

static void on_event(void *owner, struct span room, const struct store_event *e)
{
	(void)room;
	note(owner, "event %" PRIu64, e->seq);
}

static void on_ack(void *owner, const struct journal_asker *a)
{
	note(owner, "ack %" PRIu64, a->event->seq);
}

static void on_refused(void *owner, const struct journal_asker *a, enum err why)
{
	(void)a;
	note(owner, "refused %s", err_name(why));
}

static void on_conflict(void *owner, const struct journal_asker *a, const struct store_newer *n)
{
	(void)a, (void)n;
	note(owner, "conflict");
}

static void on_head(void *owner, struct span room, const struct store_head *head)
{
	(void)room;
	note(owner, "head %" PRIu64, head->seq);
}

static void on_fenced(void *owner, unsigned slot)
{
	(void)slot;
	note(owner, "fenced");
}

static void on_taken(void *owner, uint64_t version, const struct store_slot *slots, size_t count)
{
	(void)version, (void)slots;
	note(owner, "retaken %zu", count);
}

static void on_state(void *owner, bool up, const char *why)
{
	(void)owner, (void)up, (void)why;
}

static void on_published(void *owner)
{
	(void)owner;
}

static void on_hint(void *owner, uint64_t version)
{
	(void)owner, (void)version;
}

static bool on_turn(void *owner, int64_t now_ns)
{
	struct desk *d = owner;

	if (d->journal)
		journal_turn(d->journal, 0, now_ns);
	return false;
}

static bool is_up(void *what)
{
	return store_is_up(((struct desk *)what)->store);
}

static bool is_told(void *what)
{
	const struct desk *d = what;

	return d->told.len == strlen(d->wanted) && memcmp(d->told.p, d->wanted, d->told.len) == 0;
}

static bool is_waiting(void *what)
{
	return ask(((struct desk *)what)->admin, WAITING) > 0;
}

/* Others see it once its commit waits no more. */
static bool is_committed(void *what)
{
	return ask(((struct desk *)what)->admin, "SELECT count(*) FROM event") > 0;
}

static void told(struct desk *d, const char *expected)
{
	d->wanted = expected;
	if (!loop_until(d->loop, PATIENCE_MS, is_told, d))
		fail_msg("told \"%.*s\", not \"%s\"", (int)d->told.len, (const char *)d->told.p,
			 expected);
	buf_clear(&d->told);
}

static void on_notice(void *arg, const PGresult *r)
{
	(void)r;
	*(bool *)arg = true;
}

/* Cancelled if it waits; true: it did. */
static bool probe_waits(struct desk *d)
{
	PGcancel *cancel = PQgetCancel(d->admin);
	char why[256];
	PGresult *r;

	d->warned = false;
	assert_int_equal(PQsendQuery(d->admin, "INSERT INTO probe VALUES (1)"), 1);
	for (int i = 0; i < 10 && PQisBusy(d->admin); i++) {
		usleep(10000);
		assert_int_equal(PQconsumeInput(d->admin), 1);
	}
	if (PQisBusy(d->admin))
		assert_int_equal(PQcancel(cancel, why, sizeof why), 1);
	PQfreeCancel(cancel);
	while ((r = PQgetResult(d->admin)))
		PQclear(r);
	return d->warned;
}

/* A reload reaches the processes one by one: until a commit really waits, or really does not. */
static void set_standby(struct desk *d, const char *name)
{
	char sql[128];
	bool wanted = name[0] != '\0';

	snprintf(sql, sizeof sql, "ALTER SYSTEM SET synchronous_standby_names = '%s'", name);
	ask(d->admin, sql);
	ask(d->admin, "SELECT pg_reload_conf()");
	for (int i = 0; i < 100; i++) {
		if (probe_waits(d) == wanted)
			return;
		usleep(20000);
	}
	fail_msg("synchronous_standby_names is not in force");
}

static int start_cluster(void **state)
{
	(void)state;
	cluster = cluster_new();
	return cluster && cluster_migrate(cluster) ? 0 : -1;
}

static int stop_cluster(void **state)
{
	(void)state;
	cluster_free(&cluster);
	return 0;
}

static int open_desk(void **state)
{
	struct desk *d = mem_new(sizeof *d);
	unsigned slot = slot_of(SPAN(ROOM));
	char sql[256];

	buf_init(&d->told, 4096);
	d->admin = PQconnectdb(cluster_url(cluster));
	assert_int_equal(PQstatus(d->admin), CONNECTION_OK);
	PQsetNoticeReceiver(d->admin, on_notice, &d->warned);
	ask(d->admin, "CREATE TABLE IF NOT EXISTS probe (n int)");
	ask(d->admin, "INSERT INTO member VALUES (1, 'shard', 'a', '', 'active')");
	snprintf(sql, sizeof sql, "UPDATE slot SET owner = 1, epoch = 1 WHERE slot = %u", slot);
	ask(d->admin, sql);
	d->loop = loop_new();
	d->store = store_open(d->loop, cluster_url(cluster), "test",
			      &(struct store_hooks){.on_state = on_state,
						    .on_hint = on_hint,
						    .on_published = on_published,
						    .owner = d});
	assert_true(loop_until(d->loop, PATIENCE_MS, is_up, d));
	d->journal = journal_new(&(struct journal_setup){
		.self = SELF,
		.store = d->store,
		.hooks = {on_event, on_ack, on_refused, on_conflict, on_head, on_fenced, on_taken,
			  d},
	});
	journal_gain(d->journal, slot, 1);
	loop_on_turn(d->loop, on_turn, d);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	set_standby(d, "");
	journal_free(&d->journal);
	store_close(&d->store);
	loop_for(d->loop, 1);
	loop_free(&d->loop);
	buf_fini(&d->told);
	PQfinish(d->admin);
	mem_free(d);
	return 0;
}

static void stage(struct desk *d, uint64_t pseq)
{
	const struct store_event e = {.producer = SPAN("p"), .pseq = pseq, .body = SPAN("{}")};

	assert_int_equal(journal_stage(d->journal, &(struct journal_asker){{9}, SPAN(ROOM), &e},
				       loop_now_ns(d->loop)),
			 OK);
}

static void cancelled_wait_for_a_standby_is_no_ack(void **state)
{
	struct desk *d = *state;
	struct store_head head;

	(void)journal_watch(d->journal, SPAN(ROOM), &head);
	told(d, "head 0");
	set_standby(d, "nobody");
	stage(d, 1);
	assert_true(loop_until(d->loop, PATIENCE_MS, is_waiting, d));
	assert_int_equal(d->told.len, 0);

	ask(d->admin, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
		      "WHERE wait_event = 'SyncRep'");
	assert_true(loop_until(d->loop, PATIENCE_MS, is_committed, d));
	assert_true(loop_until(d->loop, PATIENCE_MS, is_waiting, d)); /* now for the TAKE */
	assert_int_equal(d->told.len, 0);
	set_standby(d, "");

	told(d, "retaken 1; head 1; ack 1");
	assert_int_equal(ask(d->admin, "SELECT count(*) FROM event"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cancelled_wait_for_a_standby_is_no_ack),
	};

	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
