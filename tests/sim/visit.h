/* SPDX-License-Identifier: Apache-2.0 */
/* A session as its gateway keeps it: the part of gateway/session.c that rooms see - entering, the
 * grace after a loss, leaving. The gateway's side of a connection. */
#pragma once

#include "gateway/router.h"
#include "tests/sim/client.h"

struct visit {
	struct list node;
	struct gateway_process *gateway;
	struct connection *connection; /* NULL: lost, in its grace */
	struct attendee *attendee;
	int64_t lost_ns;
};

struct visits {
	struct list all;
	struct router *router;
};

void visits_init(struct visits *, struct router *);
void visits_fini(struct visits *); /* the process ends: sockets break, no shard is told */
void visits_tick(struct visits *, int64_t now_ns);
size_t visits_connected(const struct visits *);
void visits_send_away(struct visits *, size_t count); /* 1012 to so many, oldest first */
const struct audience_sink *visits_sink(void);

/* ---- what a client does; its gateway reads of it a little later ---- */
void visit_open(struct connection *);
void visit_say(struct connection *, struct span text);
void visit_close(struct connection *, bool clean);
void visit_drop_deeds(struct world *); /* that no gateway has read of yet */

bool gateway_accepts(const struct node *);
struct visits *gateway_visits(struct gateway_process *);
struct questions *gateway_questions(struct gateway_process *);
const struct router *gateway_router(const struct gateway_process *);
uint64_t connection_epoch(const struct connection *); /* under which its gateway hears the room */
