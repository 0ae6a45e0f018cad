/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people write them. */
#include "deploy/ctl/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void check(const char *text, const char *host, const char *port)
{
	struct address a;
	struct buf why;

	buf_init(&why, 1024);
	assert_true(address_read(span_str(text), "9100", &a, &why));
	assert_string_equal(a.host, host);
	assert_string_equal(a.port, port);
	buf_fini(&why);
}

static void refuses(const char *text, const char *because)
{
	struct address a;
	struct buf why;

	buf_init(&why, 1024);
	assert_false(address_read(span_str(text), "9100", &a, &why));
	buf_put_u8(&why, 0);
	assert_non_null(strstr((const char *)why.p, because));
	buf_fini(&why);
}

static void address_is_host_and_port(void **state)
{
	(void)state;
	check("shard.example:9101", "shard.example", "9101");
	check("http://127.0.0.1:80/", "127.0.0.1", "80");
	check("shard", "shard", "9100");
	check("[::1]:9101", "::1", "9101");
	check("http://[fe80::2]", "fe80::2", "9100");
}

static void address_that_is_none_is_refused(void **state)
{
	(void)state;
	refuses("", "write host:port");
	refuses(":9100", "write host:port");
	refuses("a:", "write host:port");
	refuses("a:0", "write host:port");
	refuses("a:65536", "write host:port");
	refuses("a:99999999999999999999", "write host:port");
	refuses("a:9b", "write host:port");
	refuses("[::1", "write host:port");
	refuses("[::1]9100", "write host:port");
	refuses("https://a:1", "without TLS");
}

static void address_encodes_what_a_path_may_not_hold(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	address_put_encoded(&out, SPAN("submission:a/b c?\xc3\xa9-_.~"));
	buf_put_u8(&out, 0);
	assert_string_equal((const char *)out.p, "submission%3Aa%2Fb%20c%3F%C3%A9-_.~");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_is_host_and_port),
		cmocka_unit_test(address_that_is_none_is_refused),
		cmocka_unit_test(address_encodes_what_a_path_may_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
