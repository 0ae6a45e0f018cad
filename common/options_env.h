/* SPDX-License-Identifier: Apache-2.0 */
/* The MOOT_* variables applied to a struct of options. For common/options.c. */
#pragma once

#include "common/options.h"

/* `given`: one per row, set where a variable gave the value. Errors: BAD_REQUEST, with the sentence
 * in `why`. */
MUST_USE enum err options_env_read(const struct option_table *, char **environ_, void *out,
				   bool *given, struct buf *why);
/* Is `name=value` one of ours that no process reads? Most likely a misspelt one. */
bool options_env_is_stray(const struct option_table *, const char *variable);
