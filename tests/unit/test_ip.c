/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, and the ranges that a setting names. */
#include "common/ip.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

static struct ip ip(const char *text)
{
	struct ip out;

	assert_true(ip_read(span_str(text), &out));
	return out;
}

static void check_text(const char *text, const char *shown)
{
	char out[IP_TEXT_MAX];
	struct ip one = ip(text);

	assert_string_equal(ip_text(&one, out), shown);
}

static void address_is_shown_as_it_is_usually_written(void **state)
{
	(void)state;
	check_text("10.1.2.3", "10.1.2.3");
	check_text("::ffff:10.1.2.3", "10.1.2.3");
	check_text("2001:DB8:0:0::1", "2001:db8::1");
	check_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void what_is_no_address_is_not_read(void **state)
{
	static const char *const bad[] = {
		"",          "1.2.3",     "1.2.3.4.5",
		"256.1.1.1", "01.2.3.4x", "::1 ",
		" 1.2.3.4",  "1.2.3.4/8", "unknown",
		"_hidden",   ":::",       "g::1",
		"1.2.3.4:5", "[::1]",     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	struct ip out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(ip_read(span_str(bad[i]), &out));
		assert_false(ip_is_known(&out));
	}
	assert_false(ip_read(span_of("1.2.3.4\0", 8), &out));
}

static void address_of_a_socket_is_known_whatever_its_family(void **state)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(0x0a010203)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct ip from_v4 = ip_of((struct sockaddr *)&v4), want_v4 = ip("10.1.2.3");
	struct ip from_v6 = ip_of((struct sockaddr *)&v6), want_v6 = ip("::1");
	struct ip none = ip_of(&other);

	(void)state;
	assert_memory_equal(&from_v4, &want_v4, sizeof from_v4);
	assert_memory_equal(&from_v6, &want_v6, sizeof from_v6);
	assert_false(ip_is_known(&none));
}

static void check_in(const char *ranges, const char *address, bool is)
{
	struct span bad;
	struct ip_set *set = ip_set_new(span_str(ranges), &bad);
	struct ip one = ip(address);

	assert_non_null(set);
	assert_int_equal(ip_set_has(set, &one), is);
	ip_set_free(&set);
}

static void range_holds_what_shares_its_first_bits(void **state)
{
	(void)state;
	check_in("10.0.0.0/8 192.168.1.7", "10.255.0.1", true);
	check_in("10.0.0.0/8 192.168.1.7", "::ffff:10.0.0.1", true);
	check_in("10.0.0.0/8 192.168.1.7", "11.0.0.1", false);
	check_in("10.0.0.0/8  192.168.1.7 ", "192.168.1.7", true);
	check_in("10.0.0.0/8 192.168.1.7", "192.168.1.6", false);
	check_in("172.16.0.0/12", "172.31.255.255", true);
	check_in("172.16.0.0/12", "172.32.0.0", false);
	check_in("fd00::/8", "fdff::1", true);
	check_in("fd00::/8", "fe00::1", false);
	check_in("0.0.0.0/0", "9.9.9.9", true);
	check_in("0.0.0.0/0", "2001:db8::1", false);
	check_in("::/0", "9.9.9.9", true);
	check_in("", "127.0.0.1", false);
}

static void range_that_is_none_is_named(void **state)
{
	static const char *const bad[] = {"10.0.0.0/33", "::/129",           "10.0.0.0/",
					  "10.0.0.0/8x", "10.0.0.0/-1",      "proxy",
					  "/8",          "10.0.0.0,10.0.0.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[64] = "127.0.0.1 ";
		struct span named;

		strcat(text, bad[i]);
		assert_null(ip_set_new(span_str(text), &named));
		assert_true(span_is(named, bad[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_is_shown_as_it_is_usually_written),
		cmocka_unit_test(what_is_no_address_is_not_read),
		cmocka_unit_test(address_of_a_socket_is_known_whatever_its_family),
		cmocka_unit_test(range_holds_what_shares_its_first_bits),
		cmocka_unit_test(range_that_is_none_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
