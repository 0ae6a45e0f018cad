/* SPDX-License-Identifier: Apache-2.0 */
/* The root object of moot-gateway: opens the others in order (links first, listener last), drains
 * on SIGTERM, closes them. Everything hangs from here. Thread: loop. */
#pragma once

#include "common/loop.h"
#include "gateway/access.h"
#include "gateway/options.h"

struct gateway;
struct front;
struct options_reload;
struct questions;
struct router;
struct session_set;
struct socket_set;

MUST_USE struct gateway *gateway_open(const struct gateway_options *,
				      struct options_reload *); /* NULL: said why in the log */
bool gateway_run(struct gateway *); /* until drained; false: the public port could not be opened */
void gateway_close(struct gateway **);

struct loop *gateway_loop(struct gateway *);
const struct gateway_options *gateway_options(const struct gateway *);
struct access *gateway_access(struct gateway *);
struct questions *gateway_questions(struct gateway *);
struct router *gateway_router(struct gateway *);
struct pg *gateway_database(struct gateway *);
struct session_set *gateway_sessions(struct gateway *);
struct socket_set *gateway_sockets(struct gateway *);
const struct front *gateway_front(const struct gateway *);
bool gateway_takes_clients(const struct gateway *);
incarnation_id gateway_incarnation(const struct gateway *);
