/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a connection that sends too fast (docs/decisions/0017): it is told to wait; what
 * is refused once it must have heard that, and before it has waited, is a strike. PACE_STRIKES
 * waits that were not kept, each after the last, end it. Whoever waits as told is never ended,
 * whatever others take. Pure. Owner: session. */
#pragma once

#include "common/base.h"

#define PACE_WAIT_NS (1 * NS_PER_S)     /* a wait is at least so long ... */
#define PACE_HEARD_NS (500 * NS_PER_MS) /* ... and only its last part is held against anybody */
#define PACE_FORGET_NS (10 * NS_PER_S)  /* without a refusal, and nothing is held any more */
#define PACE_STRIKES 5

struct pace {
	int64_t until_ns; /* of the last wait */
	uint32_t said_s;  /* second of the clock in which that a room is told too much was said */
	uint8_t strikes;
	bool struck; /* in this wait */
};

enum pace_step {
	PACE_TELL,  /* refused: a wait begins */
	PACE_AGAIN, /* refused in a wait, which it was told of */
	PACE_END,
};

/* A message was refused that could have gone after `wait_ns`. */
enum pace_step pace_refuse(struct pace *, int64_t wait_ns, int64_t now_ns);
/* How long it is told to wait with a message that can go after `wait_ns`. */
int64_t pace_wait_ns(const struct pace *, int64_t wait_ns, int64_t now_ns);
/* Once a second: what is not held against anybody, and is not said each time. */
bool pace_may_say(struct pace *, int64_t now_ns);
