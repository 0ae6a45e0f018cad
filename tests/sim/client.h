/* SPDX-License-Identifier: Apache-2.0 */
/* People: each comes and goes in one room through whatever gateway takes it, casts while it is
 * there, and remembers what it was shown. A connection is one WebSocket; a session is what the
 * cluster sees of it. Mostly each connection is a session of its own; one that moves opens the
 * second before it closes the first, with the same session and a greater conn_gen. */
#pragma once

#include "tests/sim/frame.h"
#include "tests/sim/node.h"

#define CLIENT_ROOMS_MAX 8
#define CLIENTS_MAX 32
#define CONNECTIONS_MAX 4096 /* of one run */

enum connection_state { CONNECTION_CALLING, CONNECTION_OPEN, CONNECTION_CLOSED };

struct heard { /* of one sender */
	uint64_t number;
	int64_t at_ns;
};

struct connection {
	struct world *world;
	struct client *client;
	unsigned number; /* from 1, in the order in which they were opened */
	uint64_t session, conn_gen;
	unsigned visited; /* gateways that know the session: one bit each */
	unsigned room, user;
	struct node *gateway;
	incarnation_id gateway_id;
	struct visit *visit; /* at the gateway; NULL: none (yet, or any more) */
	enum connection_state state;
	bool welcomed;
	int64_t opened_ns, welcomed_ns, said_ns;
	uint64_t epoch;      /* of the owner that gave it the last number */
	uint64_t relay;      /* the last number shown */
	uint64_t users;      /* the list it shows: one bit each */
	uint64_t joined;     /* those that it was shown to join */
	uint64_t event_seq;  /* of the last event shown; 0: none */
	uint64_t casts;      /* sent */
	struct heard *heard; /* by number of connection; grows */
	size_t heard_count;
};

struct client {
	struct world *world;
	unsigned index, user, room;
	struct connection *now, *old; /* old: of a move under way */
	uint64_t welcomed_gen;        /* conn_gen of the last one that was welcomed */
	bool thrown;                  /* out, and not by its own will */
	struct event act;
};

void client_init(struct client *, struct world *, unsigned index);
void client_fini(struct client *);
void client_settle(struct client *); /* no more coming and going; one that is away stays away */
void client_cast(struct client *);

/* ---- what the gateway does to a connection ---- */
void connection_on_frame(struct connection *, struct span text);
void connection_on_welcomed(struct connection *);
void connection_on_reset(struct connection *); /* the gateway, or its process, ended it */
struct heard *connection_heard(struct connection *, unsigned from);
void connection_free(struct connection *);
