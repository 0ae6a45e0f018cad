/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of a gateway over its internal port: its view of the cluster, and to drain.
 * Owner: gateway. Thread: loop. */
#pragma once

#include "common/admin.h"
#include "gateway/drain.h"

struct console {
	struct router *router; /* borrowed */
	struct drain *drain;   /* borrowed */
};

/* The paths of admin_setup; their owner is a struct console. */
extern const struct admin_path console_paths[];
extern const size_t console_path_count;
