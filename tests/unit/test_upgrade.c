/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request asks for a WebSocket, and whether it asks properly. */
#include "gateway/upgrade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static struct request request_with(const char *fields)
{
	static char bytes[1024];
	struct request r;
	int len =
		snprintf(bytes, sizeof bytes, "GET /ws/test HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);

	assert_int_equal(request_read(&r, span_of(bytes, (size_t)len)), OK);
	return r;
}

static unsigned asked(const char *fields)
{
	struct request r = request_with(fields);

	return upgrade_asked(&r).status;
}

static unsigned valid(const char *fields)
{
	struct request r = request_with(fields);

	return upgrade_valid(&r).status;
}

static void upgrade_is_asked_for_by_the_exact_word(void **state)
{
	(void)state;
	assert_int_equal(asked(""), 426);
	assert_int_equal(asked("Upgrade: WebSocket\r\n"), 426);
	assert_int_equal(asked("Upgrade: websocket, foo\r\n"), 426);
	assert_int_equal(asked("Upgrade: websocket\r\n"), 0);
	assert_int_equal(asked("upgrade:   websocket \r\n"), 0);
}

static bool native(const char *fields)
{
	struct request r = request_with(fields);

	return upgrade_is_native(&r);
}

static void upgrade_is_native_when_the_subprotocol_is_among_those_asked_for(void **state)
{
	(void)state;
	assert_false(native("Sec-WebSocket-Protocol: chat, x\r\n"));
	assert_false(native("Sec-WebSocket-Protocol: moot.v12\r\n"));
	assert_true(native("Sec-WebSocket-Protocol: moot.v1\r\n"));
	assert_true(native("Sec-WebSocket-Protocol: chat,moot.v1\r\n"));
}

static void upgrade_needs_connection_version_and_key(void **state)
{
	struct request r;

	(void)state;
	assert_int_equal(valid("Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			       "Sec-WebSocket-Key: " KEY "\r\n"),
			 0);
	assert_int_equal(valid("Connection: close\r\nSec-WebSocket-Version: 13\r\n"
			       "Sec-WebSocket-Key: " KEY "\r\n"),
			 400);
	r = request_with(
		"Connection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " KEY
		"\r\n");
	assert_int_equal(upgrade_valid(&r).status, 426);
	assert_string_equal(upgrade_valid(&r).headers, "Sec-WebSocket-Version: 13\r\n");
	assert_true(span_is(upgrade_key(&r), KEY));
}

static void upgrade_key_is_16_bytes_in_base64(void **state)
{
	static const char *const keys[] = {
		"",
		"abc",
		"dGhlIHNhbXBsZSBub25jZQ=",
		"dGhlIHNhbXBsZSBub25jZQAA",
		"dGhlIHNhbXBsZSBub25jZ===",
		"dGhlIHNhbXBsZSBub25 ZQ==",
		"dGhlIHNhbXBsZSBub25jZQ==A",
		"dGhlIHNhbXBs-SBub25jZQ==",
	};
	char fields[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		snprintf(fields, sizeof fields,
			 "Connection: upgrade\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: %s\r\n",
			 keys[i]);
		assert_int_equal(valid(fields), 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upgrade_is_asked_for_by_the_exact_word),
		cmocka_unit_test(upgrade_is_native_when_the_subprotocol_is_among_those_asked_for),
		cmocka_unit_test(upgrade_needs_connection_version_and_key),
		cmocka_unit_test(upgrade_key_is_16_bytes_in_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
