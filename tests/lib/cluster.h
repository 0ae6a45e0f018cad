/* SPDX-License-Identifier: Apache-2.0 */
/* A real PostgreSQL of the test's own: a fresh data directory, a unix socket, nothing else. It dies
 * with the process that made it. Run as root it becomes `postgres`, which PostgreSQL insists on. */
#pragma once

#include "common/base.h"

struct cluster;

MUST_USE struct cluster *cluster_new(void); /* initialised and started; NULL: no PostgreSQL here */
void cluster_free(struct cluster **);       /* stopped and removed */
const char *cluster_url(const struct cluster *);
/* All of roomd/schema, in order; needs MOOT_SOURCE_ROOT in the environment. */
MUST_USE bool cluster_migrate(const struct cluster *);

void cluster_stop(struct cluster *); /* at once, as in a crash */
void cluster_start(struct cluster *);
void cluster_freeze(struct cluster *); /* SIGSTOP: the socket is there, nobody answers */
void cluster_thaw(struct cluster *);
