/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses to connect to, and from. */
#include "bench/target.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct targets to, from;
static struct buf why;

static enum err read_them(const char *text, bool needs_port)
{
	buf_init(&why, 1000);
	enum err err = targets_read(&to, text, needs_port, &why);
	assert_int_equal(why.len > 0, err != OK);
	buf_fini(&why);
	return err;
}

static void several_addresses_are_read(void **state)
{
	(void)state;
	assert_int_equal(read_them("127.0.0.1:8080,10.1.2.3:81", true), OK);
	assert_int_equal(to.count, 2);
	assert_int_equal(ntohs(to.at[1].sin_port), 81);
	assert_int_equal(ntohl(to.at[1].sin_addr.s_addr), 0x0a010203);
	assert_int_equal(read_them("127.0.0.9", false), OK);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = {"",
					    "127.0.0.1",
					    "127.0.0.1:",
					    "127.0.0.1:99999",
					    "127.0.0.1:8o",
					    ":80",
					    "127.0.0.1:80,,127.0.0.1:81"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(read_them(wrong[i], true), ERR_BAD_REQUEST);
	assert_int_equal(read_them("127.0.0.1:80", false), ERR_BAD_REQUEST);
}

static void many_connections_on_loopback_come_from_several_addresses(void **state)
{
	(void)state;
	assert_int_equal(read_them("127.0.0.1:80", true), OK);
	targets_spread(&from, &to, 10000);
	assert_int_equal(from.count, 0);
	targets_spread(&from, &to, 19000);
	assert_int_equal(from.count, 2);
	assert_int_equal(ntohl(from.at[1].sin_addr.s_addr), 0x7f000002);
	assert_int_equal(read_them("10.0.0.1:80", true), OK);
	targets_spread(&from, &to, 19000);
	assert_int_equal(from.count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_addresses_are_read),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(many_connections_on_loopback_come_from_several_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
