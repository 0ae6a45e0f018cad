/* SPDX-License-Identifier: Apache-2.0 */
/* What this process takes of the machine's memory, and what that means for rooms in which nothing
 * happens. */
#pragma once

#include "common/base.h"

/* How long a room may be idle: `idle_ns` while no more than `aim` bytes are used (0: any number),
 * half of it for each eighth of `aim` beyond that, at least a 32nd. Pure. */
int64_t memory_idle_ns(int64_t idle_ns, uint64_t aim, uint64_t used);

uint64_t memory_used(void); /* bytes, resident; 0: not known */
