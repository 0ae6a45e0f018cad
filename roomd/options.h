/* SPDX-License-Identifier: Apache-2.0 */
/* struct roomd_options: the settings of options.def. */
#pragma once

#define OPTIONS_DEF "roomd/options.def"
#define OPTIONS_STRUCT roomd_options
#include "common/options_table.h"

extern const struct option_table roomd_option_table;
