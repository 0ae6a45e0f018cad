/* SPDX-License-Identifier: Apache-2.0 */
/* How many file descriptors this process may open: enough for its clients, and a number that
 * libraries which keep a table of them can bear. */
#pragma once

#include "common/base.h"

/* Set the soft limit to what `connections` need, as far as the hard limit allows. Says in the log
 * when that is not enough. */
void descriptors_provide(size_t connections);
