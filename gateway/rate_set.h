/* SPDX-License-Identifier: Apache-2.0 */
/* The rates of many by name: users, rooms, services. One that owes nothing is as good as none, so
 * whoever was quiet for some seconds takes no memory here. Pure. Owner: limits. */
#pragma once

#include "common/list.h"
#include "common/map.h"
#include "gateway/rate.h"

struct rate_set {
	struct map by_name;
	struct list all; /* in the order in which they were last looked at */
};

void rate_set_init(struct rate_set *);
void rate_set_fini(struct rate_set *);

/* As rate_wait_ns and rate_take of the one of that name. */
int64_t rate_set_wait_ns(const struct rate_set *, struct span name, int64_t cost_ns,
			 int64_t now_ns);
void rate_set_take(struct rate_set *, struct span name, int64_t cost_ns, int64_t now_ns);
/* Looks at some of them, and drops those that owe nothing; every 50 or 100 ms. */
void rate_set_sweep(struct rate_set *, int64_t now_ns);
size_t rate_set_count(const struct rate_set *);
