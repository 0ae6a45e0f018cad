/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the settings again while a process runs: what is live (option_table.live) changes in
 * place, the rest is said to need a restart, and settings that are no good change nothing. Says in
 * the log what became of each. Owner: main, for the root object. */
#pragma once

#include "common/options.h"

struct options_reload;

/* `out` is what options_load has filled from the same words; all of it is borrowed for ever. */
MUST_USE struct options_reload *options_reload_new(const struct option_table *, int argc,
						   char **argv, char **environ_, void *out);
void options_reload_free(struct options_reload **);
/* False: something is no good, and `out` is as it was. */
MUST_USE bool options_reload_run(struct options_reload *);
