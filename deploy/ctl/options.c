/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/options.h"

#define OPTIONS_DEF "deploy/ctl/options.def"
#define OPTIONS_STRUCT ctl_options
#define OPTIONS_ROWS rows
#include "common/options_table.h"

const struct option_table ctl_option_table = {
	.program = "mootctl",
	.summary = "Looks into a Moothall cluster, and operates it.",
	.version = MOOT_VERSION,
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct ctl_options),
};
