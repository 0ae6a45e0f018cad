/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/plot.h"

#include <math.h>
#include <stdio.h>

#define WIDTH 900.0
#define HEIGHT 230.0
#define LEFT 64.0
#define RIGHT 12.0
#define TOP 14.0
#define BOTTOM 26.0
#define GROUND 0.01 /* of a logarithmic axis */
#define STEPS 8     /* lines of the grid, about */

struct frame { /* what the corners of the plot stand for */
	double x_min, x_max, y_min, y_max;
	bool is_log;
};

static struct frame frame_of(const struct plot *);
static double to_x(const struct frame *, double x);
static double to_y(const struct frame *, double y);
static void put_grid(struct buf *, const struct plot *, const struct frame *);
static void put_level(struct buf *, const struct frame *, double y);
static void put_x(struct buf *, const struct plot *, const struct frame *, double x);
static void put_marks(struct buf *, const struct plot *, const struct frame *);
static void put_lines(struct buf *, const struct plot *, const struct frame *);
static void put_legend(struct buf *, const struct plot *);
static void put_text(struct buf *, const char *text);
static double round_step(double span);

void plot_put(struct buf *out, const struct plot *p)
{
	struct frame f = frame_of(p);

	buf_put_str(out, "<figure><figcaption>");
	put_text(out, p->title);
	put_legend(out, p);
	buf_printf(out, "</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
		   WIDTH, HEIGHT);
	put_text(out, p->title);
	buf_put_str(out, "\">\n");
	put_grid(out, p, &f);
	put_marks(out, p, &f);
	put_lines(out, p, &f);
	buf_put_str(out, "</svg></figure>\n");
}

static struct frame frame_of(const struct plot *p)
{
	struct frame f = {.x_min = p->points ? p->x[0] : 0,
			  .x_max = p->points ? p->x[p->points - 1] : 1,
			  .y_min = p->is_log ? GROUND : 0,
			  .y_max = p->is_log ? GROUND * 10 : 0,
			  .is_log = p->is_log};

	for (size_t i = 0; i < p->series; i++)
		for (size_t k = 0; k < p->points; k++)
			f.y_max = p->y[i][k] > f.y_max ? p->y[i][k] : f.y_max;
	if (f.x_max <= f.x_min)
		f.x_max = f.x_min + 1;
	if (p->is_log) {
		f.y_max = pow(10, ceil(log10(f.y_max)));
	} else {
		double step = round_step(f.y_max > 0 ? f.y_max : 1);

		f.y_max = step * (floor(f.y_max / step) + 1);
	}
	return f;
}

static double to_x(const struct frame *f, double x)
{
	return LEFT + (x - f->x_min) / (f->x_max - f->x_min) * (WIDTH - LEFT - RIGHT);
}

static double to_y(const struct frame *f, double y)
{
	double share = y / f->y_max;

	if (f->is_log)
		share = log10((y > f->y_min ? y : f->y_min) / f->y_min) /
			log10(f->y_max / f->y_min);
	return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
}

static void put_grid(struct buf *out, const struct plot *p, const struct frame *f)
{
	double step = round_step(f->is_log ? 1 : f->y_max);
	unsigned levels = f->is_log ? (unsigned)lround(log10(f->y_max / f->y_min))
				    : (unsigned)lround(f->y_max / step);

	for (unsigned i = 0; i <= levels; i++)
		put_level(out, f, f->is_log ? f->y_min * pow(10, i) : step * i);
	buf_printf(out, "<text class=\"u\" x=\"%.0f\" y=\"10\">", LEFT + 4);
	put_text(out, p->unit);
	buf_put_str(out, "</text>\n");
	double x_step = p->axis == PLOT_NINES ? 1 : round_step(f->x_max - f->x_min);
	double first = ceil(f->x_min / x_step);
	unsigned count = (unsigned)(floor(f->x_max / x_step) - first) + 1;
	for (unsigned i = 0; i < count; i++)
		put_x(out, p, f, (first + i) * x_step);
}

static void put_level(struct buf *out, const struct frame *f, double y)
{
	double at = to_y(f, y);

	buf_printf(out,
		   "<path class=\"g\" d=\"M%.0f %.1fH%.0f\"/><text class=\"y\" x=\"%.0f\" "
		   "y=\"%.1f\">%.6g</text>\n",
		   LEFT, at, WIDTH - RIGHT, LEFT - 6, at + 4, y);
}

static void put_x(struct buf *out, const struct plot *p, const struct frame *f, double x)
{
	buf_printf(out, "<text class=\"x\" x=\"%.1f\" y=\"%.0f\">", to_x(f, x), HEIGHT - 8);
	if (p->axis == PLOT_NINES)
		buf_printf(out, "%.6g %%</text>\n", 100 - 100 * pow(10, -x));
	else
		buf_printf(out, "%.6g s</text>\n", x);
}

static void put_marks(struct buf *out, const struct plot *p, const struct frame *f)
{
	for (size_t i = 0; i < p->mark_count; i++) {
		double s = (double)p->marks[i].at_ns / NS_PER_S;
		double x = to_x(f, s);

		if (s < f->x_min || s > f->x_max)
			continue;
		buf_printf(out,
			   "<path class=\"m\" d=\"M%.1f %.0fV%.0f\"/><text class=\"m\" "
			   "transform=\"translate(%.1f %.0f) rotate(90)\">",
			   x, TOP, HEIGHT - BOTTOM, x + 3, TOP + 2);
		put_text(out, p->marks[i].text);
		buf_put_str(out, "</text>\n");
	}
}

static void put_lines(struct buf *out, const struct plot *p, const struct frame *f)
{
	for (size_t i = 0; i < p->series; i++) {
		buf_printf(out, "<polyline class=\"s%zu\" points=\"", i);
		for (size_t k = 0; k < p->points; k++)
			buf_printf(out, "%.1f,%.1f ", to_x(f, p->x[k]), to_y(f, p->y[i][k]));
		buf_put_str(out, "\"/>\n");
	}
}

static void put_legend(struct buf *out, const struct plot *p)
{
	for (size_t i = 0; i < p->series; i++) {
		buf_printf(out, " <span class=\"s%zu\">", i);
		put_text(out, p->names[i]);
		buf_put_str(out, "</span>");
	}
}

static void put_text(struct buf *out, const char *text)
{
	for (const char *at = text; *at; at++)
		if (*at == '<' || *at == '>' || *at == '&' || *at == '"')
			buf_printf(out, "&#%d;", *at);
		else
			buf_put_u8(out, (uint8_t)*at);
}

/* 1, 2 or 5 times a power of ten, so that there are about STEPS of them. */
static double round_step(double span)
{
	double rough = span / STEPS, power = pow(10, floor(log10(rough)));
	double first = rough / power;

	return power * (first <= 1 ? 1 : first <= 2 ? 2 : first <= 5 ? 5 : 10);
}
