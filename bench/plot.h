/* SPDX-License-Identifier: Apache-2.0 */
/* One plot as inline SVG: lines over one axis, with marks. Colours are classes s0, s1 ... of the
 * page around it. Pure. */
#pragma once

#include "bench/course.h"
#include "common/buf.h"

#define PLOT_SERIES 6
#define PLOT_POINTS COURSE_SAMPLES

enum plot_axis {
	PLOT_SECONDS,
	PLOT_NINES /* 1: 90 %, 2: 99 % ... */
};

struct plot {
	const char *title, *unit;
	enum plot_axis axis;
	bool is_log; /* the values; those below 0.01 lie on the ground */
	size_t points, series;
	double x[PLOT_POINTS];
	double y[PLOT_SERIES][PLOT_POINTS];
	const char *names[PLOT_SERIES];
	const struct mark_at *marks; /* at seconds */
	size_t mark_count;
};

void plot_put(struct buf *, const struct plot *);
