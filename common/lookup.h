/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of hosts. Names are asked for on a thread of their own, the only one that is not
 * the loop's: the C library blocks while it asks, for many seconds when no name server answers. The
 * thread touches nothing but its question. Thread: loop. */
#pragma once

#include "common/loop.h"

#define LOOKUP_MAX 4096 /* bytes of each list */

/* Three lists separated by commas, of one length: a host with n addresses is there n times, one
 * without is not there. `why` is about the last of those. */
struct lookup_found {
	size_t count;
	char hosts[LOOKUP_MAX], addresses[LOOKUP_MAX], ports[LOOKUP_MAX];
	char why[512];
};

struct lookup;
typedef void lookup_fn(void *owner, const struct lookup_found *);

/* Hosts as libpq takes them: names, addresses and folders of sockets (address: empty). `ports` are
 * as many, or one, or none. Bounded: what does not fit is left out. */
MUST_USE struct lookup *lookup_open(struct loop *, const char *hosts, const char *ports,
				    lookup_fn *, void *owner);
void lookup_close(struct lookup **); /* not heard any more; fine inside its own callback */
/* Whether any of the hosts is a name. */
bool lookup_is_needed(const char *hosts);
