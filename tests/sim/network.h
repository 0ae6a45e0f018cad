/* SPDX-License-Identifier: Apache-2.0 */
/* The bus between gateways and shards as ZeroMQ over TCP behaves (common/bus.c): a port is one
 * DEALER, a wire is the way between one gateway and one shard, whichever process runs there. Each
 * direction is ordered; its delay is random. Nothing is lost but by the end of a connection: what
 * was on its way may be gone, and what a DEALER had not handed over yet goes to whoever listens at
 * the endpoint next. A cut direction delivers nothing; held up for about a second, a connection
 * ends. */
#pragma once

#include "gateway/link.h"
#include "tests/sim/node.h"

#define NETWORK_NODES_MAX 8 /* gateways; shards as well */

enum network_direction { NETWORK_UP, NETWORK_DOWN }; /* up: to the shard */

struct wire {
	struct network *network;
	struct node *gateway, *shard;
	bool cut[2];
	int64_t trouble_ns; /* when something was last wrong with it */
	struct event stall;
};

struct network {
	struct world *world;
	struct list ports;
	struct wire wires[NETWORK_NODES_MAX][NETWORK_NODES_MAX]; /* gateway, shard */
	int64_t slow_ns; /* what is added to each delay at most; a fault */
	size_t in_flight_bytes;
};

void network_init(struct network *, struct world *);
void network_fini(struct network *);

struct link_bus network_bus(struct node *gateway);
/* A shard to the caller with that routing id. Errors: NO_PEER. */
enum err network_send(struct network *, struct node *shard, struct span route, struct span bytes);

void network_cut(struct wire *, enum network_direction, bool cut);
void network_break(struct wire *); /* every connection over it ends, and is made again */
void network_on_pause(struct network *, struct node *);
void network_on_end(struct network *, struct node *);
