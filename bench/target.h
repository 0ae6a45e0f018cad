/* SPDX-License-Identifier: Apache-2.0 */
/* Where to connect, and from which addresses: a few of each, used in turn. */
#pragma once

#include <netinet/in.h>

#include "common/buf.h"
#include "common/err.h"

#define TARGETS_MAX 64

struct targets {
	struct sockaddr_in at[TARGETS_MAX];
	size_t count;
};

/* "127.0.0.1:8080,127.0.0.1:8081"; without `needs_port` also "127.0.0.2". Names of hosts are looked
 * up. Errors: BAD_REQUEST, with a sentence in `why`. */
MUST_USE enum err targets_read(struct targets *, const char *text, bool needs_port,
			       struct buf *why);
/* For so many connections to addresses of this machine: one source address for each 10,000, because
 * a pair of addresses has 28,000 ports. None when one will do, or the targets are elsewhere. */
void targets_spread(struct targets *from, const struct targets *to, size_t connections);
