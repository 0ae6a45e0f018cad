/* SPDX-License-Identifier: Apache-2.0 */
/* A porch without TLS before a door: who comes by a proxy, who does not, and what is no header.
 * What it does with TLS, tests/e2e/tls.test.mjs shows. */
#include "common/porch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/caller.h"
#include "tests/lib/until.h"

#define HEAD "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
#define LINE "PROXY TCP4 203.0.113.9 10.0.0.1 56324 443\r\n"

enum { PATIENCE_MS = 10000 };

struct house {
	struct loop *loop;
	struct ip_set *proxies;
	struct porch_options opt;
	struct porch *porch;
	struct door *door;
	struct caller caller;
	unsigned ends[PORCH_NO_HEADER + 1];
	char from[IP_TEXT_MAX];
};

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	struct house *h = owner;
	struct ip from = visitor_from(v);

	(void)r;
	ip_text(&from, h->from);
	door_answer(v, 200, "text/plain", NULL, SPAN("hello"));
}

static void on_end(void *owner, enum porch_end why)
{
	struct house *h = owner;

	h->ends[why]++;
}

static void open_house(struct house *h, const char *proxies)
{
	struct door_options door = {.host = "127.0.0.1",
				    .max_visitors = 20,
				    .head_ns = 5 * NS_PER_S,
				    .answer_ns = 5 * NS_PER_S,
				    .on_request = on_request,
				    .owner = h,
				    .on_accepted = porch_take};
	struct span bad;

	h->proxies = ip_set_new(span_str(proxies), &bad);
	h->opt.proxies = h->proxies;
	h->porch = porch_new(h->loop, &h->opt);
	door.before = h->porch;
	assert_int_equal(door_open(h->loop, &door, &h->door), OK);
	porch_lead_to(h->porch, h->door);
}

static int setup(void **state)
{
	static struct house h;

	memset(&h, 0, sizeof h);
	h.loop = loop_new();
	h.opt = (struct porch_options){
		.shake_ns = 5 * NS_PER_S, .max_waiting = 2, .on_end = on_end, .owner = &h};
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	porch_free(&h->porch);
	door_close(&h->door);
	ip_set_free(&h->proxies);
	loop_free(&h->loop);
	return 0;
}

static void await_end(struct house *h)
{
	assert_true(loop_until(h->loop, PATIENCE_MS, caller_has_ended, &h->caller));
	caller_close(&h->caller);
}

static void header_says_where_a_request_comes_from(void **state)
{
	struct house *h = *state;

	open_house(h, "127.0.0.0/8");
	caller_ask(&h->caller, h->loop, door_port(h->door), LINE HEAD);

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 200 OK\r\n"));
	assert_string_equal(h->from, "203.0.113.9");
}

static void header_may_come_in_pieces(void **state)
{
	struct house *h = *state;
	static const char text[] = LINE HEAD;

	open_house(h, "127.0.0.1");
	caller_open(&h->caller, door_port(h->door));
	for (size_t i = 0; i < sizeof text - 1; i++) {
		caller_say_bytes(&h->caller, span_of(text + i, 1));
		loop_for(h->loop, 1);
	}

	await_end(h);
	assert_string_equal(h->from, "203.0.113.9");
}

static void proxy_may_speak_for_itself(void **state)
{
	struct house *h = *state;

	open_house(h, "127.0.0.1");
	caller_ask(&h->caller, h->loop, door_port(h->door), "PROXY UNKNOWN\r\n" HEAD);

	assert_string_equal(h->from, "127.0.0.1");
}

static void who_is_no_proxy_begins_with_the_request(void **state)
{
	struct house *h = *state;

	open_house(h, "10.0.0.0/8");
	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);
	assert_string_equal(h->from, "127.0.0.1");

	caller_ask(&h->caller, h->loop, door_port(h->door), LINE HEAD);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 400 "));
}

static void proxy_without_header_is_closed(void **state)
{
	struct house *h = *state;

	open_house(h, "127.0.0.1");
	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);

	assert_int_equal(h->caller.len, 0);
	assert_int_equal(h->ends[PORCH_NO_HEADER], 1);
	assert_int_equal(door_visitors(h->door), 0);
}

static void header_that_does_not_come_in_time_is_closed(void **state)
{
	struct house *h = *state;

	h->opt.shake_ns = 60 * NS_PER_MS;
	open_house(h, "127.0.0.1");
	caller_ask(&h->caller, h->loop, door_port(h->door), "PROXY TCP4 203");

	assert_int_equal(h->caller.len, 0);
	assert_int_equal(h->ends[PORCH_NO_HEADER], 1);
}

static void no_more_wait_than_may(void **state)
{
	struct house *h = *state;
	static struct caller first, second;

	open_house(h, "127.0.0.1");
	caller_open(&first, door_port(h->door));
	caller_open(&second, door_port(h->door));
	loop_for(h->loop, 20);
	caller_open(&h->caller, door_port(h->door));
	await_end(h);
	assert_int_equal(h->ends[PORCH_FULL], 1);

	caller_close(&first);
	loop_for(h->loop, 20);
	caller_ask(&h->caller, h->loop, door_port(h->door), LINE HEAD);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 200 OK\r\n"));
	caller_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(header_says_where_a_request_comes_from, setup,
						teardown),
		cmocka_unit_test_setup_teardown(header_may_come_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(proxy_may_speak_for_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_no_proxy_begins_with_the_request, setup,
						teardown),
		cmocka_unit_test_setup_teardown(proxy_without_header_is_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(header_that_does_not_come_in_time_is_closed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(no_more_wait_than_may, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
