/* SPDX-License-Identifier: Apache-2.0 */
/* How a bug of ours ends: one line, then a core. */
#include "common/base.h"

#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "level=error msg=bug must=\"%s\" at=%s:%d\n", cond, file, line);
	abort();
}
