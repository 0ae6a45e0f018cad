/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says of itself: a table for people, lines of JSON for programs. Pure: text out. The
 * HTML report is in report_html.c. */
#pragma once

#include "bench/result.h"

void report_put_table(const struct result *, struct buf *);
/* One object each, with a line end. */
void report_put_phase(struct buf *, const struct scenario *, const char *phase, int64_t at_ns);
void report_put_sample(struct buf *, const struct sample *);
void report_put_mark(struct buf *, const struct mark_at *);
void report_put_result(struct buf *, const struct result *);
void report_put_html(struct buf *, const struct result *);

void report_put_ms(struct buf *, int64_t ns); /* 0.42, 12.3, 450 */
