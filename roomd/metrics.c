/* SPDX-License-Identifier: Apache-2.0 */
#include "roomd/metrics.h"

#define METRICS_DEF "roomd/metrics.def"
#define METRICS_ROWS rows
#include "common/metrics_table.h"

const struct metric_table roomd_metric_table = {rows, ARRAY_LEN(rows)};
