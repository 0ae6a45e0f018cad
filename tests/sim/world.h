/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated cluster: what it is made of (the plan, drawn from the seed), and its run: start,
 * faults, then quiet, then a look at whether everything found its place. */
#pragma once

#include "tests/sim/client.h"
#include "tests/sim/database.h"
#include "tests/sim/fault.h"
#include "tests/sim/invariant.h"
#include "gateway/resume.h"
#include "tests/sim/mutant.h"
#include "tests/sim/native_client.h"
#include "tests/sim/native_presence.h"
#include "tests/sim/network.h"
#include "tests/sim/publication.h"

#define WORLD_START_NS (3 * NS_PER_S)  /* before the first fault */
#define WORLD_QUIET_NS (20 * NS_PER_S) /* after the last one */
#define WORLD_GRACE_NS (10 * NS_PER_S) /* presence.grace of both programs */

struct plan {
	unsigned gateways, shards, spare_shards, rooms, users, clients, natives;
	bool fixed_ports;     /* a shard's next run listens where the last one did */
	bool async;           /* a failover may lose the last values of the view's version */
	bool moves;           /* sessions move between gateways */
	int64_t settle_ns;    /* joiner.settle of shards */
	int64_t hibernate_ns; /* room.hibernate of shards; 0: never */
	int64_t cork_ns;      /* link.cork of gateways */
	int64_t faulty_ns;
	const struct fault_profile *faults;
};

struct world {
	struct sim sim;
	struct plan plan;
	enum mutant mutant;
	uint64_t incarnations;
	struct database database;
	struct network network;
	struct invariants invariants;
	struct faults faults;
	struct publications publications;
	struct node gateways[NETWORK_NODES_MAX], shards[NETWORK_NODES_MAX];
	struct client clients[CLIENTS_MAX];
	struct native_client natives[NATIVES_MAX];
	struct words words;
	struct connection *connections[CONNECTIONS_MAX]; /* all of the run, by number */
	unsigned connection_count;
	struct list lines; /* of the run */
	struct list deeds; /* of clients, on their way to gateways */
	bool settled;      /* nobody comes or goes any more */
	bool ending;       /* nobody says anything new any more */
};

struct world_setup {
	uint64_t seed;
	int64_t seconds; /* virtual, the quiet end included */
	enum mutant mutant;
	const char *only; /* one kind of fault; NULL: as the seed says */
	bool async;       /* as in the plan */
	bool full;        /* 3 gateways, 3 to 5 shards, every kind of fault, up to three at once */
	bool native;      /* always native clients */
	bool traced;
};

/* Runs one seed from beginning to end; what was violated is in `world->sim`. */
struct world *world_run(const struct world_setup *);
void world_free(struct world **);

extern const struct resume_key world_resume_key; /* of its gateways */
incarnation_id world_new_incarnation(struct world *);
struct span world_room_key(unsigned room);
struct node *world_node(struct world *, incarnation_id); /* that runs as this; NULL: none */
