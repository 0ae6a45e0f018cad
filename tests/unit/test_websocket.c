/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of every length, there and back, in one piece and byte by byte. */
#include "bench/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

static void frames_of_all_lengths_come_back(void **state)
{
	static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 200000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		uint8_t *body = mem_new(lengths[i] + 1);
		struct websocket_frame f;
		struct buf out;

		memset(body, 'm', lengths[i]);
		buf_init(&out, 1u << 20);
		websocket_put(&out, WEBSOCKET_TEXT, span_of(body, lengths[i]));
		for (size_t part = 0; part < out.len; part += part < 16 ? 1 : 1000)
			assert_int_equal(websocket_take(span_of(out.p, part), &f), 0);
		assert_int_equal(websocket_take(buf_span(&out), &f), out.len);
		assert_int_equal(f.op, WEBSOCKET_TEXT);
		assert_true(f.is_last);
		assert_true(span_eq(f.body, span_of(body, lengths[i])));
		buf_fini(&out);
		mem_free(body);
	}
}

static void what_a_client_sends_is_masked(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	websocket_put(&out, WEBSOCKET_PONG, SPAN("hi"));

	assert_memory_equal(out.p, "\x8a\x82\0\0\0\0hi", 8);
	buf_fini(&out);
}

static void an_answer_is_taken_when_its_head_is_whole(void **state)
{
	struct span answer =
		SPAN("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81");
	unsigned status;

	(void)state;
	assert_int_equal(websocket_take_answer(span_of(answer.p, 20), &status), 0);
	assert_int_equal(websocket_take_answer(answer, &status), answer.len - 1);
	assert_int_equal(status, 101);
	assert_int_equal(websocket_take_answer(SPAN("HTTP/1.1 503 No\r\n\r\n"), &status), 19);
	assert_int_equal(status, 503);
	assert_int_equal(websocket_take_answer(SPAN("nonsense\r\n\r\n"), &status), 12);
	assert_int_equal(status, 0);
}

static void a_close_has_a_code_or_none(void **state)
{
	(void)state;
	assert_int_equal(websocket_close_code(SPAN("\x03\xf4restart")), 1012);
	assert_int_equal(websocket_close_code(SPAN_NONE), 1005);
}

static void a_request_names_its_protocol(void **state)
{
	struct websocket_request r = {"host", "/v1/ws", "moot.v1"};
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	websocket_put_request(&out, &r);

	assert_true(span_starts(buf_span(&out), "GET /v1/ws HTTP/1.1\r\nHost: host\r\n"));
	assert_non_null(memmem(out.p, out.len, "Sec-WebSocket-Protocol: moot.v1\r\n\r\n", 35));
	buf_fini(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_lengths_come_back),
		cmocka_unit_test(what_a_client_sends_is_masked),
		cmocka_unit_test(an_answer_is_taken_when_its_head_is_whole),
		cmocka_unit_test(a_close_has_a_code_or_none),
		cmocka_unit_test(a_request_names_its_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
