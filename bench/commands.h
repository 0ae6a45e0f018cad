/* SPDX-License-Identifier: Apache-2.0 */
/* What moot-bench can be asked to do, a row each, and the options that they take. */
#pragma once

#include <stdio.h>

#include "common/base.h"

struct command {
	const char *name, *use, *help;
	int (*run)(int argc,
		   char **argv); /* an exit code: 0, 1 (the run was not good) or 2 (use) */
};

extern const struct command commands[];
extern const size_t command_count;

void commands_put_help(FILE *);
