/* SPDX-License-Identifier: Apache-2.0 */
/* One option: its names in the file, in the environment and as a flag; text to value and back. The
 * pure part of common/options.c, with the two functions that common/options.h promises of it. */
#pragma once

#include "common/options.h"

#define OPTION_NAME_MAX 96 /* bytes of a flag or variable, with the NUL */

void option_flag(const struct option_row *, char out[OPTION_NAME_MAX]); /* --database-url */
void option_env(const struct option_row *, char out[OPTION_NAME_MAX]);  /* MOOT_DATABASE_URL */

/* NULL: there is none. */
const struct option_row *option_find(const struct option_table *, struct span section,
				     struct span name);
/* internal.port, or NULL where there is no such port. */
const struct option_row *options_internal_port(const struct option_table *);
/* The row whose flag this is, with its dashes. NULL: none is. */
const struct option_row *option_find_flag(const struct option_table *, struct span flag);
bool option_is_live(const struct option_table *, const struct option_row *); /* SIGHUP changes it */
/* The most similar row by `section.name`, or NULL when nothing is close. */
const struct option_row *option_nearest(const struct option_table *, struct span section,
					struct span name);

/* Parse `value` into the member. Errors: BAD_REQUEST, `why` says what is accepted (no full stop).
 */
MUST_USE enum err option_store(const struct option_row *, const char *value, void *out,
			       struct buf *why);
/* The value as one would write it; `mask` hides a secret that is not empty. */
void option_put_value(const struct option_row *, const void *out, bool mask, struct buf *);
void option_put_fallback(const struct option_row *, struct buf *);
