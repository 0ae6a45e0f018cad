/* SPDX-License-Identifier: Apache-2.0 */
/* The second process of `moot-limit PORT hop`: everything goes there and back over ZeroMQ (DEALER
 * and ROUTER over ipc, everything of one turn of the loop in one message) before it is delivered.
 * The floor of an architecture of two processes. Speaks to libzmq itself: common/bus.c would
 * measure our own cost. */
#pragma once

#include "common/buf.h"

struct hop;

typedef void hop_fn(uint64_t to, uint64_t but, struct span frame);

MUST_USE struct hop *hop_open(void); /* starts the other process, which ends with this one */
int hop_fd(const struct hop *);      /* tells when to call hop_take */
int hop_pid(const struct hop *);     /* of the other process */
void hop_put(struct hop *, uint64_t to, uint64_t but, struct span frame);
void hop_flush(struct hop *); /* once a turn */
void hop_take(struct hop *,
	      hop_fn *fn); /* all that has come back; after each turn: the fd is edge-triggered */
