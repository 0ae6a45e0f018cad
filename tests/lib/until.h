/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a loop until something has happened: tests wait for events, with a deadline, and never
 * sleep. */
#pragma once

#include "common/loop.h"

typedef bool until_fn(void *what);

/* Turns the loop until `has_happened(what)`; false: it did not within `ms`. */
MUST_USE bool loop_until(struct loop *, int ms, until_fn *has_happened, void *what);
void loop_for(struct loop *, int ms); /* to see that something does *not* happen */
