/* SPDX-License-Identifier: Apache-2.0 */
#include "common/probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 2 /* for each step: less than a probe is given by those that run it */
#define ANSWER_MAX (64 * 1024)

static int call(const char *host, uint16_t port);
static int call_at(const struct addrinfo *at);
static bool is_any(const char *host);
static bool exchange(int fd, const char *path, struct buf *answer);
static bool is_good(struct span answer, struct span *body);

bool probe_ask(const char *host, uint16_t port, const char *path, struct buf *said)
{
	struct buf answer;
	struct span body;
	bool good = false;
	int fd = call(host, port);

	if (fd < 0) {
		buf_printf(said, "nobody answers at port %u: %s\n", port, strerror(errno));
		return false;
	}
	buf_init(&answer, ANSWER_MAX);
	if (exchange(fd, path, &answer)) {
		good = is_good(buf_span(&answer), &body);
		buf_put_span(said, body);
	} else {
		buf_printf(said, "no answer from port %u within %d s\n", port, WAIT_S);
	}
	buf_fini(&answer);
	close(fd);
	return good;
}

static int call(const char *host, uint16_t port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
	char text[8];
	int fd = -1;

	snprintf(text, sizeof text, "%u", port);
	errno = EADDRNOTAVAIL;
	if (getaddrinfo(is_any(host) ? NULL : host, text, &hints, &all) != 0)
		return -1;
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next)
		fd = call_at(at);
	freeaddrinfo(all);
	return fd;
}

static int call_at(const struct addrinfo *at)
{
	const struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

static bool is_any(const char *host)
{
	return !*host || !strcmp(host, "*") || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

/* The port says all it has to say and closes. */
static bool exchange(int fd, const char *path, struct buf *answer)
{
	char request[256];
	uint8_t part[4096];
	int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			   path);
	ssize_t got;

	must(len > 0 && (size_t)len < sizeof request);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		return false;
	while ((got = recv(fd, part, sizeof part, 0)) > 0 && !answer->over)
		buf_put(answer, part, (size_t)got);
	return got == 0 && answer->len > 0;
}

static bool is_good(struct span answer, struct span *body)
{
	const uint8_t *end = memmem(answer.p, answer.len, "\r\n\r\n", 4);

	*body = end ? span_from(answer, (size_t)(end - answer.p) + 4) : SPAN_NONE;
	return end && span_starts(answer, "HTTP/1.1 200 ");
}
