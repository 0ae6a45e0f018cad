/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/metrics.h"

#define METRICS_DEF "gateway/metrics.def"
#define METRICS_ROWS rows
#include "common/metrics_table.h"

const struct metric_table gateway_metric_table = {rows, ARRAY_LEN(rows)};
