/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header, read as from a socket: never a byte of what follows it. */
#include "common/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define BEHIND "GET / HTTP/1.1\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\x0a\x01\x02\x03\x7f\x00\x00\x01\x12\x34\x00\x50"
#define V6                                                                                         \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34\x00" \
	"\x50"

/* As the porch does it. `len` is how much was taken. */
static enum err read_from(struct span bytes, struct ip *from, size_t *len)
{
	size_t more;

	*len = 0;
	for (;;) {
		enum err e = proxy_wants(span_of(bytes.p, *len), &more);

		if (e != OK)
			return e;
		if (more == 0)
			return proxy_read(span_of(bytes.p, *len), from);
		if (*len + more > bytes.len)
			return ERR_TIMEOUT; /* it waits for more */
		*len += more;
		assert_true(*len <= PROXY_HEADER_MAX);
	}
}

static void check(struct span header, const char *shown)
{
	uint8_t bytes[1024];
	char text[IP_TEXT_MAX];
	struct ip from;
	size_t len;

	memcpy(bytes, header.p, header.len);
	memcpy(bytes + header.len, BEHIND, sizeof BEHIND - 1);
	assert_int_equal(read_from(span_of(bytes, header.len + sizeof BEHIND - 1), &from, &len),
			 OK);
	assert_int_equal(len, header.len);
	assert_string_equal(ip_text(&from, text), shown);
}

static void check_bad(struct span header)
{
	uint8_t bytes[2048];
	struct ip from;
	size_t len;

	memcpy(bytes, header.p, header.len);
	memset(bytes + header.len, 'x', sizeof bytes - header.len);
	assert_int_equal(read_from(span_of(bytes, sizeof bytes), &from, &len), ERR_BAD_REQUEST);
}

static void line_says_from_where(void **state)
{
	(void)state;
	check(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 56324 443\r\n"), "203.0.113.9");
	check(SPAN("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n"), "2001:db8::7");
	check(SPAN("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void line_may_leave_it_open(void **state)
{
	(void)state;
	check(SPAN("PROXY UNKNOWN\r\n"), "unknown");
	check(SPAN("PROXY UNKNOWN ffff::1 anything 1 2\r\n"), "unknown");
}

static void line_that_is_none_is_refused(void **state)
{
	(void)state;
	check_bad(SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	check_bad(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 56324\r\n"));
	check_bad(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 56324 443 1\r\n"));
	check_bad(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 56324 65536\r\n"));
	check_bad(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 -1 443\r\n"));
	check_bad(SPAN("PROXY TCP4  203.0.113.9 10.0.0.1 1 443\r\n"));
	check_bad(SPAN("PROXY TCP4 ::1 ::1 1 443\r\n"));
	check_bad(SPAN("PROXY TCP6 1.2.3.4 ::1 1 443\r\n"));
	check_bad(SPAN("PROXY TCP4 proxy 10.0.0.1 1 443\r\n"));
	check_bad(SPAN("PROXY UDP4 203.0.113.9 10.0.0.1 1 443\r\n"));
	check_bad(SPAN("PROXY TCP4 203.0.113.9 10.0.0.1 1 443\rx"));
	check_bad(SPAN("PROXY "));
	check_bad(SPAN("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00"));
}

static void binary_header_says_from_where(void **state)
{
	(void)state;
	check(SPAN(SIGNATURE "\x21\x11\x00\x0c" V4), "10.1.2.3");
	check(SPAN(SIGNATURE "\x21\x21\x00\x24" V6), "2001:db8::7");
	check(SPAN(SIGNATURE "\x21\x11\x00\x10" V4 "\x03\x00\x01\x00"), "10.1.2.3");
}

static void binary_header_may_leave_it_open(void **state)
{
	(void)state;
	check(SPAN(SIGNATURE "\x20\x00\x00\x00"), "unknown");
	check(SPAN(SIGNATURE "\x20\x11\x00\x0c" V4), "unknown");
	check(SPAN(SIGNATURE "\x21\x00\x00\x00"), "unknown");
	check(SPAN(SIGNATURE "\x21\x31\x00\x04path"), "unknown");
}

static void binary_header_that_is_none_is_refused(void **state)
{
	(void)state;
	check_bad(SPAN(SIGNATURE "\x11\x11\x00\x0c" V4));
	check_bad(SPAN(SIGNATURE "\x22\x11\x00\x0c" V4));
	check_bad(SPAN(SIGNATURE "\x21\x11\x00\x0b" V4));
	check_bad(SPAN(SIGNATURE "\x21\x21\x00\x0c" V4));
	check_bad(SPAN(SIGNATURE "\x21\x11\x02\x09" V4));
	check_bad(SPAN(SIGNATURE "\x21\x11\xff\xff" V4));
	check_bad(SPAN("\r\n\r\n\0\r\nQUIX\n\x21\x11\x00\x0c" V4));
}

static void header_that_is_cut_short_is_waited_for(void **state)
{
	static const char line[] = "PROXY TCP4 203.0.113.9 10.0.0.1 56324 443\r\n";
	static const char binary[] = SIGNATURE "\x21\x11\x00\x0c" V4;
	struct ip from;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof line - 1; i++)
		assert_int_equal(read_from(span_of(line, i), &from, &len), ERR_TIMEOUT);
	for (size_t i = 0; i < sizeof binary - 1; i++)
		assert_int_equal(read_from(span_of(binary, i), &from, &len), ERR_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_says_from_where),
		cmocka_unit_test(line_may_leave_it_open),
		cmocka_unit_test(line_that_is_none_is_refused),
		cmocka_unit_test(binary_header_says_from_where),
		cmocka_unit_test(binary_header_may_leave_it_open),
		cmocka_unit_test(binary_header_that_is_none_is_refused),
		cmocka_unit_test(header_that_is_cut_short_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
