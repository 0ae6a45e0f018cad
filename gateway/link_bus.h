/* SPDX-License-Identifier: Apache-2.0 */
/* The real bus under a link: one DEALER per generation. Thread: loop. */
#pragma once

#include "common/bus.h"
#include "gateway/link.h"

struct link_wire { /* borrowed by the table; outlives every link */
	struct loop *loop;
	struct bus_context *context;
};

struct link_bus link_bus_of(struct link_wire *);
