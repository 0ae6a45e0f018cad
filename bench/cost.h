/* SPDX-License-Identifier: Apache-2.0 */
/* What server processes on this host cost: CPU time of all their threads, and memory. Reads /proc.
 */
#pragma once

#include "common/base.h"

#define COST_PROCESSES_MAX 16

struct cost {
	int64_t cpu_ns;       /* user + system */
	int64_t memory_bytes; /* private and anonymous: Pss_Anon, which is what a connection adds in
				 user space */
};

struct cost_processes {
	int pids[COST_PROCESSES_MAX];
	size_t count;
};

bool cost_processes_read(struct cost_processes *, const char *comma_separated_pids);
struct cost cost_now(const struct cost_processes *); /* a process that is gone counts 0 */
