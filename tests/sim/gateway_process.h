/* SPDX-License-Identifier: Apache-2.0 */
/* What others see of a simulated moot-gateway (node_gateway.c). */
#pragma once

#include "gateway/router.h"
#include "tests/sim/node.h"

struct session_set;
struct sockets;

bool gateway_accepts(const struct node *);
struct session_set *gateway_process_sessions(struct gateway_process *);
struct sockets *gateway_process_sockets(struct gateway_process *);
struct questions *gateway_process_questions(struct gateway_process *);
const struct router *gateway_process_router(const struct gateway_process *);
size_t gateway_process_visits(const struct gateway_process *); /* of sessions with a socket */
