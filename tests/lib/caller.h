/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP client of a test, on the same thread as the server it calls: says bytes, and gathers what
 * it is answered while the loop turns. */
#pragma once

#include "common/loop.h"
#include "common/span.h"

struct caller {
	int fd;
	char got[1 << 16];
	size_t len;
	size_t want; /* for caller_has */
	bool ended, reset;
};

void caller_open(struct caller *, uint16_t port);
void caller_say(struct caller *, const char *text);
void caller_say_bytes(struct caller *, struct span bytes);
void caller_close(struct caller *);
bool caller_has_ended(void *caller); /* until_fn: the other side has closed */
bool caller_has(void *caller);       /* until_fn: `want` bytes have come */
/* Says `text` to a fresh connection and waits until the answer is complete and closed. */
void caller_ask(struct caller *, struct loop *, uint16_t port, const char *text);
