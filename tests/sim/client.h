/* SPDX-License-Identifier: Apache-2.0 */
/* People: each comes and goes in one room through whatever gateway takes it, casts while it is
 * there, and remembers what it was shown. A connection is one client in one room over one
 * WebSocket: of v0 there is nothing else, and it is a session of its own; a native client has one
 * for each room that it joins (native_client.h). One that moves opens the second before it closes
 * the first. */
#pragma once

#include "tests/sim/frame.h"
#include "tests/sim/node.h"

#define CLIENT_ROOMS_MAX 8
#define CLIENTS_MAX 32
#define CONNECTIONS_MAX 4096 /* of one run */

enum connection_state { CONNECTION_CALLING, CONNECTION_OPEN, CONNECTION_CLOSED };

struct heard { /* of one sender */
	uint64_t number, op;
	int64_t at_ns;
};

struct connection {
	struct world *world;
	struct client *client;
	unsigned number; /* from 1, in the order in which they were opened */
	uint64_t session;
	unsigned room, user;
	bool native;
	struct node *gateway;
	struct line *line;
	enum connection_state state;
	bool welcomed;
	bool may_miss;   /* casts: it read slowly */
	bool superseded; /* its session is in the room over a newer one */
	int64_t opened_ns, welcomed_ns;
	int64_t lost_ns;     /* when the gateway ended it; 0: the client did */
	uint64_t epoch;      /* of the owner that gave it the last number */
	uint64_t relay;      /* the last number shown */
	uint64_t users;      /* the list it shows: one bit each */
	uint64_t joined;     /* those that it was shown to join */
	uint64_t event_seq;  /* of the last event shown; 0: none */
	uint64_t casts, ops; /* sent; those that late joiners are not told of */
	struct heard *heard; /* by number of connection; grows */
	size_t heard_count;
};

struct client {
	struct world *world;
	unsigned index, user, room;
	struct connection *now, *old; /* old: of a move under way */
	bool thrown;                  /* out, and not by its own will */
	struct event act;
};

void client_init(struct client *, struct world *, unsigned index);
void client_fini(struct client *);
void client_settle(struct client *); /* no more coming and going; one that is away stays away */
void client_cast(struct client *, bool kept);

struct connection *connection_new(struct world *, const struct connection *); /* but its number */
struct heard *connection_heard(struct connection *, unsigned from);
void connection_free(struct connection *);
