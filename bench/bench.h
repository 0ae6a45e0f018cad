/* SPDX-License-Identifier: Apache-2.0 */
/* A run, from the first connection to the report: connect, quiet, warm_up, load (or search),
 * settle. Thread: one, the process' own. */
#pragma once

#include <stdio.h>

#include "bench/scenario.h"
#include "bench/target.h"

struct dialect;

struct bench_plan {
	const struct scenario *scenario;
	const char *name, *label;
	struct targets to, from;
	size_t first;
	const struct dialect *foreign; /* the servers are no Moothall; NULL: they are */
	bool reads_input;
	const char *pids;      /* of the servers; "": none on this host */
	FILE *table, *json;    /* json NULL: none */
	const char *html_path; /* NULL: none */
};

/* True: it went well. False: it said why. */
bool bench_run(const struct bench_plan *);
