/* SPDX-License-Identifier: Apache-2.0 */
/* How much happened somewhere lately: what was counted in the last whole window and since. Pure. */
#pragma once

#include "common/base.h"

#define HEAT_WINDOW_NS (10 * NS_PER_S)

struct heat {
	int64_t from_ns; /* when the window began */
	uint32_t now, before;
};

void heat_add(struct heat *, int64_t now_ns);
uint64_t heat_rate(const struct heat *, int64_t now_ns); /* in HEAT_WINDOW_NS */
