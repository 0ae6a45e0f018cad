/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define OPTIONS_DEF "deploy/ctl/options.def"
#define OPTIONS_STRUCT ctl_options
#include "common/options_table.h"

extern const struct option_table ctl_option_table;
