/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP API of a gateway, with the service key. */
#pragma once

#include "deploy/ctl/client.h"
#include "deploy/ctl/command.h"

/* The path of a room, "/v1/rooms/..." and `rest`. */
void api_put_room(struct buf *path, const char *room, const char *rest);
/* 200 with JSON in `reply`, to be freed by the caller; else false: said why. `body`: JSON of a
 * POST, or nothing for a GET. */
MUST_USE bool api_ask(struct ctl *, const char *path, struct span body, struct client_reply *);
