/* SPDX-License-Identifier: Apache-2.0 */
/* The options of an imaginary process, for all who test what reads them: `struct sample` and its
 * `rows`. */
#pragma once

#include "common/options.h"

#define OPTIONS_DEF "tests/unit/options_sample.def"
#define OPTIONS_STRUCT sample
#include "common/options_table.h"
#define OPTIONS_DEF "tests/unit/options_sample.def"
#define OPTIONS_STRUCT sample
#define OPTIONS_ROWS rows
#include "common/options_table.h"
