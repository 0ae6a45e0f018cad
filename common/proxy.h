/* SPDX-License-Identifier: Apache-2.0 */
/* The header by which a proxy says for whom it has opened a connection, before the first byte of
 * that: PROXY protocol, version 1 (a line) and 2 (binary). Reads it byte for byte, so that nothing
 * of what follows is taken from the connection. Pure. */
#pragma once

#include "common/err.h"
#include "common/ip.h"

#define PROXY_HEADER_MAX 536 /* both addresses, and what a proxy may add: HAProxy's bound */

/* How many more bytes surely belong to the header that begins with these; 0: it is whole.
 * Errors: BAD_REQUEST: no such header, or a longer one. */
MUST_USE enum err proxy_wants(struct span bytes, size_t *more);
/* Of a whole header. `from` is not known when the proxy speaks for itself, or for nobody with an
 * address of the Internet. Errors: BAD_REQUEST. */
MUST_USE enum err proxy_read(struct span header, struct ip *from);
