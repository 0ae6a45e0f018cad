/* SPDX-License-Identifier: Apache-2.0 */
/* Against a real PostgreSQL: results, refusals, and every way to lose the server. */
#include "common/pg.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "common/mono.h"
#include "tests/lib/cluster.h"
#include "tests/lib/until.h"

enum { PATIENCE_MS = 15000 };

static struct cluster *cluster;
static const char *const channels[] = {"moot_view", "moot \"odd\" name", NULL};

struct answer {
	unsigned calls;
	enum err err;
	char why[200], text[200];
	size_t rows;
	int64_t number;
	bool null, inside;
	struct pg *asks_again;
};

struct client {
	struct loop *loop;
	struct pg *pg;
	unsigned ups, downs, notifies, want;
	char channel[64], payload[64];
	const struct answer *older; /* NULL, or a query asked before what notifies */
	bool was_answered;          /* it, when the notification came */
};

static void on_state(void *owner, bool up, const char *why)
{
	struct client *c = owner;

	(void)why;
	if (up)
		c->ups++;
	else
		c->downs++;
}

static void on_notify(void *owner, const char *channel, struct span payload)
{
	struct client *c = owner;

	c->notifies++;
	c->was_answered = c->older && c->older->calls > 0;
	snprintf(c->channel, sizeof c->channel, "%s", channel);
	snprintf(c->payload, sizeof c->payload, "%.*s", SPAN_ARGS(payload));
}

static void on_answer(void *owner, enum err err, const struct pg_rows *rows, const char *why)
{
	struct answer *a = owner;

	assert_false(a->inside);
	a->calls++;
	a->err = err;
	snprintf(a->why, sizeof a->why, "%s", why);
	assert_int_equal(rows != NULL, err == OK);
	if (!rows || pg_count(rows) == 0)
		return;
	a->rows = pg_count(rows);
	a->null = pg_is_null(rows, 0, 0);
	a->number = pg_int(rows, 0, 0);
	struct span text = pg_text(rows, 0, 0);
	snprintf(a->text, sizeof a->text, "%.*s", SPAN_ARGS(text));
}

static void ask(struct client *c, struct answer *a, const char *sql, const char *param)
{
	struct span params[] = {span_str(param)};

	a->inside = true;
	pg_query(c->pg, sql, params, param ? 1 : 0, on_answer, a);
	a->inside = false;
}

static void ask_together(struct client *c, struct answer *a, const char *sql, const char *param)
{
	struct span params[] = {span_str(param)};

	a->inside = true;
	pg_ask(c->pg, sql, params, param ? 1 : 0, on_answer, a);
	a->inside = false;
}

static bool is_answered(void *what)
{
	const struct answer *a = what;

	return a->calls > 0;
}

static bool is_up(void *what)
{
	const struct client *c = what;

	return c->ups >= c->want && pg_is_up(c->pg);
}

static bool is_down(void *what)
{
	const struct client *c = what;

	return c->downs >= c->want;
}

static bool is_notified(void *what)
{
	const struct client *c = what;

	return c->notifies >= c->want;
}

static void await_up(struct client *c, unsigned times)
{
	c->want = times;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_up, c));
}

static void await_answer(struct client *c, struct answer *a)
{
	assert_true(loop_until(c->loop, PATIENCE_MS, is_answered, a));
	assert_int_equal(a->calls, 1);
}

static struct pg *open_at(struct client *c, const char *url)
{
	const struct pg_options opt = {.url = url,
				       .name = "test",
				       .max_queries = 1000,
				       .on_state = on_state,
				       .on_notify = on_notify,
				       .owner = c,
				       .channels = channels};

	return pg_open(c->loop, &opt);
}

static int setup(void **state)
{
	static struct client c;

	c = (struct client){.loop = loop_new()};
	c.pg = open_at(&c, cluster_url(cluster));
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	struct client *c = *state;

	pg_close(&c->pg);
	loop_free(&c->loop);
	return 0;
}

static void query_before_the_connection_waits_for_it(void **state)
{
	struct client *c = *state;
	struct answer a = {0};

	ask(c, &a, "SELECT 41 + $1::int", "1");

	await_answer(c, &a);
	assert_int_equal(a.err, OK);
	assert_int_equal(a.number, 42);
	assert_int_equal(c->ups, 1);
}

static void statement_is_prepared_once_and_used_again(void **state)
{
	static const char sql[] = "SELECT $1::text";
	struct client *c = *state;
	struct answer many[50] = {0}, count = {0};
	await_up(c, 1);

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		ask(c, &many[i], sql, i % 2 ? "odd" : "even");
	ask(c, &count, "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1::text",
	    sql);

	await_answer(c, &count);
	assert_int_equal(count.number, 1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		assert_int_equal(many[i].calls, 1);
		assert_string_equal(many[i].text, i % 2 ? "odd" : "even");
	}
}

static void null_goes_in_and_comes_out(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	const struct span none = SPAN_NONE;

	pg_query(c->pg, "SELECT $1::text", &none, 1, on_answer, &a);

	await_answer(c, &a);
	assert_true(a.null);
	assert_string_equal(a.text, "");
}

static void refusal_has_the_servers_words_and_hurts_nobody_else(void **state)
{
	struct client *c = *state;
	struct answer before = {0}, bad = {0}, worse = {0}, after = {0};

	ask(c, &before, "SELECT 1", NULL);
	ask(c, &bad, "SELECT 1 / $1::int", "0");
	ask(c, &worse, "SELEKT", NULL);
	ask(c, &after, "SELECT 1", NULL);

	await_answer(c, &after);
	assert_int_equal(before.err, OK);
	assert_int_equal(bad.err, ERR_DB_REFUSED);
	assert_string_equal(bad.why, "division by zero");
	assert_int_equal(worse.err, ERR_DB_REFUSED);
	assert_int_equal(after.err, OK);
	assert_int_equal(c->downs, 0);
}

/* A pg_query between them is a transaction of its own all the same. */
static void what_is_asked_in_one_turn_shares_a_transaction(void **state)
{
	static const char sql[] = "SELECT pg_current_xact_id()::text";
	struct client *c = *state;
	struct answer together[3] = {0}, alone = {0}, after = {0}, later = {0};
	await_up(c, 1);

	for (size_t i = 0; i < ARRAY_LEN(together); i++)
		ask_together(c, &together[i], sql, NULL);
	ask(c, &alone, sql, NULL);
	ask_together(c, &after, sql, NULL);
	await_answer(c, &after);
	ask_together(c, &later, sql, NULL);

	await_answer(c, &later);
	assert_string_equal(together[0].text, together[1].text);
	assert_string_equal(together[0].text, together[2].text);
	assert_string_not_equal(together[0].text, alone.text);
	assert_string_not_equal(alone.text, after.text);
	assert_string_not_equal(together[0].text, after.text);
	assert_string_not_equal(after.text, later.text);
}

static void refusal_of_one_hurts_nobody_who_asked_with_it(void **state)
{
	static const char divide[] = "SELECT 6 / $1::int";
	struct client *c = *state;
	struct answer before = {0}, bad = {0}, same = {0}, worse = {0}, after = {0}, query = {0};
	await_up(c, 1);

	ask_together(c, &before, divide, "1");
	ask_together(c, &bad, divide, "0");
	ask_together(c, &same, divide, "2");
	ask_together(c, &worse, "SELEKT", NULL);
	ask_together(c, &after, "SELECT 7 + $1::int", "1"); /* prepared in vain */
	ask(c, &query, "SELECT 9", NULL);

	await_answer(c, &after);
	await_answer(c, &query);
	assert_int_equal(before.number, 6);
	assert_int_equal(bad.err, ERR_DB_REFUSED);
	assert_string_equal(bad.why, "division by zero");
	assert_int_equal(same.number, 3);
	assert_int_equal(worse.err, ERR_DB_REFUSED);
	assert_int_equal(after.number, 8);
	assert_int_equal(query.number, 9);
	assert_int_equal(c->downs, 0);
}

static void statement_that_went_bad_is_asked_again_by_itself(void **state)
{
	static const char sql[] = "SELECT * FROM widens";
	struct client *c = *state;
	struct answer a = {0}, b = {0}, d = {0}, e[2] = {0};
	ask(c, &a, "CREATE TABLE widens AS SELECT 1 AS a", NULL);
	ask_together(c, &b, sql, NULL);
	ask(c, &d, "ALTER TABLE widens ADD b int", NULL);
	await_answer(c, &d);

	ask_together(c, &e[0], sql, NULL);
	ask_together(c, &e[1], sql, NULL);

	await_answer(c, &e[1]);
	assert_int_equal(e[0].err, OK);
	assert_int_equal(e[1].err, OK);
}

/* As it says of a full disk: there is nothing wrong with the statement. */
static void what_the_server_lacks_for_now_is_no_refusal(void **state)
{
	static const struct {
		const char *sql;
		enum err err;
	} all[] = {
		{"DO $$ BEGIN RAISE 'disk' USING ERRCODE = '53100'; END $$", ERR_DB_AWAY},
		{"DO $$ BEGIN RAISE 'memory' USING ERRCODE = '53200'; END $$", ERR_DB_AWAY},
		{"DO $$ BEGIN RAISE 'input' USING ERRCODE = '58030'; END $$", ERR_DB_AWAY},
		{"DO $$ BEGIN RAISE 'standby' USING ERRCODE = '25006'; END $$", ERR_DB_AWAY},
		{"DO $$ BEGIN RAISE 'other' USING ERRCODE = '25001'; END $$", ERR_DB_REFUSED},
		{"DO $$ BEGIN RAISE 'other'; END $$", ERR_DB_REFUSED},
	};
	struct client *c = *state;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct answer a = {0};

		ask(c, &a, all[i].sql, NULL);
		await_answer(c, &a);
		assert_int_equal(a.err, all[i].err);
	}
	assert_int_equal(c->downs, 0);
}

static void statement_that_could_not_be_prepared_is_tried_afresh(void **state)
{
	static const char sql[] = "SELECT count(*) FROM comes_later";
	struct client *c = *state;
	struct answer early = {0}, made = {0}, late = {0}, again = {0};
	ask(c, &early, sql, NULL);
	await_answer(c, &early);
	assert_int_equal(early.err, ERR_DB_REFUSED);

	ask(c, &made, "CREATE TABLE comes_later AS SELECT 1 AS a", NULL);
	ask(c, &late, sql, NULL);
	ask(c, &again, sql, NULL);

	await_answer(c, &again);
	assert_int_equal(late.err, OK);
	assert_int_equal(again.number, 1);
}

static void statement_whose_result_changed_is_prepared_anew(void **state)
{
	static const char sql[] = "SELECT * FROM grows";
	struct client *c = *state;
	struct answer a = {0}, b = {0}, d = {0}, e = {0}, f = {0};
	ask(c, &a, "CREATE TABLE grows AS SELECT 1 AS a", NULL);
	ask(c, &b, sql, NULL);
	ask(c, &d, "ALTER TABLE grows ADD b int", NULL);
	ask(c, &e, sql, NULL);
	await_answer(c, &e);
	assert_int_equal(e.err, ERR_DB_REFUSED);

	ask(c, &f, sql, NULL);

	await_answer(c, &f);
	assert_int_equal(f.err, OK);
}

static void commit_that_fails_is_a_refusal(void **state)
{
	struct client *c = *state;
	struct answer made = {0}, broken = {0}, after = {0};
	ask(c, &made, "CREATE TABLE once (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)", NULL);

	ask(c, &broken, "INSERT INTO once VALUES (1), (1) RETURNING a", NULL);
	ask(c, &after, "SELECT count(*) FROM once", NULL);

	await_answer(c, &after);
	assert_int_equal(broken.err, ERR_DB_REFUSED);
	assert_int_equal(after.err, OK);
	assert_int_equal(after.number, 0);
}

static void parameter_with_a_nul_byte_is_refused_and_not_cut(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	const struct span param = SPAN("a\0b");

	pg_query(c->pg, "SELECT $1::text", &param, 1, on_answer, &a);

	await_answer(c, &a);
	assert_int_equal(a.err, ERR_DB_REFUSED);
}

static void large_parameters_and_results_pass(void **state)
{
	static char big[3 << 20];
	struct client *c = *state;
	struct answer a = {0};
	memset(big, 'x', sizeof big - 1);

	ask(c, &a, "SELECT length($1::text), repeat($1::text, 3)", big);

	await_answer(c, &a);
	assert_int_equal(a.number, sizeof big - 1);
}

static void notification_arrives_while_idle(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	await_up(c, 1);

	ask(c, &a, "SELECT pg_notify('moot_view', '7')", NULL);
	c->want = 1;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_notified, c));
	assert_string_equal(c->channel, "moot_view");
	assert_string_equal(c->payload, "7");

	ask(c, &(struct answer){0}, "SELECT pg_notify('moot \"odd\" name', '8')", NULL);
	c->want = 2;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_notified, c));
	assert_string_equal(c->payload, "8");
}

/* Whoever remembers answers until a notification ends them must not hear them in the wrong order.
 */
static void answer_from_before_a_notification_is_told_before_it(void **state)
{
	struct client *c = *state;
	struct answer older = {0}, notify = {0};
	await_up(c, 1);
	c->older = &older;

	ask(c, &older, "SELECT 1", NULL);
	ask(c, &notify, "SELECT pg_notify('moot_view', '9')", NULL);
	c->want = 1;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_notified, c));

	assert_true(c->was_answered);
	await_answer(c, &notify);
}

static void killed_backend_means_unknown_then_reconnects_and_listens(void **state)
{
	struct client *c = *state;
	struct answer pid = {0}, slow = {0}, queued = {0}, later = {0};
	ask(c, &pid, "SELECT pg_backend_pid()", NULL);
	await_answer(c, &pid);
	ask(c, &slow, "SELECT pg_sleep(30)", NULL);
	ask(c, &queued, "SELECT 1", NULL);
	loop_for(c->loop, 50);

	assert_int_equal(kill((pid_t)pid.number, SIGKILL), 0);

	await_answer(c, &slow);
	assert_int_equal(slow.err, ERR_DB_UNKNOWN);
	assert_int_equal(queued.err, ERR_DB_UNKNOWN);
	assert_int_equal(c->downs, 1);
	await_up(c, 2);
	ask(c, &later, "SELECT pg_notify('moot_view', 'again')", NULL);
	c->want = 1;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_notified, c));
	assert_string_equal(c->payload, "again");
}

/* The first of them is whole when the connection ends: the second fills the server's buffer. */
static void answers_without_the_end_of_their_transaction_are_unknown(void **state)
{
	static const char big[] = "SELECT repeat('x', 1000000)";
	struct client *c = *state;
	struct answer pid = {0}, whole = {0}, gone = {0}, part = {0}, slow = {0};
	ask(c, &pid, "SELECT pg_backend_pid()", NULL);
	await_answer(c, &pid);
	ask_together(c, &whole, big, NULL);
	ask_together(c, &gone, big, NULL);
	ask_together(c, &part, big, NULL);
	ask_together(c, &slow, "SELECT pg_sleep(30)", NULL);
	loop_for(c->loop, 100);
	assert_int_equal(whole.calls, 0);
	pg_forget(c->pg, &gone);

	assert_int_equal(kill((pid_t)pid.number, SIGKILL), 0);

	await_answer(c, &slow);
	assert_int_equal(whole.err, ERR_DB_UNKNOWN);
	assert_int_equal(part.err, ERR_DB_UNKNOWN);
	assert_int_equal(slow.err, ERR_DB_UNKNOWN);
	assert_int_equal(gone.calls, 0);
	await_up(c, 2);
}

static void terminated_backend_is_a_loss_not_a_refusal(void **state)
{
	struct client *c = *state;
	struct answer pid = {0}, slow = {0};
	ask(c, &pid, "SELECT pg_backend_pid()", NULL);
	await_answer(c, &pid);
	ask(c, &slow, "SELECT pg_sleep(30)", NULL);
	loop_for(c->loop, 50);

	assert_int_equal(kill((pid_t)pid.number, SIGTERM), 0);

	await_answer(c, &slow);
	assert_int_equal(slow.err, ERR_DB_UNKNOWN);
	await_up(c, 2);
}

static void stopped_server_means_away_at_once_and_up_after_its_start(void **state)
{
	struct client *c = *state;
	struct answer a = {0}, b = {0};
	await_up(c, 1);

	cluster_stop(cluster);
	c->want = 1;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_down, c));
	assert_false(pg_is_up(c->pg));
	ask(c, &a, "SELECT 1", NULL);
	await_answer(c, &a);
	assert_int_equal(a.err, ERR_DB_AWAY);
	assert_true(strlen(a.why) > 0);

	cluster_start(cluster);
	await_up(c, 2);
	ask(c, &b, "SELECT 1", NULL);
	await_answer(c, &b);
	assert_int_equal(b.err, OK);
	assert_int_equal(c->downs, 1);
}

static void server_that_is_not_there_is_said_without_a_state_change(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	pg_close(&c->pg);
	c->pg = open_at(c, "host=/nonexistent dbname=x");

	ask(c, &a, "SELECT 1", NULL);

	await_answer(c, &a);
	assert_int_equal(a.err, ERR_DB_AWAY);
	assert_int_equal(c->ups + c->downs, 0);
}

static void server_that_never_answers_is_given_up(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	char url[100];
	int silent = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(silent, 5), 0);
	assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof url, "postgresql://x@127.0.0.1:%u/x?connect_timeout=1",
		 ntohs(at.sin_port));
	pg_close(&c->pg);
	c->pg = open_at(c, url);
	int64_t start_ns = mono_now_ns();

	ask(c, &a, "SELECT 1", NULL);

	await_answer(c, &a);
	assert_int_equal(a.err, ERR_DB_AWAY);
	assert_true(mono_now_ns() - start_ns > 900 * NS_PER_MS);
	assert_true(mono_now_ns() - start_ns < 4 * NS_PER_S);
	close(silent);
}

/* The second address of the list is tried on another socket: the watch has to follow. */
static void second_host_is_reached_after_the_first_refused(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	char url[300];
	const char *dir = strchr(cluster_url(cluster), '/');
	pg_close(&c->pg);
	snprintf(url, sizeof url, "host=127.0.0.1,%.*s port=1,5432 user=postgres dbname=postgres",
		 (int)strcspn(dir, " "), dir);
	c->pg = open_at(c, url);

	ask(c, &a, "SELECT 5", NULL);

	await_answer(c, &a);
	assert_int_equal(a.number, 5);
}

/* What follows a name in the list is reached, and so is what follows one that nobody has. */
static void names_are_looked_up_first(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	char url[400];
	const char *dir = strchr(cluster_url(cluster), '/');
	pg_close(&c->pg);
	snprintf(url, sizeof url,
		 "host=no-label-is-as-long-as-this-one-of-more-than-sixty-three-bytes-is,localhost,"
		 "%.*s"
		 " port=1,1,5432 user=postgres dbname=postgres",
		 (int)strcspn(dir, " "), dir);
	c->pg = open_at(c, url);

	ask(c, &a, "SELECT 6", NULL);

	await_answer(c, &a);
	assert_int_equal(a.number, 6);
}

static void name_that_nobody_has_is_said(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	pg_close(&c->pg);
	c->pg = open_at(c,
			"host=no-label-is-as-long-as-this-one-of-more-than-sixty-three-bytes-is");

	ask(c, &a, "SELECT 1", NULL);

	await_answer(c, &a);
	assert_int_equal(a.err, ERR_DB_AWAY);
	assert_non_null(strstr(a.why, "no address of no-label-is"));
}

static void more_queries_than_allowed_are_refused(void **state)
{
	struct client *c = *state;
	const struct pg_options opt = {
		.url = cluster_url(cluster), .name = "small", .max_queries = 2};
	struct answer a[3] = {0};
	pg_close(&c->pg);
	c->pg = pg_open(c->loop, &opt);

	for (size_t i = 0; i < 3; i++)
		ask(c, &a[i], "SELECT 1", NULL);

	for (size_t i = 0; i < 3; i++)
		assert_true(loop_until(c->loop, PATIENCE_MS, is_answered, &a[i]));
	assert_int_equal(a[0].err, OK);
	assert_int_equal(a[1].err, OK);
	assert_int_equal(a[2].err, ERR_DB_AWAY);
}

static void forgotten_owner_hears_nothing(void **state)
{
	struct client *c = *state;
	struct answer gone = {0}, waits = {0}, last = {0};
	ask(c, &waits, "SELECT 1", NULL);
	pg_forget(c->pg, &waits);
	await_up(c, 1);
	ask(c, &gone, "SELECT 1", NULL);
	ask(c, &last, "SELECT 2", NULL);

	pg_forget(c->pg, &gone);

	await_answer(c, &last);
	assert_int_equal(gone.calls + waits.calls, 0);
}

static void close_in_a_callback(void *owner, enum err err, const struct pg_rows *rows,
				const char *why)
{
	struct client *c = owner;

	(void)rows;
	(void)why;
	assert_int_equal(err, OK);
	pg_close(&c->pg);
	c->notifies++;
}

static void connection_may_be_closed_in_a_callback(void **state)
{
	struct client *c = *state;
	struct answer after = {0};
	pg_query(c->pg, "SELECT 1", NULL, 0, close_in_a_callback, c);
	ask(c, &after, "SELECT 1", NULL);

	c->want = 1;
	assert_true(loop_until(c->loop, PATIENCE_MS, is_notified, c));
	loop_for(c->loop, 50);

	assert_int_equal(after.calls, 0);
}

static void ask_again(void *owner, enum err err, const struct pg_rows *rows, const char *why)
{
	struct answer *a = owner;

	(void)rows;
	(void)why;
	assert_int_equal(err, ERR_DB_AWAY);
	if (++a->calls < 100)
		pg_query(a->asks_again, "SELECT 1", NULL, 0, ask_again, a);
}

static bool asked_enough(void *what)
{
	const struct answer *a = what;

	return a->calls >= 100;
}

static void asking_again_at_once_while_away_does_not_hold_the_loop(void **state)
{
	struct client *c = *state;
	struct answer a = {0};
	pg_close(&c->pg);
	c->pg = a.asks_again = open_at(c, "host=/nonexistent dbname=x");

	pg_query(c->pg, "SELECT 1", NULL, 0, ask_again, &a);

	assert_true(loop_until(c->loop, PATIENCE_MS, asked_enough, &a));
}

static int start_cluster(void **state)
{
	(void)state;
	cluster = cluster_new();
	return cluster ? 0 : -1;
}

static int stop_cluster(void **state)
{
	(void)state;
	cluster_free(&cluster);
	return 0;
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(query_before_the_connection_waits_for_it),
		CASE(statement_is_prepared_once_and_used_again),
		CASE(null_goes_in_and_comes_out),
		CASE(refusal_has_the_servers_words_and_hurts_nobody_else),
		CASE(what_is_asked_in_one_turn_shares_a_transaction),
		CASE(refusal_of_one_hurts_nobody_who_asked_with_it),
		CASE(statement_that_went_bad_is_asked_again_by_itself),
		CASE(what_the_server_lacks_for_now_is_no_refusal),
		CASE(statement_that_could_not_be_prepared_is_tried_afresh),
		CASE(statement_whose_result_changed_is_prepared_anew),
		CASE(commit_that_fails_is_a_refusal),
		CASE(parameter_with_a_nul_byte_is_refused_and_not_cut),
		CASE(large_parameters_and_results_pass),
		CASE(notification_arrives_while_idle),
		CASE(answer_from_before_a_notification_is_told_before_it),
		CASE(killed_backend_means_unknown_then_reconnects_and_listens),
		CASE(answers_without_the_end_of_their_transaction_are_unknown),
		CASE(terminated_backend_is_a_loss_not_a_refusal),
		CASE(stopped_server_means_away_at_once_and_up_after_its_start),
		CASE(server_that_is_not_there_is_said_without_a_state_change),
		CASE(server_that_never_answers_is_given_up),
		CASE(second_host_is_reached_after_the_first_refused),
		CASE(names_are_looked_up_first),
		CASE(name_that_nobody_has_is_said),
		CASE(more_queries_than_allowed_are_refused),
		CASE(forgotten_owner_hears_nothing),
		CASE(connection_may_be_closed_in_a_callback),
		CASE(asking_again_at_once_while_away_does_not_hold_the_loop),
	};
	return cmocka_run_group_tests(tests, start_cluster, stop_cluster);
}
