/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool split(struct span text, struct span *host, struct span *port);
static bool is_port(struct span text);

bool address_read(struct span text, const char *port, struct address *out, struct buf *why)
{
	struct span host = text, given = span_str(port);

	if (span_starts(text, "https://")) {
		buf_printf(why, "%.*s: mootctl speaks http only; name a port without TLS",
			   SPAN_ARGS(text));
		return false;
	}
	if (span_starts(host, "http://"))
		host = span_from(host, 7);
	if (host.len > 0 && host.p[host.len - 1] == '/')
		host.len--;
	if (!split(host, &host, &given) || host.len == 0 || host.len >= ADDRESS_HOST_MAX ||
	    !is_port(given)) {
		buf_printf(why, "\"%.*s\" is no address; write host:port", SPAN_ARGS(text));
		return false;
	}
	snprintf(out->host, sizeof out->host, "%.*s", SPAN_ARGS(host));
	snprintf(out->port, sizeof out->port, "%.*s", SPAN_ARGS(given));
	return true;
}

void address_put_encoded(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (isalnum(text.p[i]) || (text.p[i] && strchr("-._~", text.p[i])))
			buf_put_u8(out, text.p[i]);
		else
			buf_printf(out, "%%%02X", text.p[i]);
}

/* An IPv6 address stands in brackets. */
static bool split(struct span text, struct span *host, struct span *port)
{
	struct span rest = text;

	if (text.len > 0 && text.p[0] == '[') {
		rest = span_from(text, 1);
		*host = span_until(&rest, ']');
		if (host->len + 2 > text.len)
			return false;
		rest = span_from(text, host->len + 2);
		if (rest.len > 0 && rest.p[0] != ':')
			return false;
		if (rest.len > 0)
			*port = span_from(rest, 1);
		return true;
	}
	*host = span_until(&rest, ':');
	if (host->len < text.len)
		*port = rest;
	return true;
}

static bool is_port(struct span text)
{
	unsigned n = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (!isdigit(text.p[i]) || n > 65535)
			return false;
		n = n * 10 + (unsigned)(text.p[i] - '0');
	}
	return n >= 1 && n <= 65535;
}
