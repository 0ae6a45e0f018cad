/* SPDX-License-Identifier: Apache-2.0 */
/* Where something answers HTTP, as people write it: host:port, with or without http://. Pure. */
#pragma once

#include "common/buf.h"

#define ADDRESS_HOST_MAX 256

struct address {
	char host[ADDRESS_HOST_MAX], port[8];
};

/* `why` says what is wrong with it. Without a port: `port`. */
MUST_USE bool address_read(struct span text, const char *port, struct address *out,
			   struct buf *why);
void address_put_encoded(struct buf *, struct span); /* one path segment or query value */
