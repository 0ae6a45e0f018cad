/* SPDX-License-Identifier: Apache-2.0 */
/* What people do during the load, each kind at its own rate: the table of activities, and their
 * schedules. */
#pragma once

#include "bench/crowd.h"
#include "bench/schedule.h"

#define ACTIVITIES 6

struct activities {
	struct crowd *crowd;
	struct schedule schedules[ACTIVITIES];
};

/* From now on; casts and comments `factor` times as often as the scenario says. */
void activities_begin(struct activities *, struct crowd *, double factor, int64_t now_ns);
/* Do what is due. When the next one is. */
int64_t activities_turn(struct activities *, int64_t now_ns);
