/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of moot-gateway: struct gateway_options, one member per row of options.def. */
#pragma once

#define OPTIONS_DEF "gateway/options.def"
#define OPTIONS_STRUCT gateway_options
#include "common/options_table.h"

extern const struct option_table gateway_option_table;
