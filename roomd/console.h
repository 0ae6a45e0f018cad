/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask of a shard over its internal port: its rooms, its view of the cluster, and to
 * drain, to give a slot away, to let a room sleep. Owner: roomd. Thread: loop. */
#pragma once

#include "common/admin.h"
#include "roomd/shard.h"

struct console {
	struct shard *shard; /* borrowed */
	struct loop *loop;   /* borrowed */
};

/* The paths of admin_setup; their owner is a struct console. */
extern const struct admin_path console_paths[];
extern const size_t console_path_count;
