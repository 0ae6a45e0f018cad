/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/options.h"

#define OPTIONS_DEF "gateway/options.def"
#define OPTIONS_STRUCT gateway_options
#define OPTIONS_ROWS rows
#include "common/options_table.h"

const struct option_table gateway_option_table = {
	.program = "moot-gateway",
	.summary = "Terminates the WebSockets of a Moothall cluster and routes them to its shards.",
	.version = MOOT_VERSION,
	.live = "log.level limits.connections limits.rate limits.bytes limits.user_rate"
		" limits.user_bytes limits.room_rate limits.room_bytes limits.service_rate"
		" presence.grace presence.reload keepalive.ping keepalive.dead access.lease "
		"cors.origins tls.certificate tls.key",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct gateway_options),
};
