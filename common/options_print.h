/* SPDX-License-Identifier: Apache-2.0 */
/* What --print-config says. For common/options.c. */
#pragma once

#include "common/options.h"

enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

/* An INI file again: the merged values, each with where it came from (one source per row); secrets
 * masked. */
void options_put_config(const struct option_table *, const void *out, const enum option_source *,
			struct buf *);
