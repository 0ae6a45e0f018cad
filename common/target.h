/* SPDX-License-Identifier: Apache-2.0 */
/* Which server pg.c connects to, and how. Internal to it, and speaks libpq like it. */
#pragma once

#include <libpq-fe.h>

#include "common/lookup.h"

struct target {
	char *url, *name;
	char *hosts, *ports; /* of which some are names; NULL: there is nothing to look up */
};

void target_init(struct target *, const char *url, const char *name);
void target_fini(struct target *);
/* Begin to connect. `found`: NULL when there was nothing to look up. */
MUST_USE PGconn *target_connect(const struct target *, const struct lookup_found *found);
/* connect_timeout, which libpq itself minds only when it blocks. */
int64_t target_patience_ns(PGconn *);
