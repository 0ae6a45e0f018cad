/* SPDX-License-Identifier: Apache-2.0 */
/* The internal port of a process: /healthz, /readyz, /metrics. Thread: loop. */
#pragma once

#include "common/door.h"

struct admin;

/* Append the named checks as JSON members (`"database":true,...`) and say whether all hold. */
typedef bool admin_ready_fn(void *owner, struct buf *checks);

MUST_USE enum err admin_open(struct loop *, const char *host, uint16_t port, admin_ready_fn *,
			     void *owner, struct admin **out);
void admin_close(struct admin **);
uint16_t admin_port(const struct admin *);
