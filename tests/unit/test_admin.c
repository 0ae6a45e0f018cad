/* SPDX-License-Identifier: Apache-2.0 */
/* The paths of the internal port, as a probe, a scraper and an operator see them. */
#include "common/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/log.h"
#include "common/metrics.h"
#include "tests/lib/caller.h"

struct process {
	struct loop *loop;
	struct admin *admin;
	struct caller caller;
	bool database;
	uint64_t number;
};

static const struct metric_row rows[] = {
	{METRIC_COUNTER, "sessions_total", NULL, "Sessions that were opened."},
};
static const struct metric_table table = {rows, ARRAY_LEN(rows)};

static bool is_ready(void *owner, struct buf *checks)
{
	const struct process *p = owner;

	buf_printf(checks, "\"database\":%s", p->database ? "true" : "false");
	return p->database;
}

static void put_state(void *owner, struct buf *members)
{
	(void)owner;
	buf_put_str(members, ",\"rooms\":3");
}

static enum err set_number(void *owner, struct span query, struct buf *out)
{
	struct process *p = owner;

	p->number = admin_number(query, "n", 0, 100);
	if (p->number)
		buf_put_str(out, "{}");
	else
		buf_put_str(out, "say n=1..100");
	return p->number ? OK : ERR_BAD_FIELD;
}

static enum err put_much(void *owner, struct span query, struct buf *out)
{
	(void)owner, (void)query;
	for (unsigned i = 0; i < ADMIN_ANSWER_MAX; i++)
		buf_put_str(out, "[]");
	return OK;
}

static const struct admin_path paths[] = {
	{"POST", "/v1/number", set_number},
	{"GET", "/v1/much", put_much},
};

static int setup(void **state)
{
	static struct process p;

	memset(&p, 0, sizeof p);
	metrics_open(&table);
	p.loop = loop_new();
	assert_int_equal(admin_open(p.loop,
				    &(struct admin_setup){
					    .kind = "shard",
					    .name = "a \"b\"",
					    .version = "1.2.3",
					    .host = "127.0.0.1",
					    .self = {0xbeef},
					    .is_ready = is_ready,
					    .put_state = put_state,
					    .owner = &p,
					    .paths = paths,
					    .path_count = ARRAY_LEN(paths),
					    .paths_owner = &p,
				    },
				    &p.admin),
			 OK);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct process *p = *state;

	admin_close(&p->admin);
	loop_free(&p->loop);
	return 0;
}

static const char *ask(struct process *p, const char *method, const char *path)
{
	char text[200];

	snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: a\r\n\r\n", method, path);
	caller_ask(&p->caller, p->loop, admin_port(p->admin), text);
	return p->caller.got;
}

static void health_is_ok_even_when_not_ready(void **state)
{
	struct process *p = *state;

	const char *got = ask(p, "GET", "/healthz");

	assert_non_null(strstr(got, "HTTP/1.1 200 "));
	assert_non_null(strstr(got, "\r\n\r\nok\n"));
}

static void readiness_names_its_checks(void **state)
{
	struct process *p = *state;
	const char *got = ask(p, "GET", "/readyz");
	assert_non_null(strstr(got, "HTTP/1.1 503 "));
	assert_non_null(strstr(got, "{\"ready\":false,\"checks\":{\"database\":false}}"));

	p->database = true;

	got = ask(p, "GET", "/readyz?verbose");
	assert_non_null(strstr(got, "HTTP/1.1 200 "));
	assert_non_null(strstr(got, "{\"ready\":true,\"checks\":{\"database\":true}}"));
}

static void metrics_are_in_the_text_format(void **state)
{
	struct process *p = *state;
	metrics_add(0, 3);

	const char *got = ask(p, "GET", "/metrics");

	assert_non_null(strstr(got, "Content-Type: text/plain; version=0.0.4\r\n"));
	assert_non_null(strstr(got, "moot_sessions_total 3\n"));
}

static void other_paths_and_methods_are_refused(void **state)
{
	struct process *p = *state;

	assert_non_null(strstr(ask(p, "GET", "/"), "HTTP/1.1 404 "));
	assert_non_null(strstr(ask(p, "GET", "/healthz/"), "HTTP/1.1 404 "));
	const char *got = ask(p, "POST", "/healthz");
	assert_non_null(strstr(got, "HTTP/1.1 405 "));
	assert_non_null(strstr(got, "Allow: GET, HEAD\r\n"));
}

static void a_process_says_what_it_is(void **state)
{
	struct process *p = *state;

	const char *got = ask(p, "GET", "/v1/process");

	assert_non_null(strstr(got, "{\"kind\":\"shard\",\"name\":\"a \\\"b\\\"\",\"version\":"
				    "\"1.2.3\","));
	assert_non_null(strstr(got, "\"incarnation\":\"000000000000beef\""));
	assert_non_null(
		strstr(got, "\"ready\":false,\"checks\":{\"database\":false},\"rooms\":3}"));
}

static void what_changes_something_wants_a_header(void **state)
{
	struct process *p = *state;

	assert_non_null(strstr(ask(p, "GET", "/v1/number?n=7"), "HTTP/1.1 405 "));
	assert_non_null(strstr(ask(p, "POST", "/v1/number?n=7"), "HTTP/1.1 403 "));
	assert_int_equal(p->number, 0);

	caller_ask(&p->caller, p->loop, admin_port(p->admin),
		   "POST /v1/number?n=7 HTTP/1.1\r\nHost: a\r\nMoot-Admin: yes\r\n\r\n");

	assert_non_null(strstr(p->caller.got, "HTTP/1.1 200 "));
	assert_int_equal(p->number, 7);
}

static void a_refusal_names_its_error_and_says_what_to_do(void **state)
{
	struct process *p = *state;

	caller_ask(&p->caller, p->loop, admin_port(p->admin),
		   "POST /v1/number?n=101 HTTP/1.1\r\nHost: a\r\nMoot-Admin: yes\r\n\r\n");

	assert_non_null(strstr(p->caller.got, "HTTP/1.1 400 "));
	assert_non_null(strstr(p->caller.got, "\"code\":\"BAD_FIELD\",\"hint\":\"say n=1..100\"}"));
}

static void an_answer_that_is_too_long_is_refused(void **state)
{
	assert_non_null(strstr(ask(*state, "GET", "/v1/much"), "HTTP/1.1 413 "));
}

static void lines_of_the_log_are_looked_up_by_what_is_in_them(void **state)
{
	struct process *p = *state;
	log_open("roomd", "a", LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	log_info("refused", kv_hex("trace", 0x1234));
	log_info("refused", kv_hex("trace", 0x5678));
	log_info(LOG_SLOW, kv_str("op", "append"));

	const char *got = ask(p, "GET", "/v1/log?with=0000000000005678");
	assert_null(strstr(got, "0000000000001234"));
	assert_non_null(strstr(got, "\"trace\":\"0000000000005678\"}]"));

	got = ask(p, "GET", "/v1/slow");
	assert_non_null(strstr(got, "\"op\":\"append\"}]"));
	assert_null(strstr(got, "refused"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(health_is_ok_even_when_not_ready),
		CASE(readiness_names_its_checks),
		CASE(metrics_are_in_the_text_format),
		CASE(other_paths_and_methods_are_refused),
		CASE(a_process_says_what_it_is),
		CASE(what_changes_something_wants_a_header),
		CASE(a_refusal_names_its_error_and_says_what_to_do),
		CASE(an_answer_that_is_too_long_is_refused),
		CASE(lines_of_the_log_are_looked_up_by_what_is_in_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
