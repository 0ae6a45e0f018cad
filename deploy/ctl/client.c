/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/mono.h"

#define CHUNK_BYTES 65536

struct exchange {
	const struct client_request *request;
	struct buf *why;
	int fd;
	int64_t until_ns;
};

static struct addrinfo *look_up(const struct address *, struct buf *why);
static bool open_connection(struct exchange *);
static bool connect_to(struct exchange *, const struct addrinfo *);
static bool wait_for(struct exchange *, short events);
static bool say(struct exchange *);
static bool say_all(struct exchange *, struct span bytes);
static bool hear(struct exchange *, struct buf *in);
static bool read_answer(struct exchange *, struct span in, struct client_reply *);
static bool fail(struct exchange *, const char *what);

bool client_ask(const struct client_request *request, struct client_reply *reply, struct buf *why)
{
	struct exchange x = {.request = request, .why = why, .fd = -1};
	struct buf in;

	x.until_ns = mono_now_ns() + request->timeout_ns;
	reply->status = 0;
	buf_init(&reply->body, CLIENT_BODY_MAX);
	buf_init(&in, CLIENT_BODY_MAX);
	bool done = open_connection(&x) && say(&x) && hear(&x, &in) &&
		    read_answer(&x, buf_span(&in), reply);
	if (x.fd >= 0)
		close(x.fd);
	buf_fini(&in);
	return done;
}

size_t client_resolve(const struct address *a, struct address out[CLIENT_PEERS_MAX],
		      struct buf *why)
{
	struct addrinfo *all = look_up(a, why);
	size_t count = 0;

	for (const struct addrinfo *it = all; it && count < CLIENT_PEERS_MAX; it = it->ai_next) {
		struct address *to = &out[count];

		if (getnameinfo(it->ai_addr, it->ai_addrlen, to->host, sizeof to->host, to->port,
				sizeof to->port, NI_NUMERICHOST | NI_NUMERICSERV) == 0)
			count++;
	}
	if (all)
		freeaddrinfo(all);
	return count;
}

static struct addrinfo *look_up(const struct address *a, struct buf *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
	struct addrinfo *all = NULL;
	int rc = getaddrinfo(a->host, a->port, &hints, &all);

	if (rc)
		buf_printf(why, "%s:%s: %s", a->host, a->port, gai_strerror(rc));
	return rc ? NULL : all;
}

static bool open_connection(struct exchange *x)
{
	struct addrinfo *all = look_up(x->request->to, x->why);

	for (const struct addrinfo *it = all; it && x->fd < 0; it = it->ai_next)
		if (!connect_to(x, it) && x->fd >= 0) {
			close(x->fd);
			x->fd = -1;
		}
	if (all)
		freeaddrinfo(all);
	return x->fd >= 0;
}

static bool connect_to(struct exchange *x, const struct addrinfo *to)
{
	int err = 0;
	socklen_t len = sizeof err;

	buf_clear(x->why);
	x->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return fail(x, strerror(errno));
	if (connect(x->fd, to->ai_addr, to->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(x, strerror(errno));
	if (!wait_for(x, POLLOUT))
		return false;
	if (getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || err)
		return fail(x, strerror(err ? err : errno));
	return true;
}

static bool wait_for(struct exchange *x, short events)
{
	struct pollfd p = {.fd = x->fd, .events = events};

	for (;;) {
		int64_t left_ms = (x->until_ns - mono_now_ns()) / NS_PER_MS;
		int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;

		if (n > 0)
			return true;
		if (n == 0)
			return fail(x, "no answer in time");
		if (errno != EINTR)
			return fail(x, strerror(errno));
	}
}

static bool say(struct exchange *x)
{
	const struct client_request *r = x->request;
	struct buf out;

	buf_init(&out, CLIENT_BODY_MAX);
	buf_printf(&out, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n%s", r->method, r->path, r->to->host,
		   r->to->port, r->headers ? r->headers : "");
	if (r->body.len > 0)
		buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			   r->body.len);
	buf_put_str(&out, "\r\n");
	buf_put_span(&out, r->body);
	bool done = say_all(x, buf_span(&out));
	buf_fini(&out);
	return done;
}

static bool say_all(struct exchange *x, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(x->fd, bytes.p, bytes.len, MSG_NOSIGNAL);

		if (n > 0)
			bytes = span_from(bytes, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			return fail(x, strerror(errno));
		else if (!wait_for(x, POLLOUT))
			return false;
	}
	return true;
}

/* Until the other side closes, which a gateway and a shard do after one answer. */
static bool hear(struct exchange *x, struct buf *in)
{
	for (;;) {
		uint8_t *room = buf_room(in, CHUNK_BYTES);

		if (!room)
			return fail(x, "the answer is too long");
		ssize_t n = recv(x->fd, room, CHUNK_BYTES, 0);
		if (n == 0)
			return true;
		if (n > 0)
			in->len += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return fail(x, strerror(errno));
		else if (!wait_for(x, POLLIN))
			return false;
	}
}

static bool read_answer(struct exchange *x, struct span in, struct client_reply *reply)
{
	static const char end[] = "\r\n\r\n";
	const uint8_t *body = in.len > 12 ? memmem(in.p, in.len, end, 4) : NULL;

	if (!body || !span_starts(in, "HTTP/1."))
		return fail(x, "what answers there does not speak HTTP");
	reply->status = (unsigned)strtoul((const char *)in.p + 9, NULL, 10);
	buf_put_span(&reply->body, span_from(in, (size_t)(body - in.p) + 4));
	return true;
}

static bool fail(struct exchange *x, const char *what)
{
	buf_clear(x->why);
	buf_printf(x->why, "%s:%s: %s", x->request->to->host, x->request->to->port, what);
	return false;
}
