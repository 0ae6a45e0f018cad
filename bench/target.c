/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define PER_SOURCE 10000

static enum err target_read(struct sockaddr_in *, struct span text, bool needs_port,
			    struct buf *why);
static bool look_up(struct sockaddr_in *, const char *host);

enum err targets_read(struct targets *t, const char *text, bool needs_port, struct buf *why)
{
	struct span rest = span_str(text);

	t->count = 0;
	while (rest.len) {
		struct span one = span_until(&rest, ',');

		if (t->count == TARGETS_MAX) {
			buf_printf(why, "at most %d addresses", TARGETS_MAX);
			return ERR_BAD_REQUEST;
		}
		enum err err = target_read(&t->at[t->count], one, needs_port, why);
		if (err)
			return err;
		t->count++;
	}
	if (t->count)
		return OK;
	buf_put_str(why, "an address is needed");
	return ERR_BAD_REQUEST;
}

static enum err target_read(struct sockaddr_in *at, struct span text, bool needs_port,
			    struct buf *why)
{
	char host[256];
	const uint8_t *colon = text.len ? memrchr(text.p, ':', text.len) : NULL;
	size_t host_len = colon ? (size_t)(colon - text.p) : text.len;
	unsigned long port = 0;

	*at = (struct sockaddr_in){.sin_family = AF_INET};
	if (host_len && host_len < sizeof host) {
		memcpy(host, text.p, host_len);
		host[host_len] = '\0';
		for (size_t i = host_len + 1; i < text.len && port <= 65535; i++)
			port = text.p[i] >= '0' && text.p[i] <= '9'
				       ? port * 10 + (unsigned long)(text.p[i] - '0')
				       : 65536;
		at->sin_port = htons((uint16_t)port);
		if (port <= 65535 && (port > 0) == needs_port && look_up(at, host))
			return OK;
	}
	buf_printf(why, "expected %s, not \"%.*s\"", needs_port ? "HOST:PORT" : "an address",
		   SPAN_ARGS(text));
	return ERR_BAD_REQUEST;
}

static bool look_up(struct sockaddr_in *at, const char *host)
{
	struct addrinfo how = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;

	if (getaddrinfo(host, NULL, &how, &found))
		return false;
	at->sin_addr = ((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_addr;
	freeaddrinfo(found);
	return true;
}

void targets_spread(struct targets *from, const struct targets *to, size_t connections)
{
	size_t needed = (connections + PER_SOURCE - 1) / PER_SOURCE;

	from->count = 0;
	for (size_t i = 0; i < to->count; i++)
		if (ntohl(to->at[i].sin_addr.s_addr) >> 24 != 127)
			return;
	for (size_t i = 0; needed > 1 && i < needed && i < TARGETS_MAX; i++) {
		from->at[i] = (struct sockaddr_in){.sin_family = AF_INET};
		from->at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)i);
		from->count++;
	}
}
