/* SPDX-License-Identifier: Apache-2.0 */
/* An INI text applied to a struct of options, remembering which rows it gave. For common/options.c.
 */
#pragma once

#include "common/options.h"

struct options_ini {
	const struct option_table *table;
	struct span text;      /* consumed */
	const char *file_name; /* for the sentence */
	void *out;
	struct buf *why;
	bool *given; /* one per row, or NULL */
	int line;
	bool failed;
};

MUST_USE enum err options_ini_read(struct options_ini *); /* as options_read_ini */

/* The whole of a text file, to be freed by mem_free; NULL: `why` says what is wrong with it. */
MUST_USE char *options_text(const char *path, struct buf *why);
