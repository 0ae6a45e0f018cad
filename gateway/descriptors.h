/* SPDX-License-Identifier: Apache-2.0 */
/* How many file descriptors this process may open: enough for its clients and no more, because
 * libwebsockets 4.1 as Debian builds it looks through a table of as many at each connection
 * (sanity_assert_no_sockfd_traces): with the million that Docker allows, longer than all the rest
 * of connecting takes. */
#pragma once

#include "common/base.h"

/* Set the soft limit to what `connections` need, up or down, as far as the hard limit allows. Once,
 * before the library has its table; then as below. */
void descriptors_provide(size_t connections);
/* Says in the log when there are not enough for them: a setting may have grown since. */
void descriptors_check(size_t connections);
