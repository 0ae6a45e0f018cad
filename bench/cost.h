/* SPDX-License-Identifier: Apache-2.0 */
/* What server processes on this host cost: CPU time of all their threads, and memory; and what we
 * cost ourselves. Reads /proc. Processes may end and be replaced by others meanwhile. */
#pragma once

#include "common/base.h"

#define COST_PROCESSES_MAX 32

struct cost {
	int64_t cpu_ns;       /* user + system, since it was asked last */
	int64_t memory_bytes; /* private and anonymous: Pss_Anon, which is what a connection adds in
				 user space */
};

struct cost_meter {
	struct {
		int pid;
		int64_t cpu_ns; /* as it was last seen */
	} of[COST_PROCESSES_MAX];
	size_t count;
};

/* The processes to look at from now on, "123,456"; those that are new have cost nothing yet. False:
 * not such a list, or too long; then nothing changes. */
bool cost_watch(struct cost_meter *, const char *pids);
struct cost cost_read(struct cost_meter *); /* a process that is gone counts 0 */
int64_t cost_own_cpu_ns(void);              /* in all */
