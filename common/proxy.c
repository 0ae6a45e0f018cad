/* SPDX-License-Identifier: Apache-2.0 */
/* By proxy-protocol.txt of HAProxy, 2020/03/05. */
#include "common/proxy.h"

#include <string.h>

#define START 12 /* as long as the signature of version 2, shorter than any line of version 1 */
#define LINE_MAX_BYTES 107
#define BINARY_HEAD 16 /* signature, version and command, family, length */
#define V4_LEN 12      /* two addresses, two ports */
#define V6_LEN 36

static const uint8_t signature[START] = {'\r', '\n', '\r', '\n', '\0', '\r',
					 '\n', 'Q',  'U',  'I',  'T',  '\n'};

static bool is_binary(struct span bytes);
static enum err line_wants(struct span bytes, size_t *more);
static enum err binary_wants(struct span bytes, size_t *more);
static size_t binary_len(struct span bytes);
static enum err read_line(struct span line, struct ip *from);
static bool is_port(struct span text);
static enum err read_binary(struct span header, struct ip *from);

enum err proxy_wants(struct span bytes, size_t *more)
{
	*more = 0;
	if (bytes.len < START) {
		*more = START - bytes.len;
		return OK;
	}
	if (is_binary(bytes))
		return binary_wants(bytes, more);
	return span_starts(bytes, "PROXY ") ? line_wants(bytes, more) : ERR_BAD_REQUEST;
}

enum err proxy_read(struct span header, struct ip *from)
{
	size_t more;

	*from = (struct ip){0};
	if (proxy_wants(header, &more) != OK || more > 0)
		return ERR_BAD_REQUEST;
	return is_binary(header) ? read_binary(header, from) : read_line(header, from);
}

static bool is_binary(struct span bytes)
{
	return memcmp(bytes.p, signature, START) == 0;
}

/* It ends with CR LF, so as long as there is no CR two more bytes are its own. */
static enum err line_wants(struct span bytes, size_t *more)
{
	const uint8_t *end = memchr(bytes.p, '\r', bytes.len);
	size_t after = end ? (size_t)(bytes.p + bytes.len - end) - 1 : 0;

	if (!end)
		*more = 2;
	else if (after == 0)
		*more = 1;
	else if (after > 1 || end[1] != '\n')
		return ERR_BAD_REQUEST;
	return bytes.len + *more > LINE_MAX_BYTES ? ERR_BAD_REQUEST : OK;
}

static enum err binary_wants(struct span bytes, size_t *more)
{
	size_t whole = bytes.len < BINARY_HEAD ? BINARY_HEAD : BINARY_HEAD + binary_len(bytes);

	if (whole > PROXY_HEADER_MAX || bytes.len > whole)
		return ERR_BAD_REQUEST;
	*more = whole - bytes.len;
	return OK;
}

static size_t binary_len(struct span bytes)
{
	return (size_t)bytes.p[14] << 8 | bytes.p[15];
}

static enum err read_line(struct span line, struct ip *from)
{
	struct span rest = span_of(line.p, line.len - 2), to_port;
	struct ip to;

	(void)span_until(&rest, ' ');
	struct span family = span_until(&rest, ' ');

	if (span_is(family, "UNKNOWN"))
		return OK;
	struct span source = span_until(&rest, ' '), target = span_until(&rest, ' ');
	struct span source_port = span_until(&rest, ' ');
	bool v6 = span_is(family, "TCP6");

	to_port = rest;
	if ((!v6 && !span_is(family, "TCP4")) || !is_port(source_port) || !is_port(to_port) ||
	    (memchr(source.p, ':', source.len) != NULL) != v6 || !ip_read(target, &to) ||
	    !ip_read(source, from)) {
		*from = (struct ip){0};
		return ERR_BAD_REQUEST;
	}
	return OK;
}

static bool is_port(struct span text)
{
	unsigned port = 0;

	if (text.len == 0 || text.len > 5)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text.p[i] - '0');
	}
	return port <= UINT16_MAX;
}

static enum err read_binary(struct span header, struct ip *from)
{
	enum { LOCAL = 0x20, PROXIED = 0x21, TCP4 = 0x11, TCP6 = 0x21 };
	unsigned command = header.p[12], family = header.p[13];
	const uint8_t *addresses = header.p + BINARY_HEAD;
	size_t len = header.len - BINARY_HEAD;

	if (command == LOCAL) /* a health check of the proxy: whatever follows counts for nothing */
		return OK;
	if (command != PROXIED || (family == TCP4 && len < V4_LEN) ||
	    (family == TCP6 && len < V6_LEN))
		return ERR_BAD_REQUEST;
	if (family == TCP4)
		*from = ip_of_v4(addresses);
	else if (family == TCP6)
		*from = ip_of_v6(addresses);
	return OK;
}
