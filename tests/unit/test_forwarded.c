/* SPDX-License-Identifier: Apache-2.0 */
/* Whose word counts on where a request comes from. */
#include "gateway/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void check(const char *from, const char *fields, const char *client)
{
	static struct request r;
	char head[1024], text[IP_TEXT_MAX];
	struct span bad;
	struct ip_set *proxies = ip_set_new(SPAN("10.0.0.0/8 ::1"), &bad);
	struct ip ip;

	snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	assert_int_equal(request_read(&r, span_str(head)), OK);
	assert_true(r.head_len > 0 && ip_read(span_str(from), &ip));
	ip = forwarded_for(&r, &ip, proxies);
	assert_string_equal(ip_text(&ip, text), client);
	ip_set_free(&proxies);
}

static void client_is_the_last_that_is_no_proxy(void **state)
{
	(void)state;
	check("10.0.0.1", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9");
	check("10.0.0.1", "x-forwarded-for: 1.1.1.1, 203.0.113.9 ,10.2.3.4\r\n", "203.0.113.9");
	check("::1", "X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7");
	check("10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\nX: y\r\nX-Forwarded-For: 10.1.1.1\r\n",
	      "1.1.1.1");
	check("10.0.0.1", "X-Forwarded-For: 10.1.1.1,10.2.2.2\r\n", "10.1.1.1");
}

static void stranger_is_not_believed(void **state)
{
	(void)state;
	check("203.0.113.1", "X-Forwarded-For: 1.1.1.1\r\n", "203.0.113.1");
}

static void without_the_header_it_is_the_proxy(void **state)
{
	(void)state;
	check("10.0.0.1", "", "10.0.0.1");
	check("10.0.0.1", "X-Forwarded-For:\r\n", "10.0.0.1");
	check("10.0.0.1", "X-Forwarded-Fox: 1.1.1.1\r\n", "10.0.0.1");
}

static void port_is_not_part_of_it(void **state)
{
	(void)state;
	check("10.0.0.1", "X-Forwarded-For: 203.0.113.9:4711\r\n", "203.0.113.9");
	check("10.0.0.1", "X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7");
	check("10.0.0.1", "X-Forwarded-For: [2001:db8::7]\r\n", "2001:db8::7");
}

static void what_is_before_nonsense_is_not_believed(void **state)
{
	(void)state;
	check("10.0.0.1", "X-Forwarded-For: 1.1.1.1, unknown, 10.2.2.2\r\n", "10.2.2.2");
	check("10.0.0.1", "X-Forwarded-For: 1.1.1.1, , 10.2.2.2\r\n", "10.2.2.2");
	check("10.0.0.1", "X-Forwarded-For: nonsense\r\n", "10.0.0.1");
	check("10.0.0.1", "X-Forwarded-For: ,\r\n", "10.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_is_the_last_that_is_no_proxy),
		cmocka_unit_test(stranger_is_not_believed),
		cmocka_unit_test(without_the_header_it_is_the_proxy),
		cmocka_unit_test(port_is_not_part_of_it),
		cmocka_unit_test(what_is_before_nonsense_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
