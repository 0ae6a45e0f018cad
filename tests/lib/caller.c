/* SPDX-License-Identifier: Apache-2.0 */
/* Connects and says at once, since the kernel takes both in; only hearing needs the loop to turn.
 */
#include "tests/lib/caller.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/lib/until.h"

enum { PATIENCE_MS = 10000 };

static void gather(struct caller *c)
{
	while (!c->ended && !c->reset && c->len < sizeof c->got - 1) {
		ssize_t len =
			recv(c->fd, c->got + c->len, sizeof c->got - 1 - c->len, MSG_DONTWAIT);

		if (len < 0 && errno == EAGAIN)
			return;
		if (len > 0)
			c->len += (size_t)len;
		c->ended = len == 0;
		c->reset = len < 0;
		c->got[c->len] = '\0';
	}
}

void caller_open(struct caller *c, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	memset(c, 0, sizeof *c);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(c->fd >= 0);
	must(connect(c->fd, (struct sockaddr *)&at, sizeof at) == 0);
}

void caller_say(struct caller *c, const char *text)
{
	caller_say_bytes(c, span_str(text));
}

void caller_say_bytes(struct caller *c, struct span bytes)
{
	must(send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len);
}

void caller_close(struct caller *c)
{
	close(c->fd);
	c->fd = -1;
}

bool caller_has_ended(void *caller)
{
	struct caller *c = caller;

	gather(c);
	return c->ended || c->reset;
}

bool caller_has(void *caller)
{
	struct caller *c = caller;

	gather(c);
	return c->len >= c->want;
}

void caller_ask(struct caller *c, struct loop *loop, uint16_t port, const char *text)
{
	caller_open(c, port);
	caller_say(c, text);
	must(loop_until(loop, PATIENCE_MS, caller_has_ended, c));
	caller_close(c);
}
