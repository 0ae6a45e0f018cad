/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define HOST_MAX 256

/* Whoever drops it last frees it, so it comes from the C library: our own memory is the loop's. */
struct lookup {
	struct watch *watch;
	lookup_fn *fn;
	void *owner;

	char *hosts, *ports;       /* the thread's, until the bell has rung */
	struct lookup_found found; /* too */
	int bell;
	atomic_int users;
};

static bool start(struct lookup *l);
static void on_bell(void *owner, unsigned events);
static void drop(struct lookup *l);
static void *resolve(void *lookup);
static void resolve_one(struct lookup_found *f, const char *host, const char *port);
static void next_piece(const char **list, char out[HOST_MAX]);
static bool is_name(const char *host);
static void add(struct lookup_found *f, const char *host, const char *address, const char *port);
static bool fits(const char *list, const char *piece);
static void append(char *list, const char *piece, bool is_first);

struct lookup *lookup_open(struct loop *loop, const char *hosts, const char *ports, lookup_fn *fn,
			   void *owner)
{
	struct lookup *l = calloc(1, sizeof *l);

	must(l);
	l->hosts = strdup(hosts);
	l->ports = strdup(ports);
	l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(l->hosts && l->ports && l->bell >= 0);
	l->fn = fn;
	l->owner = owner;
	l->users = 2;
	l->watch = watch_open(loop, l->bell, WATCH_READ, on_bell, l);
	if (!start(l)) {
		snprintf(l->found.why, sizeof l->found.why, "there can be no more threads");
		must(eventfd_write(l->bell, 1) == 0);
		l->users = 1;
	}
	return l;
}

void lookup_close(struct lookup **pl)
{
	struct lookup *l = *pl;

	if (!l)
		return;
	*pl = NULL;
	watch_close(&l->watch);
	drop(l);
}

bool lookup_is_needed(const char *hosts)
{
	char host[HOST_MAX];

	while (hosts) {
		next_piece(&hosts, host);
		if (is_name(host))
			return true;
	}
	return false;
}

/* Signals are for the loop. */
static bool start(struct lookup *l)
{
	sigset_t all, before;
	pthread_attr_t detached;
	pthread_t thread;

	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	must(pthread_attr_init(&detached) == 0);
	must(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0);
	bool started = pthread_create(&thread, &detached, resolve, l) == 0;
	pthread_attr_destroy(&detached);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return started;
}

static void on_bell(void *owner, unsigned events)
{
	struct lookup *l = owner;

	(void)events;
	watch_set(l->watch, 0); /* once */
	l->fn(l->owner, &l->found);
}

static void drop(struct lookup *l)
{
	if (atomic_fetch_sub(&l->users, 1) > 1)
		return;
	close(l->bell);
	free(l->hosts);
	free(l->ports);
	free(l);
}

static void *resolve(void *lookup)
{
	struct lookup *l = lookup;
	const char *hosts = l->hosts, *ports = l->ports;
	char host[HOST_MAX], port[HOST_MAX] = "";

	while (hosts) {
		next_piece(&hosts, host);
		if (ports)
			next_piece(&ports, port); /* one for all: the last */
		resolve_one(&l->found, host, port);
	}
	must(eventfd_write(l->bell, 1) == 0);
	drop(l);
	return NULL;
}

static void resolve_one(struct lookup_found *f, const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char address[HOST_MAX];
	struct addrinfo *all;

	if (!is_name(host)) {
		add(f, host, host[0] == '/' || host[0] == '@' ? "" : host, port);
		return;
	}
	int rc = getaddrinfo(host, NULL, &hints, &all);
	if (rc != 0) {
		snprintf(f->why, sizeof f->why, "no address of %s: %s", host, gai_strerror(rc));
		return;
	}
	for (const struct addrinfo *at = all; at; at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0,
				NI_NUMERICHOST) == 0)
			add(f, host, address, port);
	freeaddrinfo(all);
}

/* NULL after the last. */
static void next_piece(const char **list, char out[HOST_MAX])
{
	const char *comma = strchrnul(*list, ',');

	snprintf(out, HOST_MAX, "%.*s", (int)(comma - *list), *list);
	*list = *comma ? comma + 1 : NULL;
}

static bool is_name(const char *host)
{
	struct in6_addr address;

	return host[0] && host[0] != '/' && host[0] != '@' &&
	       inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1;
}

static void add(struct lookup_found *f, const char *host, const char *address, const char *port)
{
	bool is_first = f->count == 0;

	if (!fits(f->hosts, host) || !fits(f->addresses, address) || !fits(f->ports, port))
		return;
	append(f->hosts, host, is_first);
	append(f->addresses, address, is_first);
	append(f->ports, port, is_first);
	f->count++;
}

static bool fits(const char *list, const char *piece)
{
	return strlen(list) + strlen(piece) + sizeof "," <= LOOKUP_MAX;
}

static void append(char *list, const char *piece, bool is_first)
{
	size_t len = strlen(list);

	snprintf(list + len, LOOKUP_MAX - len, "%s%s", is_first ? "" : ",", piece);
}
