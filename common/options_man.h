/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages in man(7), from the tables of options. Pure. */
#pragma once

#include "common/options.h"

void options_put_man(const struct option_table *, struct buf *); /* of a process; section 8 */

/* The pieces, for a page with more in it. */
void man_put_head(struct buf *, const char *program, unsigned section, const char *version,
		  const char *summary); /* up to the heading SYNOPSIS */
void man_put_options(const struct option_table *, struct buf *);
void man_put_text(struct buf *, const char *text); /* escaped; ends no line */
