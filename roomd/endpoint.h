/* SPDX-License-Identifier: Apache-2.0 */
/* Under which address gateways are told to call this shard. */
#pragma once

#include "common/base.h"

#define ENDPOINT_LEN 128 /* what `member` takes, and the NUL */

/* `bound`: what the bus listens on, "tcp://0.0.0.0:7400". `advertised` counts if it is not empty;
 * else, for all addresses, the one that this host's name stands for. May ask a name server. */
void endpoint_write(const char *listens_on, const char *advertised, const char *bound,
		    char out[ENDPOINT_LEN]);
