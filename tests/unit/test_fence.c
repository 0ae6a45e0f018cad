/* SPDX-License-Identifier: Apache-2.0 */
/* moot_append of roomd/schema on a real PostgreSQL, with two connections that wait for each
 * other: what a former owner still writes never comes between the new owner's head and its first
 * event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/base.h"
#include "tests/lib/cluster.h"

enum { PATIENCE_MS = 10000 };

/* The same append without the lock: what a plain conditional insert would do. */
#define UNFENCED                                                                                   \
	"INSERT INTO event SELECT 7, 'submission:r', 1, 'p', 5, '', '', '{}', now()"               \
	" FROM slot s, pg_sleep(0.5) WHERE s.slot = 7 AND s.owner = 1 AND s.epoch = 1"
#define KEY_SHARED                                                                                 \
	"WITH fence AS MATERIALIZED (SELECT slot FROM slot WHERE slot = 7 AND owner = 1 AND "      \
	"epoch = 1 FOR KEY SHARE) INSERT INTO event SELECT 7, 'submission:r', 1, 'p', 5, '', "     \
	"'', '{}', "                                                                               \
	"now() FROM fence, pg_sleep(0.5)"

static struct cluster *cluster;

struct pair {
	PGconn *old, *new;
};

static PGconn *connect_to(void)
{
	PGconn *c = PQconnectdb(cluster_url(cluster));

	assert_int_equal(PQstatus(c), CONNECTION_OK);
	return c;
}

static long long ask(PGconn *c, const char *sql)
{
	PGresult *r = PQexec(c, sql);
	ExecStatusType status = PQresultStatus(r);
	long long value = 0;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(r));
	if (status == PGRES_TUPLES_OK && PQntuples(r) > 0)
		value = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return value;
}

static void say(PGconn *c, const char *sql)
{
	assert_int_equal(PQsendQuery(c, sql), 1);
}

/* True: what was said has succeeded. */
static bool hear(PGconn *c)
{
	bool good = true;
	PGresult *r;

	while ((r = PQgetResult(c))) {
		ExecStatusType status = PQresultStatus(r);

		good = good && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
		PQclear(r);
	}
	return good;
}

static void wait_until(PGconn *c, const char *sql)
{
	for (int ms = 0; !ask(c, sql); ms += 5) {
		assert_true(ms < PATIENCE_MS);
		usleep(5000);
	}
}

/* Until some connection waits for a lock of another. */
static void wait_blocked(PGconn *c)
{
	wait_until(c, "SELECT count(*) FROM pg_locks WHERE NOT granted");
}

static void wait_asleep(PGconn *c)
{
	wait_until(c, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
}

static const char *append(char *out, size_t size, int owner, int epoch, int head, int pseq)
{
	snprintf(out, size,
		 "SELECT count(place) FROM moot_append(%d, '{7}', '{%d}', '{7}', '{submission:r}', "
		 "'{%d}', '{p}', '{%d}', '{\"\"}', '{\"\"}', '{\"{}\"}', '{0}', '{\"\"}', '{0}', "
		 "'{\"\"}', '{0}', 100)",
		 owner, epoch, head, pseq);
	return out;
}

static long long head(PGconn *c)
{
	return ask(c, "SELECT seq FROM moot_heads('{7}', '{submission:r}')");
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

/* Slot 7 is 1's under epoch 1; 1 and 2 are active. */
static int open_pair(void **state)
{
	struct pair *p = test_calloc(1, sizeof *p);

	p->old = connect_to();
	p->new = connect_to();
	ask(p->new, "DELETE FROM event");
	ask(p->new, "DELETE FROM member");
	ask(p->new, "INSERT INTO member (incarnation, kind, name, state) VALUES"
		    " (1, 'shard', 'a', 'active'), (2, 'shard', 'b', 'active')");
	ask(p->new, "UPDATE slot SET owner = NULL, epoch = 0");
	ask(p->new, "UPDATE slot SET owner = 1, epoch = 1 WHERE slot = 7");
	*state = p;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *p = *state;

	PQfinish(p->old);
	PQfinish(p->new);
	test_free(p);
	return 0;
}

static void append_numbers_in_order_and_answers_with_the_first_number_again(void **state)
{
	struct pair *p = *state;
	char sql[512];

	assert_int_equal(ask(p->old, append(sql, sizeof sql, 1, 1, 0, 5)), 1);
	assert_int_equal(ask(p->old, append(sql, sizeof sql, 1, 1, 1, 6)), 1);
	assert_int_equal(ask(p->old, append(sql, sizeof sql, 1, 1, 2, 5)), 1);

	assert_int_equal(head(p->new), 2);
	assert_int_equal(ask(p->new, "SELECT seq FROM event WHERE pseq = 5"), 1);
}

static void append_under_an_old_epoch_stores_nothing(void **state)
{
	struct pair *p = *state;
	char sql[512];

	assert_int_equal(ask(p->new, "SELECT epoch FROM moot_take(1, '{7}', 0)"), 2);
	assert_int_equal(ask(p->old, append(sql, sizeof sql, 1, 1, 0, 5)), 0);

	assert_int_equal(head(p->new), 0);
}

static void append_of_a_batch_stores_the_slots_that_are_still_held(void **state)
{
	struct pair *p = *state;

	long long passed =
		ask(p->old, "SELECT count(place) FROM moot_append(1, '{7,8}', '{1,1}',"
			    " '{8,7}', '{submission:q,submission:r}', '{0,0}', '{p,p}',"
			    " '{1,2}', '{\"\",\"\"}', '{\"\",\"\"}', '{\"{}\",\"{}\"}', '{0,0}')");

	assert_int_equal(passed, 1);
	assert_int_equal(ask(p->new, "SELECT count(*) FROM event"), 1);
	assert_int_equal(head(p->new), 1);
}

/* ASSIGN holds the row; the append of the former owner waits for it, and finds its slot gone. */
static void append_that_waited_for_an_assign_stores_nothing(void **state)
{
	struct pair *p = *state;
	PGconn *third = connect_to();
	char sql[512];

	ask(p->new, "BEGIN");
	ask(p->new, "SELECT slot FROM moot_assign('{7}', '{1}', '{2}', 0)");
	say(p->old, append(sql, sizeof sql, 1, 1, 0, 5));
	wait_blocked(third);
	ask(p->new, "COMMIT");
	long long new_head = head(p->new);
	assert_true(hear(p->old));

	assert_int_equal(new_head, 0);
	assert_int_equal(head(p->new), 0);
	assert_int_equal(ask(p->new, append(sql, sizeof sql, 2, 2, 0, 1)), 1);
	assert_int_equal(head(p->new), 1);
	PQfinish(third);
}

/* The append came first: ASSIGN waits until it is committed, and the head that is read then has it.
 */
static void assign_waits_for_an_append_that_came_first(void **state)
{
	struct pair *p = *state;
	PGconn *third = connect_to();
	char sql[512];

	ask(p->old, "BEGIN");
	ask(p->old, append(sql, sizeof sql, 1, 1, 0, 5));
	say(p->new, "SELECT slot FROM moot_assign('{7}', '{1}', '{2}', 0)");
	wait_blocked(third);
	ask(p->old, "COMMIT");

	assert_true(hear(p->new));
	assert_int_equal(head(p->new), 1);
	PQfinish(third);
}

static void assign_gives_up_on_a_lock_that_is_not_given_back(void **state)
{
	struct pair *p = *state;
	char sql[512];

	ask(p->old, "BEGIN");
	ask(p->old, append(sql, sizeof sql, 1, 1, 0, 5));
	say(p->new, "SELECT slot FROM moot_assign('{7}', '{1}', '{2}', 0)");

	assert_false(hear(p->new));
	ask(p->old, "ROLLBACK");
}

static void take_is_for_the_living_and_for_owners_only(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ask(p->new, "SELECT count(*) FROM moot_take(2, '{7}', 0)"), 0);
	ask(p->new, "UPDATE member SET state = 'draining' WHERE incarnation = 1");
	assert_int_equal(ask(p->new, "SELECT count(*) FROM moot_take(1, '{7}', 0)"), 1);
	ask(p->new, "UPDATE member SET state = 'dead' WHERE incarnation = 1");
	assert_int_equal(ask(p->new, "SELECT count(*) FROM moot_take(1, '{7}', 0)"), 0);
}

/* From slot 7, as owner 1. */
static long long append_edit(PGconn *c, int head, int pseq, int base, const char *field,
			     const char *what)
{
	char sql[1024];

	snprintf(
		sql, sizeof sql,
		"SELECT coalesce(%s, 0) FROM moot_append(1, '{7}', '{1}', '{7}', '{submission:r}', "
		"'{%d}', '{p}', '{%d}', '{edited}', '{\"\"}', '{\"{}\"}', '{0}', '{\"\"}', '{1}', "
		"'{%s}', '{%d}', 100) WHERE place = 1",
		what, head, pseq, field, base);
	return ask(c, sql);
}

static void edit_of_what_was_not_seen_is_left_out_and_told_what_is_newer(void **state)
{
	struct pair *p = *state;

	assert_int_equal(append_edit(p->old, 0, 1, 0, "title", "seq"), 1);
	assert_int_equal(append_edit(p->old, 1, 2, 1, "body", "seq"), 2);
	assert_int_equal(append_edit(p->old, 2, 3, 1, "title", "newer"), 1);
	assert_int_equal(append_edit(p->old, 2, 3, 2, "title", "seq"), 3);

	assert_int_equal(append_edit(p->old, 3, 4, 2, "title", "newer"), 3);
	assert_int_equal(ask(p->new, "SELECT count(*) FROM event"), 3);
}

static void edit_said_again_is_never_its_own_conflict(void **state)
{
	struct pair *p = *state;

	assert_int_equal(append_edit(p->old, 0, 1, 1, "title", "seq"), 1);
	assert_int_equal(append_edit(p->old, 1, 2, 2, "title", "seq"), 2);

	assert_int_equal(append_edit(p->old, 2, 1, 1, "title", "seq"), 1);
	assert_int_equal(append_edit(p->old, 2, 1, 1, "title", "newer"), 0);
}

static void event_behind_a_conflict_of_its_batch_has_the_next_number(void **state)
{
	struct pair *p = *state;

	assert_int_equal(append_edit(p->old, 0, 1, 0, "title", "seq"), 1);

	assert_int_equal(
		ask(p->old,
		    "SELECT sum(seq) FROM moot_append(1, '{7}', '{1}', '{7,7}', "
		    "'{submission:r,submission:r}', '{1,1}', '{p,p}', '{2,3}', '{edited,edited}', "
		    "'{\"\",\"\"}', '{\"{}\",\"{}\"}', '{0,0}', '{\"\",\"\"}', '{1,1}', "
		    "'{title,other}', '{1,0}', 100)"),
		2);
	assert_int_equal(head(p->new), 2);
}

/* While the planner knows little of the table it must not take another index, and read all events
 * of the room for each new one. */
static void whether_an_event_was_stored_is_looked_up_without_reading_its_room(void **state)
{
	enum { EVENTS = 200 };
	static const char read[] =
		"SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'event'";
	struct pair *p = *state;

	ask(p->old, "SELECT pg_stat_force_next_flush()");
	long long before = ask(p->old, read);
	ask(p->old,
	    "DO $$ BEGIN FOR n IN 1..200 LOOP"
	    " PERFORM FROM moot_append(1, '{7}', '{1}', '{7}', '{submission:r}', ARRAY[n - 1],"
	    " '{p}', ARRAY[n], '{said}', '{ann}', '{\"{}\"}', '{0}', '{Ann}', '{1}', '{\"\"}',"
	    " '{0}', '{0}', 100);"
	    " END LOOP; END $$");
	ask(p->old, "SELECT pg_stat_force_next_flush()");

	assert_int_equal(head(p->new), EVENTS);
	assert_in_range(ask(p->old, read) - before, 0, 2 * EVENTS);
}

/* One page's answer, as "seqs first head more". */
static void page_is(PGconn *c, const char *arguments, const char *expected)
{
	char sql[512];

	snprintf(sql, sizeof sql,
		 "SELECT concat_ws(' ', coalesce(string_agg(seq::text, ',' ORDER BY seq), '-'), "
		 "min(first), min(head), bool_or(more)) FROM moot_page(7, 'submission:r', %s)",
		 arguments);
	PGresult *r = PQexec(c, sql);
	assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
	assert_string_equal(PQgetvalue(r, 0, 0), expected);
	PQclear(r);
}

static void pages_end_by_count_and_by_size(void **state)
{
	struct pair *p = *state;

	ask(p->new,
	    "INSERT INTO event SELECT 7, 'submission:r', n, 'p', n, '', '', repeat('x', 100), now()"
	    " FROM generate_series(1, 10) n");

	page_is(p->new, "2, 0, '', 5, 10000", "3,4,5,6,7 1 10 t");
	page_is(p->new, "0, 0, '', 10, 250", "1,2,3 1 10 t");
	page_is(p->new, "0, 0, '', 10, 1", "1 1 10 t");
	page_is(p->new, "0, 0, '', 10, 10000", "1,2,3,4,5,6,7,8,9,10 1 10 f");
	page_is(p->new, "10, 0, '', 10, 10000", "- 1 10 f");
}

static void pages_before_an_event_end_at_it(void **state)
{
	struct pair *p = *state;

	ask(p->new,
	    "INSERT INTO event SELECT 7, 'submission:r', n, 'p', n, '', '', repeat('x', 100), now()"
	    " FROM generate_series(4, 10) n");

	page_is(p->new, "0, 8, '', 3, 10000", "5,6,7 4 10 t");
	page_is(p->new, "0, 8, '', 10, 150", "6,7 4 10 t");
	page_is(p->new, "0, 6, '', 3, 10000", "4,5 4 10 f");
	page_is(p->new, "0, 4, '', 3, 10000", "- 4 10 f");
}

static void pages_of_some_types_leave_out_the_others(void **state)
{
	struct pair *p = *state;

	ask(p->new,
	    "INSERT INTO event SELECT 7, 'submission:r', n, 'p', n, 't' || n % 3, '', '{}', now()"
	    " FROM generate_series(1, 9) n");

	page_is(p->new, "0, 0, 't0', 2, 10000", "3,6 1 9 t");
	page_is(p->new, "1, 0, 't0,t1', 9, 10000", "3,4,6,7,9 1 9 f");
	page_is(p->new, "0, 9, 't0', 9, 10000", "3,6 1 9 f");
}

static void page_of_a_room_without_events_says_so(void **state)
{
	struct pair *p = *state;

	page_is(p->new, "0, 0, '', 10, 10000", "- 1 0 f");
}

/* Why all this: the weaker forms let the former owner in after the new one has read its head. */
static void let_in_by(struct pair *p, const char *form)
{
	PGconn *third = connect_to();

	say(p->old, form);
	wait_asleep(third);
	ask(p->new, "SELECT slot FROM moot_assign('{7}', '{1}', '{2}', 0)");
	long long new_head = head(p->new);
	assert_true(hear(p->old));

	assert_int_equal(new_head, 0);
	assert_int_equal(head(p->new), 1);
	PQfinish(third);
}

static void plain_condition_lets_a_former_owner_in(void **state)
{
	let_in_by(*state, UNFENCED);
}

static void key_share_lets_a_former_owner_in(void **state)
{
	let_in_by(*state, KEY_SHARED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(append_numbers_in_order_and_answers_with_the_first_number_again),
		TEST(append_under_an_old_epoch_stores_nothing),
		TEST(append_of_a_batch_stores_the_slots_that_are_still_held),
		TEST(append_that_waited_for_an_assign_stores_nothing),
		TEST(assign_waits_for_an_append_that_came_first),
		TEST(assign_gives_up_on_a_lock_that_is_not_given_back),
		TEST(take_is_for_the_living_and_for_owners_only),
		TEST(edit_of_what_was_not_seen_is_left_out_and_told_what_is_newer),
		TEST(edit_said_again_is_never_its_own_conflict),
		TEST(event_behind_a_conflict_of_its_batch_has_the_next_number),
		TEST(whether_an_event_was_stored_is_looked_up_without_reading_its_room),
		TEST(pages_end_by_count_and_by_size),
		TEST(pages_before_an_event_end_at_it),
		TEST(pages_of_some_types_leave_out_the_others),
		TEST(page_of_a_room_without_events_says_so),
		TEST(plain_condition_lets_a_former_owner_in),
		TEST(key_share_lets_a_former_owner_in),
	};

	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
