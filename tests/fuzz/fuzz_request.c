/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request head. What is accepted must be unambiguous: it holds no control bytes, no
 * shorter prefix of it is a request, and when it is written again from its parts it reads the same.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "common/request.h"

static struct request first, again;

static void check_text(struct span whole, struct span part)
{
	must(part.len == 0 || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
	for (size_t i = 0; i < part.len; i++)
		must((part.p[i] >= 0x20 || part.p[i] == '\t') && part.p[i] != 0x7f);
}

static void check_prefixes(struct span bytes)
{
	for (size_t len = 0; len < first.head_len; len += 1 + len / 4) {
		must(request_read(&again, span_of(bytes.p, len)) == OK);
		must(again.head_len == 0);
	}
}

static void check_written_again(void)
{
	struct buf out;

	buf_init(&out, 2 * REQUEST_HEAD_MAX);
	buf_printf(&out, "%.*s %.*s ", SPAN_ARGS(first.method), SPAN_ARGS(first.target));
	buf_put_str(&out, request_field(&first, "Host").p ? "HTTP/1.1\r\n" : "HTTP/1.0\r\n");
	for (size_t i = 0; i < first.field_count; i++) {
		buf_put_span(&out, first.fields[i].name);
		buf_put_str(&out, ":");
		buf_put_span(&out, first.fields[i].value);
		buf_put_str(&out, "\r\n");
	}
	buf_put_str(&out, "\r\n");
	must(request_read(&again, buf_span(&out)) == OK && again.head_len == out.len);
	must(again.field_count == first.field_count && again.body_len == first.body_len);
	for (size_t i = 0; i < first.field_count; i++)
		must(span_eq(again.fields[i].value, first.fields[i].value));
	buf_fini(&out);
}

static void check_accepted(struct span bytes)
{
	must(first.head_len <= bytes.len && first.head_len <= REQUEST_HEAD_MAX);
	check_text(bytes, first.method);
	check_text(bytes, first.target);
	must(first.target.len > 0 && first.target.p[0] == '/' && first.path.p == first.target.p);
	for (size_t i = 0; i < first.field_count; i++) {
		check_text(bytes, first.fields[i].name);
		check_text(bytes, first.fields[i].value);
		must(!memchr(first.fields[i].name.p, ' ', first.fields[i].name.len));
	}
	must(!request_field(&first, "transfer-encoding").p);
	check_prefixes(bytes);
	check_written_again();
}

static void check_decoding(struct span bytes)
{
	struct buf out;

	buf_init(&out, 256);
	if (request_decode(bytes, &out) == OK)
		must(out.len <= bytes.len &&
		     !memchr(out.len ? (const void *)out.p : "x", 0, out.len));
	buf_clear(&out);
	enum err err = request_param(bytes, "token", &out);
	must(err == OK || err == ERR_NO_PATH || err == ERR_BAD_REQUEST);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span bytes = span_of(p, len);
	enum err err = request_read(&first, bytes);

	must(err == OK || err == ERR_BAD_REQUEST || err == ERR_HEAD_TOO_BIG ||
	     err == ERR_HTTP_VERSION);
	must(err == OK || first.head_len == 0);
	if (err == OK && first.head_len > 0)
		check_accepted(bytes);
	check_decoding(bytes);
	return 0;
}
