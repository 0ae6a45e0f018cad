/* SPDX-License-Identifier: Apache-2.0 */
/* How this gateway is: ready or not and why, what /v1/process says of it, and the gauges. Reads the
 * parts, changes none. Owner: gateway. Thread: loop. */
#pragma once

#include "common/pg.h"
#include "gateway/drain.h"
#include "gateway/retreat.h"

struct report { /* all borrowed */
	const struct pg *pg;
	const struct router *router;
	const struct session_set *sessions;
	const struct drain *drain;
	const struct retreat *retreat;
	struct listener *const *listener; /* NULL in it: not open yet */
};

bool report_ready(void *report, struct buf *checks);  /* an admin_ready_fn */
void report_state(void *report, struct buf *members); /* an admin_state_fn */
void report_set_figures(const struct report *);
