/* SPDX-License-Identifier: Apache-2.0 */
/* One public port: its door, and what stands before it. Owner: listener. Thread: loop. */
#pragma once

#include "common/door.h"
#include "gateway/options.h"

struct front;

struct entrance {
	struct door *door; /* NULL: there is none */
	struct porch *porch;
};

struct entrance_plan {
	const char *host;
	int64_t port;
	bool shared; /* with other gateways of the host */
	bool tls;
	const char *options; /* those that name the port, for who has to change one */
};

/* `door`: what the callbacks are. Errors: IN_USE, SYSTEM, said in the log with what to do. */
MUST_USE enum err entrance_open(struct loop *, const struct entrance_plan *,
				const struct gateway_options *, const struct front *,
				const struct door_options *door, struct entrance *);
void entrance_close(struct entrance *);
size_t entrance_streams(const struct entrance *); /* TLS connections */
