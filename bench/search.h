/* SPDX-License-Identifier: Apache-2.0 */
/* The highest rate that is still served well: grows until a step fails, then halves what is between
 * the best good one and the least bad one. Pure. */
#pragma once

#include "common/base.h"

struct search {
	double rate;      /* to try now */
	double good, bad; /* the greatest that did, the least that did not; 0: none yet */
	double growth;    /* 1.5: each step half as much more, until one fails */
	double close;     /* 0.05: it ends when good is within 5 % of bad */
};

void search_begin(struct search *, double rate, double growth, double close);
/* How the step at `rate` went; false: the search is over, and `good` is the answer. */
bool search_step(struct search *, bool went_well);
