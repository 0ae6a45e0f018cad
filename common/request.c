/* SPDX-License-Identifier: Apache-2.0 */
/* A strict reader of one request head: it accepts what RFC 9112 has every client send and refuses
 * each liberty that two readers could understand differently.
 * docs/decisions/0002-own-http-request-head.md */
#include "common/request.h"

#include <string.h>
#include <strings.h>

#define METHOD_MAX 16
#define LENGTH_DIGITS_MAX 15 /* a Content-Length of more is nonsense, and would overflow */
#define PARAM_NAME_MAX 64
#define VERSION_LEN (sizeof "HTTP/1.1" - 1)

struct head {
	struct request *r;
	bool is_http_1_0;
};

static bool cut_line(struct span bytes, size_t *at, struct span *line);
static enum err read_request_line(struct head *h, struct span line);
static enum err read_version(struct head *h, struct span text);
static enum err read_field(struct head *h, struct span line);
static enum err check_head(const struct head *h);
static bool has_good_host(const struct head *h);
static bool wants_http_2(const struct request *r);
static enum err read_body_len(struct request *r);
static bool is_never(struct span weight);
static size_t count_fields(const struct request *r, const char *name);
static bool is_named(struct span name, const char *s);
static struct span trim(struct span s);
static bool is_token(struct span s);
static bool has_only(struct span s, const char *also);
static bool is_text(struct span s);
static bool is_visible(struct span s);
static enum err decode(struct span s, bool plus_is_space, struct buf *out);
static int hex_pair(const uint8_t *p);
static bool param_is(struct span raw_name, const char *name);

enum err request_read(struct request *r, struct span bytes)
{
	struct head h = {.r = r};
	bool is_full = bytes.len >= REQUEST_HEAD_MAX;
	struct span line;
	size_t at = 0;

	memset(r, 0, sizeof *r);
	if (is_full)
		bytes.len = REQUEST_HEAD_MAX;
	for (size_t number = 0; cut_line(bytes, &at, &line); number++) {
		bool is_end = number > 0 && line.len == 0;
		enum err err = is_end        ? check_head(&h)
			       : number == 0 ? read_request_line(&h, line)
					     : read_field(&h, line);

		if (is_end && err == OK)
			r->head_len = at;
		if (is_end || err != OK)
			return err;
	}
	struct span tail = span_from(bytes, at);
	if (tail.len > 0 && tail.p[tail.len - 1] == '\r')
		tail.len--; /* its newline may still come */
	if (!is_text(tail))
		return ERR_BAD_REQUEST;
	return is_full ? ERR_HEAD_TOO_BIG : OK;
}

struct span request_field(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->field_count; i++) {
		if (is_named(r->fields[i].name, name))
			return r->fields[i].value;
	}
	return SPAN_NONE;
}

bool request_accepts(const struct request *r, const char *coding)
{
	struct span list = request_field(r, "Accept-Encoding");

	while (list.len > 0) {
		struct span weight = span_until(&list, ',');
		struct span name = span_until(&weight, ';');

		if (is_named(trim(name), coding))
			return !is_never(trim(weight));
	}
	return false;
}

enum err request_param(struct span query, const char *name, struct buf *out)
{
	while (query.len > 0) {
		struct span value = span_until(&query, '&');
		struct span raw_name = span_until(&value, '=');

		if (param_is(raw_name, name))
			return decode(value, true, out);
	}
	return ERR_NO_PATH;
}

enum err request_decode(struct span percent_encoded, struct buf *out)
{
	return decode(percent_encoded, false, out);
}

/* A line that does not end with CR LF keeps its LF, which no reader of lines accepts. */
static bool cut_line(struct span bytes, size_t *at, struct span *line)
{
	struct span rest = span_from(bytes, *at);
	const uint8_t *end = rest.len ? memchr(rest.p, '\n', rest.len) : NULL;

	if (!end)
		return false;
	size_t len = (size_t)(end - rest.p) + 1;
	*line = span_of(rest.p, len);
	*at += len;
	if (len >= 2 && end[-1] == '\r')
		line->len = len - 2;
	return true;
}

static enum err read_request_line(struct head *h, struct span line)
{
	struct request *r = h->r;
	struct span rest = line;

	if (line.len <= VERSION_LEN || !is_text(line))
		return ERR_BAD_REQUEST;
	r->method = span_until(&rest, ' ');
	r->target = span_until(&rest, ' ');
	enum err err = read_version(h, rest);
	if (err != OK)
		return err;
	if (r->method.len > METHOD_MAX || !is_token(r->method) || !is_visible(r->target) ||
	    r->target.p[0] != '/')
		return ERR_BAD_REQUEST;
	r->query = r->target;
	r->path = span_until(&r->query, '?');
	return OK;
}

static enum err read_version(struct head *h, struct span text)
{
	if (text.len != VERSION_LEN || !span_starts(text, "HTTP/") || text.p[6] != '.')
		return ERR_BAD_REQUEST;
	h->is_http_1_0 = span_is(text, "HTTP/1.0");
	if (!h->is_http_1_0 && !span_is(text, "HTTP/1.1"))
		return ERR_HTTP_VERSION;
	if (h->is_http_1_0 && !span_is(h->r->method, "GET"))
		return ERR_HTTP_VERSION; /* old health checks only GET */
	return OK;
}

static enum err read_field(struct head *h, struct span line)
{
	struct request *r = h->r;
	struct request_field field = {.value = line};

	if (!memchr(line.p, ':', line.len))
		return ERR_BAD_REQUEST;
	field.name = span_until(&field.value, ':');
	field.value = field.value.p ? trim(field.value) : span_of(line.p + line.len, 0);
	if (!is_token(field.name) || !is_text(field.value))
		return ERR_BAD_REQUEST;
	if (r->field_count == REQUEST_FIELDS_MAX)
		return ERR_HEAD_TOO_BIG;
	r->fields[r->field_count++] = field;
	return OK;
}

static enum err check_head(const struct head *h)
{
	const struct request *r = h->r;

	if (!has_good_host(h) || wants_http_2(r) || count_fields(r, "Transfer-Encoding") > 0)
		return ERR_BAD_REQUEST;
	if (h->is_http_1_0 && count_fields(r, "Upgrade") > 0)
		return ERR_HTTP_VERSION;
	return read_body_len(h->r);
}

static bool has_good_host(const struct head *h)
{
	size_t count = count_fields(h->r, "Host");

	if (count == 0)
		return h->is_http_1_0;
	return count == 1 && has_only(request_field(h->r, "Host"), "-._~%!$&'()*+,;=:[]");
}

static bool wants_http_2(const struct request *r)
{
	if (count_fields(r, "HTTP2-Settings") > 0)
		return true;
	for (size_t i = 0; i < r->field_count; i++) {
		struct span list = r->fields[i].value;

		if (!is_named(r->fields[i].name, "Upgrade"))
			continue;
		while (list.len > 0) {
			struct span one = trim(span_until(&list, ','));
			if (is_named(one, "h2c") || is_named(one, "h2") ||
			    (one.len >= 5 && strncasecmp((const char *)one.p, "HTTP/", 5) == 0))
				return true;
		}
	}
	return false;
}

static enum err read_body_len(struct request *r)
{
	size_t count = count_fields(r, "Content-Length");
	struct span digits = request_field(r, "Content-Length");

	if (count == 0)
		return OK;
	if (count > 1 || digits.len == 0 || digits.len > LENGTH_DIGITS_MAX)
		return ERR_BAD_REQUEST;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return ERR_BAD_REQUEST;
		r->body_len = r->body_len * 10 + (uint64_t)(digits.p[i] - '0');
	}
	return OK;
}

/* q=0, q=0.0, q=0.00 or q=0.000 */
static bool is_never(struct span weight)
{
	if (weight.len < 3 || (weight.p[0] | 0x20) != 'q' || weight.p[1] != '=')
		return false;
	for (size_t i = 2; i < weight.len; i++) {
		if (weight.p[i] != '0' && weight.p[i] != '.')
			return false;
	}
	return true;
}

static size_t count_fields(const struct request *r, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < r->field_count; i++)
		count += is_named(r->fields[i].name, name);
	return count;
}

static bool is_named(struct span name, const char *s)
{
	return name.len == strlen(s) && strncasecmp((const char *)name.p, s, name.len) == 0;
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_of(s.p + 1, s.len - 1);
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool is_token(struct span s)
{
	return s.len > 0 && has_only(s, "!#$%&'*+-.^_`|~");
}

/* Letters, digits, and the characters of `also`. */
static bool has_only(struct span s, const char *also)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

		if (!is_letter && !(c >= '0' && c <= '9') && (c == 0 || !strchr(also, c)))
			return false;
	}
	return true;
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

static bool is_visible(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#')
			return false;
	}
	return s.len > 0;
}

/* An encoded NUL is refused: no name or token of ours holds one, and C would end there. */
static enum err decode(struct span s, bool plus_is_space, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		int c = s.p[i];

		if (c == '%') {
			c = s.len - i > 2 ? hex_pair(s.p + i + 1) : -1;
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c <= 0)
			return ERR_BAD_REQUEST;
		buf_put_u8(out, (uint8_t)c);
	}
	return out->over ? ERR_BAD_REQUEST : OK;
}

static int hex_pair(const uint8_t *p)
{
	int value = 0;

	for (int i = 0; i < 2; i++) {
		uint8_t c = p[i], letter = p[i] | 0x20;

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if (letter >= 'a' && letter <= 'f')
			value = value * 16 + letter - 'a' + 10;
		else
			return -1;
	}
	return value;
}

static bool param_is(struct span raw_name, const char *name)
{
	struct buf plain;

	buf_init(&plain, PARAM_NAME_MAX);
	bool same = decode(raw_name, true, &plain) == OK && span_is(buf_span(&plain), name);
	buf_fini(&plain);
	return same;
}
