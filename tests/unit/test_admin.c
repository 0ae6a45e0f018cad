/* SPDX-License-Identifier: Apache-2.0 */
/* The three paths of the internal port, as a probe and a scraper see them. */
#include "common/admin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/metrics.h"
#include "tests/lib/caller.h"

struct process {
	struct loop *loop;
	struct admin *admin;
	struct caller caller;
	bool database;
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

static int setup(void **state)
{
	static struct process p;

	memset(&p, 0, sizeof p);
	metrics_open(&table);
	p.loop = loop_new();
	assert_int_equal(admin_open(p.loop, "127.0.0.1", 0, is_ready, &p, &p.admin), OK);
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

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(health_is_ok_even_when_not_ready),
		CASE(readiness_names_its_checks),
		CASE(metrics_are_in_the_text_format),
		CASE(other_paths_and_methods_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
