/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway counts: METRIC_x for each row of metrics.def. */
#pragma once

#define METRICS_DEF "gateway/metrics.def"
#include "common/metrics_table.h"

extern const struct metric_table gateway_metric_table;
