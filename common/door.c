/* SPDX-License-Identifier: Apache-2.0 */
/* The port of a door: listening, accepting, and what happens when there is no room. The connections
 * themselves are in visitor.c. */
#include "common/door.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/visitor.h"

#define BACKLOG 1024
#define ACCEPT_BUDGET                                                                              \
	64 /* connections per wake-up, so that a storm does not starve those who are in */
#define UNREAD_READS 16 /* of 4 KiB: whoever sends more, and faster, need not read our answer */
#define SHORT_NS (100 * NS_PER_MS)

static int listen_at(const struct door_options *opt, int *why);
static int listen_at_one(const struct door_options *opt, const struct addrinfo *at, int *why);
static void set_socket(int fd, const struct door_options *opt);
static uint16_t bound_port(int fd);
static void on_connections(void *owner, unsigned events);
static bool accept_one(struct door *d);
static void send_away(int fd);
static void run_short(struct door *d);
static void end_short(struct door *d);
static bool has_room(const struct door *d);
static void on_resume(struct timer *timer, int64_t now_ns);

enum err door_open(struct loop *loop, const struct door_options *opt, struct door **out)
{
	struct door *d = mem_new(sizeof *d);

	d->loop = loop;
	d->opt = *opt;
	d->fd = -1;
	list_init(&d->visitors);
	enum err e = door_resume(d);
	if (e)
		mem_free(d);
	*out = e ? NULL : d;
	return e;
}

enum err door_resume(struct door *d)
{
	int why = 0;

	if (d->fd >= 0)
		return OK;
	d->fd = listen_at(&d->opt, &why);
	if (d->fd < 0) {
		log_error("listen_failed", kv_str("host", d->opt.host), kv_u64("port", d->opt.port),
			  kv_str("why", strerror(why)));
		return why == EADDRINUSE ? ERR_IN_USE : ERR_SYSTEM;
	}
	d->port = d->opt.port = bound_port(d->fd); /* any port, the first time */
	d->watch = watch_open(d->loop, d->fd, WATCH_READ, on_connections, d);
	return OK;
}

void door_pause(struct door *d)
{
	if (d->fd < 0)
		return;
	watch_close(&d->watch);
	timers_disarm(loop_timers(d->loop), &d->resume);
	close(d->fd);
	d->fd = -1;
	d->said_short = false;
}

void door_close(struct door **door)
{
	struct door *d = *door;

	if (!d)
		return;
	*door = NULL;
	door_pause(d);
	while (!list_is_empty(&d->visitors))
		visitor_drop(container_of(d->visitors.next, struct visitor, node));
	loop_reap(d->loop, mem_free, d);
}

uint16_t door_port(const struct door *d)
{
	return d->port;
}

void door_admit(struct door *d, int fd, const struct ip *from)
{
	if (d->count >= d->opt.max_visitors)
		send_away(fd);
	else
		visitor_open(d, fd, from);
}

/* Asked anew each time: an operator may change the limit. */
int door_fd_limit(const struct door *d)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	if (limit.rlim_cur > INT32_MAX)
		return INT32_MAX;
	return (int)limit.rlim_cur - d->opt.fd_reserve;
}

size_t door_visitors(const struct door *d)
{
	return d->count;
}

bool door_is_short(const struct door *d)
{
	return timers_is_armed(&d->resume);
}

static int listen_at(const struct door_options *opt, int *why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *all;
	char port[8];
	bool any = !opt->host || !*opt->host || strcmp(opt->host, "*") == 0;
	int fd = -1;

	snprintf(port, sizeof port, "%u", opt->port);
	*why = EADDRNOTAVAIL;
	if (getaddrinfo(any ? NULL : opt->host, port, &hints, &all) != 0)
		return -1;
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next)
		fd = listen_at_one(opt, at, why);
	freeaddrinfo(all);
	return fd;
}

static int listen_at_one(const struct door_options *opt, const struct addrinfo *at, int *why)
{
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		set_socket(fd, opt);
		if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
			return fd;
	}
	*why = errno;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* On Linux an accepted socket inherits all of them: nothing to set per connection. */
static void set_socket(int fd, const struct door_options *opt)
{
	int on = 1, sndbuf = opt->sndbuf_bytes;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (opt->share_port)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (sndbuf > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
}

static uint16_t bound_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = {0};
	socklen_t len = sizeof at;

	must(getsockname(fd, &at.any, &len) == 0);
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

static void on_connections(void *owner, unsigned events)
{
	struct door *d = owner;

	(void)events;
	for (int i = 0; i < ACCEPT_BUDGET && d->fd >= 0; i++) {
		if (!accept_one(d))
			return;
	}
}

/* False: nobody waits any more, or there is no room for anybody. Looked for first, so that nobody
 * is accepted only to be turned away. */
static bool accept_one(struct door *d)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} from = {0};
	socklen_t len = sizeof from;

	if (!has_room(d)) {
		run_short(d);
		return false;
	}
	int fd = accept4(d->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
		return true;
	if (fd < 0 && errno == EAGAIN) {
		end_short(d);
		return false;
	}
	if (fd < 0) {
		run_short(d);
		return false;
	}
	const struct ip ip = ip_of(&from.any);

	if (d->opt.on_accepted)
		d->opt.on_accepted(d->opt.before, fd, &ip);
	else
		door_admit(d, fd, &ip);
	return true;
}

/* Without keeping any state: the bytes it sent are read first, since closing with bytes unread
 * would reset the connection and take the answer away. */
static void send_away(int fd)
{
	char unread[4096], answer[512];
	int len = snprintf(answer, sizeof answer,
			   "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
			   "Retry-After: 1\r\nConnection: close\r\n\r\n{\"error\":\"%s\"}",
			   err_text(ERR_OVERLOADED));

	for (int i = 0; i < UNREAD_READS && recv(fd, unread, sizeof unread, 0) > 0; i++)
		;
	(void)!send(fd, answer, (size_t)len, MSG_NOSIGNAL);
	close(fd);
}

static void run_short(struct door *d)
{
	if (!d->said_short)
		log_warn("descriptors_short", kv_u64("port", d->port),
			 kv_i64("limit", door_fd_limit(d)),
			 kv_str("hint", "raise the limit of open files (ulimit -n, LimitNOFILE)"));
	d->said_short = true;
	watch_set(d->watch, 0);
	timers_arm(loop_timers(d->loop), &d->resume, loop_now_ns(d->loop) + SHORT_NS, on_resume);
}

/* All who waited are in. */
static void end_short(struct door *d)
{
	if (d->said_short)
		log_info("descriptors_free_again", kv_u64("port", d->port));
	d->said_short = false;
}

/* The kernel gives the lowest free number, so a high one means that few are left. */
static bool has_room(const struct door *d)
{
	int fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < door_fd_limit(d);
}

static void on_resume(struct timer *timer, int64_t now_ns)
{
	struct door *d = container_of(timer, struct door, resume);

	(void)now_ns;
	if (has_room(d))
		watch_set(d->watch, WATCH_READ);
	else
		run_short(d);
}
