/* SPDX-License-Identifier: Apache-2.0 */
/* A timing wheel: arming, disarming and re-arming cost O(1), and 50,000 idle timers cost nothing
 * per turn. Resolution 10 ms; a timer never fires early. Pure: time comes in as an argument. The
 * caller owns each `struct timer` (embedded); it must be disarmed before it is freed. */
#pragma once

#include "common/list.h"

struct timer;
typedef void timer_fn(struct timer *, int64_t now_ns);

struct timer {
	struct list node;
	int64_t at_ns; /* 0: not armed */
	timer_fn *fn;
};

struct timers;

MUST_USE struct timers *timers_new(int64_t now_ns);
void timers_free(struct timers **); /* armed timers are simply forgotten */

void timers_arm(struct timers *, struct timer *, int64_t at_ns,
		timer_fn *);                         /* re-arms when armed */
void timers_disarm(struct timers *, struct timer *); /* fine when not armed */
bool timers_is_armed(const struct timer *);

void timers_run(struct timers *, int64_t now_ns); /* fires what is due; fns may arm and disarm */
int64_t
timers_next_ns(const struct timers *); /* when to call run next at the latest; INT64_MAX: never */
