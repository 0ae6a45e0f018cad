/* SPDX-License-Identifier: Apache-2.0 */
/* The public ports of a gateway: one shared by all gateways of the host (SO_REUSEPORT) and, when
 * set, one of its own. Owns the doors, the sockets and the HTTP API. Thread: loop. */
#pragma once

#include "common/err.h"

struct listener;
struct gateway;

/* Errors: IN_USE, SYSTEM, said in the log with what to do (port in use, evlib plugin missing). */
MUST_USE enum err listener_open(struct gateway *, struct listener **out);
void listener_pause(struct listener *); /* accept nobody any more */
/* Accept again. Errors: as listener_open. */
MUST_USE enum err listener_resume(struct listener *);
void listener_close(struct listener **); /* sockets that are still open are cut */
