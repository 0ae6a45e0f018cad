/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/options.h"

#define OPTIONS_DEF "roomd/options.def"
#define OPTIONS_STRUCT roomd_options
#define OPTIONS_ROWS rows
#include "common/options_table.h"

const struct option_table roomd_option_table = {
	.program = "moot-roomd",
	.summary = "Owns rooms: presence, order and relay, for the gateways that connect to it.",
	.version = MOOT_VERSION,
	.live = "log.level room.hibernate room.memory",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct roomd_options),
};
