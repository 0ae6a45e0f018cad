/* SPDX-License-Identifier: Apache-2.0 */
/* METRIC_x for each row of metrics.def. */
#pragma once

#define METRICS_DEF "roomd/metrics.def"
#include "common/metrics_table.h"

extern const struct metric_table roomd_metric_table;
