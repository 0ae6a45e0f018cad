/* SPDX-License-Identifier: Apache-2.0 */
/* The public ports of a gateway: one shared by all gateways of the host (SO_REUSEPORT) and, when
 * set, one of its own; both again with TLS. Owns the doors and the HTTP API; borrows the sockets.
 * Thread: loop. */
#pragma once

#include "common/err.h"

struct listener;
struct gateway;

/* Errors: IN_USE, SYSTEM, said in the log with what to do. */
MUST_USE enum err listener_open(struct gateway *, struct listener **out);
void listener_pause(struct listener *); /* accept nobody any more */
/* Accept again. Errors: as listener_open. */
MUST_USE enum err listener_resume(struct listener *);
bool listener_is_short(const struct listener *); /* of descriptors: see door_is_short */
size_t listener_tls(const struct listener *);    /* connections over TLS */
void listener_close(struct listener **);         /* sockets that are still open are cut */
