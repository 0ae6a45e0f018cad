/* SPDX-License-Identifier: Apache-2.0 */
/* What the strict reader of request heads lets through, and every liberty that it does not. */
#include "common/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"

static const char upgrade[] = "GET /ws/submission/42?token=a%20b&x=1 HTTP/1.1\r\n"
			      "Host: example.org:8080\r\n"
			      "Upgrade: websocket\r\n"
			      "Connection: keep-alive, Upgrade\r\n"
			      "Sec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ==\t \r\n"
			      "X-Empty:\r\n"
			      "\r\n";

/* The bytes alone on the heap, so that the sanitizer sees a read past their end. */
static enum err read_bytes(const void *bytes, size_t len, size_t *head_len)
{
	static struct request r;
	void *copy = mem_copy(bytes, len);
	enum err err = request_read(&r, span_of(copy, len));

	mem_free(copy);
	*head_len = r.head_len;
	return err;
}

static enum err read_text(const char *text)
{
	size_t head_len;
	enum err err = read_bytes(text, strlen(text), &head_len);

	if (err == OK)
		assert_int_equal(head_len, strlen(text));
	return err;
}

static void request_of_a_browser_is_read(void **state)
{
	static struct request r;

	(void)state;
	assert_int_equal(request_read(&r, SPAN(upgrade)), OK);
	assert_int_equal(r.head_len, sizeof upgrade - 1);
	assert_true(span_is(r.method, "GET"));
	assert_true(span_is(r.target, "/ws/submission/42?token=a%20b&x=1"));
	assert_true(span_is(r.path, "/ws/submission/42"));
	assert_true(span_is(r.query, "token=a%20b&x=1"));
	assert_true(span_is(request_field(&r, "sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ=="));
	assert_non_null(request_field(&r, "x-empty").p);
	assert_int_equal(request_field(&r, "x-empty").len, 0);
	assert_null(request_field(&r, "cookie").p);
	assert_int_equal(r.body_len, 0);
}

static void every_prefix_asks_for_more(void **state)
{
	size_t head_len;

	(void)state;
	for (size_t len = 0; len < sizeof upgrade - 1; len++) {
		assert_int_equal(read_bytes(upgrade, len, &head_len), OK);
		assert_int_equal(head_len, 0);
	}
}

static void bytes_after_the_head_are_not_read(void **state)
{
	static const char text[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\0\1\2";
	static struct request r;

	(void)state;
	assert_int_equal(request_read(&r, SPAN(text)), OK);
	assert_int_equal(r.head_len, sizeof text - 1 - 3);
	assert_int_equal(r.body_len, 5);
}

static void plain_requests_are_accepted(void **state)
{
	static const char *const good[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET / HTTP/1.1\r\nhOsT: [::1]:80\r\n\r\n",
		"GET /healthz HTTP/1.0\r\n\r\n",
		"GET /healthz HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:00012 \r\n\r\n",
		"GET //x/../y?a=b?c&d HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9\ttab\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a:b:c\r\n\r\n",
		"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (read_text(good[i]) != OK)
			fail_msg("refused: %s", good[i]);
	}
}

static void liberties_are_refused(void **state)
{
	static const char *const bad[] = {
		/* the request line */
		"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
		" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
		"GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\r\nHost: a\r\n\r\n",
		"GET / http/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
		"GET / HTTP/11\r\nHost: a\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /# HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
		"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
		"ABCDEFGHIJKLMNOPQ / HTTP/1.1\r\nHost: a\r\n\r\n",
		/* line ends */
		"GET / HTTP/1.1\nHost: a\n\n",
		"GET / HTTP/1.1\r\nHost: a\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\n",
		"GET / HTTP/1.1\rHost: a\r\r",
		"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
		"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
		/* fields */
		"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n\tx: y\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX\xe9: b\r\n\r\n",
		/* Host */
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
		/* the length of the body */
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\n\r\n",
		/* ways into HTTP/2 */
		"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket, H2C\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: HTTP/2.0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (read_text(bad[i]) != ERR_BAD_REQUEST)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void other_versions_are_refused_by_name(void **state)
{
	static const char *const other[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"GET / HTTP/1.2\r\n\r\n",
		"GET / HTTP/0.9\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(read_text(other[i]), ERR_HTTP_VERSION);
}

static void nul_bytes_are_refused_anywhere(void **state)
{
	static const char text[] = "GET /x HTTP/1.1\r\nHost: a\r\nX: yz\r\n\r\n";
	char copy[sizeof text];
	size_t head_len;

	(void)state;
	for (size_t i = 0; i < sizeof text - 1; i++) {
		memcpy(copy, text, sizeof text);
		copy[i] = '\0';
		if (read_bytes(copy, sizeof text - 1, &head_len) == OK)
			assert_int_equal(head_len, 0);
		assert_int_not_equal(head_len, sizeof text - 1);
	}
}

static void what_cannot_be_http_is_refused_before_its_first_line_ends(void **state)
{
	size_t head_len;

	(void)state;
	assert_int_equal(read_bytes("\x16\x03\x01\x02\x00\x01", 6, &head_len), ERR_BAD_REQUEST);
	assert_int_equal(read_bytes("GET /\r x", 8, &head_len), ERR_BAD_REQUEST);
}

static void head_beyond_its_bound_is_refused(void **state)
{
	static char text[REQUEST_HEAD_MAX + 100];
	size_t len = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	size_t head_len;

	(void)state;
	memset(text + len, 'x', sizeof text - len);
	assert_int_equal(read_bytes(text, REQUEST_HEAD_MAX - 1, &head_len), OK);
	assert_int_equal(head_len, 0);
	assert_int_equal(read_bytes(text, REQUEST_HEAD_MAX, &head_len), ERR_HEAD_TOO_BIG);
	assert_int_equal(read_bytes(text, sizeof text, &head_len), ERR_HEAD_TOO_BIG);

	memcpy(text + REQUEST_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(read_bytes(text, sizeof text, &head_len), OK);
	assert_int_equal(head_len, REQUEST_HEAD_MAX);
}

static void too_many_fields_are_refused(void **state)
{
	char text[REQUEST_FIELDS_MAX * 8 + 64];

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		size_t len = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (int i = 1; i < REQUEST_FIELDS_MAX + extra; i++)
			len += (size_t)sprintf(text + len, "X: y\r\n");
		sprintf(text + len, "\r\n");
		assert_int_equal(read_text(text), extra ? ERR_HEAD_TOO_BIG : OK);
	}
}

static void assert_param(const char *query, const char *name, enum err err, const char *value)
{
	struct buf out;

	buf_init(&out, 16);
	assert_int_equal(request_param(span_str(query), name, &out), err);
	if (err == OK)
		assert_true(span_is(buf_span(&out), value));
	buf_fini(&out);
}

static void parameters_are_found_and_decoded(void **state)
{
	(void)state;
	assert_param("a=1&token=x%2By+z&b=2", "token", OK, "x+y z");
	assert_param("token", "token", OK, "");
	assert_param("token=&token=2", "token", OK, "");
	assert_param("to%6ben=1", "token", OK, "1");
	assert_param("x=1&y=a=b", "y", OK, "a=b");
	assert_param("%zz=1&t=2", "t", OK, "2");
	assert_param("", "t", ERR_NO_PATH, NULL);
	assert_param("tt=1&T=2", "t", ERR_NO_PATH, NULL);
	assert_param("t=%", "t", ERR_BAD_REQUEST, NULL);
	assert_param("t=%4", "t", ERR_BAD_REQUEST, NULL);
	assert_param("t=%4g", "t", ERR_BAD_REQUEST, NULL);
	assert_param("t=a%00b", "t", ERR_BAD_REQUEST, NULL);
	assert_param("t=longer-than-sixteen", "t", ERR_BAD_REQUEST, NULL);
}

static void path_segment_keeps_its_plus(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(request_decode(SPAN("a+b%2Fc%C3%A9"), &out), OK);
	assert_true(span_is(buf_span(&out), "a+b/c\xc3\xa9"));
	buf_fini(&out);
}

static void codings_are_accepted_as_named(void **state)
{
	static const struct {
		const char *says;
		bool gzip;
	} cases[] = {
		{"gzip, deflate, br, zstd", true},
		{"br;q=1.0 , GZIP ; q=0.8", true},
		{"gzip;q=1", true},
		{"deflate,gzip", true},
		{"", false},
		{"br, deflate", false},
		{"gzipped", false},
		{"gzip;q=0", false},
		{"br, gzip; Q=0.000", false},
		{"identity;q=1, *;q=0", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char head[200];
		struct request r;

		snprintf(head, sizeof head,
			 "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: %s\r\n\r\n", cases[i].says);
		assert_int_equal(request_read(&r, span_str(head)), OK);
		assert_int_equal(request_accepts(&r, "gzip"), cases[i].gzip);
	}
	struct request r;

	assert_int_equal(request_read(&r, SPAN("GET / HTTP/1.1\r\nHost: h\r\n\r\n")), OK);
	assert_false(request_accepts(&r, "gzip"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_a_browser_is_read),
		cmocka_unit_test(every_prefix_asks_for_more),
		cmocka_unit_test(bytes_after_the_head_are_not_read),
		cmocka_unit_test(plain_requests_are_accepted),
		cmocka_unit_test(liberties_are_refused),
		cmocka_unit_test(other_versions_are_refused_by_name),
		cmocka_unit_test(nul_bytes_are_refused_anywhere),
		cmocka_unit_test(what_cannot_be_http_is_refused_before_its_first_line_ends),
		cmocka_unit_test(head_beyond_its_bound_is_refused),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(parameters_are_found_and_decoded),
		cmocka_unit_test(path_segment_keeps_its_plus),
		cmocka_unit_test(codings_are_accepted_as_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
