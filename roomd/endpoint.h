/* SPDX-License-Identifier: Apache-2.0 */
/* Where this shard listens for gateways, and under which address they are told to call it. */
#pragma once

#include "common/base.h"

#define ENDPOINT_LEN 128 /* what `member` takes, and the NUL */

/* As the options of the section `bus` have it; borrowed. */
struct endpoint_plan {
	const char *path; /* of a Unix socket; empty: TCP */
	const char *host;
	unsigned port; /* 0: any free one */
	const char *advertise;
};

/* Empty, or one that a Unix socket may have and that is the same file for everybody. */
bool endpoint_path_is_good(const char *path);
void endpoint_to_listen(const struct endpoint_plan *, char out[ENDPOINT_LEN]); /* for bus_listen */
/* `bound`: what the bus listens on, "tcp://0.0.0.0:7400". Of TCP, what is to be advertised counts
 * if it is not empty; else, for all addresses, the one that this host's name stands for. May ask a
 * name server. */
void endpoint_to_call(const struct endpoint_plan *, const char *bound, char out[ENDPOINT_LEN]);
