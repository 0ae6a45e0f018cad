/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <inttypes.h>

#include "common/mem.h"
#include "tests/sim/liveness.h"
#include "tests/sim/sockets.h"

#define LAST_CAST_NS (6 * NS_PER_S) /* before the end */
#define STARTS_NS (500 * NS_PER_MS) /* within which the first processes start */

static void draw_plan(struct world *, const struct world_setup *);
static void start(struct world *);
static void run_for(struct world *, int64_t ns);

struct world *world_run(const struct world_setup *setup)
{
	struct world *w = mem_new(sizeof *w);

	sim_init(&w->sim, setup->seed, setup->traced);
	w->mutant = setup->mutant;
	list_init(&w->deeds);
	list_init(&w->lines);
	draw_plan(w, setup);
	database_init(&w->database, w);
	network_init(&w->network, w);
	invariants_init(&w->invariants, w);
	faults_init(&w->faults, w, w->plan.faults, setup->only);
	publications_init(&w->publications, w);
	words_init(&w->words);
	start(w);
	run_for(w, WORLD_START_NS);
	faults_start(&w->faults);
	run_for(w, w->plan.faulty_ns);
	faults_end(&w->faults);
	sim_trace(&w->sim, "quiet");
	w->settled = true;
	for (unsigned i = 0; i < w->plan.clients; i++)
		client_settle(&w->clients[i]);
	for (unsigned i = 0; i < w->plan.natives; i++)
		native_client_settle(&w->natives[i]);
	run_for(w, WORLD_QUIET_NS - LAST_CAST_NS);
	if (!w->sim.violated) {
		w->ending = true;
		liveness_cast(w);
		for (unsigned i = 0; i < w->plan.natives; i++)
			native_client_end(&w->natives[i]);
		publications_end(&w->publications);
	}
	run_for(w, LAST_CAST_NS);
	if (!w->sim.violated) {
		liveness_check(w);
		for (unsigned i = 0; i < w->plan.natives; i++)
			native_client_check(&w->natives[i]);
		publications_check(&w->publications);
	}
	return w;
}

void world_free(struct world **pw)
{
	struct world *w = *pw;

	*pw = NULL;
	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		node_fini(&w->gateways[i]);
		node_fini(&w->shards[i]);
	}
	publications_fini(&w->publications);
	for (unsigned i = 0; i < w->plan.natives; i++)
		native_client_fini(&w->natives[i]);
	lines_fini(w);
	words_fini(&w->words);
	for (unsigned i = 0; i <= w->connection_count; i++)
		connection_free(w->connections[i]);
	network_fini(&w->network);
	database_fini(&w->database);
	sim_fini(&w->sim);
	mem_free(w);
}

incarnation_id world_new_incarnation(struct world *w)
{
	return (incarnation_id){++w->incarnations << 16 |
				(sim_random(&w->sim, SIM_WORLD) & 0xffff)};
}

struct span world_room_key(unsigned room)
{
	static const char *const keys[CLIENT_ROOMS_MAX] = {
		"submission:r0", "submission:r1", "submission:r2", "submission:r3",
		"submission:r4", "submission:r5", "submission:r6", "submission:r7",
	};

	return span_str(keys[room]);
}

struct node *world_node(struct world *w, incarnation_id id)
{
	for (unsigned i = 0; id.v && i < NETWORK_NODES_MAX; i++) {
		if (w->shards[i].id.v == id.v)
			return &w->shards[i];
		if (w->gateways[i].id.v == id.v)
			return &w->gateways[i];
	}
	return NULL;
}

static void draw_plan(struct world *w, const struct world_setup *setup)
{
	struct sim *s = &w->sim;
	struct plan *p = &w->plan;

	p->gateways = (unsigned)sim_between(s, SIM_WORLD, 2, 3);
	p->shards = (unsigned)sim_between(s, SIM_WORLD, 2, 4);
	p->spare_shards = (unsigned)sim_between(s, SIM_WORLD, 0, 1);
	p->rooms = (unsigned)sim_between(s, SIM_WORLD, 2, 5);
	p->users = (unsigned)sim_between(s, SIM_WORLD, 5, 9);
	p->clients = p->users + (unsigned)sim_between(s, SIM_WORLD, 0, 6);
	p->fixed_ports = sim_chance(s, SIM_WORLD, 500);
	p->moves = sim_chance(s, SIM_WORLD, 600);
	p->settle_ns = sim_chance(s, SIM_WORLD, 700) ? 0 : NS_PER_S;
	p->async = setup->async;
	p->faults = fault_profile_draw(s);
	if (setup->full) {
		p->gateways = 3;
		p->shards = p->shards < 3 ? 3 : p->shards;
		p->faults = fault_profile_full();
	}
	p->natives = sim_chance(s, SIM_WORLD, 500) ? 0 : (unsigned)sim_between(s, SIM_WORLD, 1, 5);
	if (setup->native && p->natives < 2)
		p->natives = 2;
	if (sim_chance(s, SIM_WORLD, 700))
		p->hibernate_ns = (int64_t)sim_between(s, SIM_WORLD, 200, 3000) * NS_PER_MS;
	if (sim_chance(s, SIM_WORLD, 500))
		p->cork_ns = NS_PER_MS;
	p->faulty_ns = setup->seconds * NS_PER_S - WORLD_START_NS - WORLD_QUIET_NS;
	sim_trace(
		s,
		"seed %llu: %u gateways, %u+%u shards, %u rooms, %u users, %u clients + %u native, "
		"faults %s%s%s%s%s, rooms sleep after %" PRId64 " ms",
		(unsigned long long)setup->seed, p->gateways, p->shards, p->spare_shards, p->rooms,
		p->users, p->clients, p->natives, p->faults->name,
		p->fixed_ports ? ", fixed ports" : "", p->moves ? ", moves" : "",
		p->settle_ns ? ", joiners settle" : "", p->cork_ns ? ", corked" : "",
		p->hibernate_ns / NS_PER_MS);
}

static void start(struct world *w)
{
	struct sim *s = &w->sim;

	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		node_init(&w->shards[i], w, NODE_SHARD, i);
		node_init(&w->gateways[i], w, NODE_GATEWAY, i);
		w->shards[i].idle = i >= w->plan.shards;
		if (i < w->plan.shards)
			node_start_in(&w->shards[i], sim_between(s, SIM_WORLD, 0, STARTS_NS));
		if (i < w->plan.gateways)
			node_start_in(&w->gateways[i], sim_between(s, SIM_WORLD, 0, STARTS_NS));
	}
	for (unsigned i = 0; i < w->plan.clients; i++)
		client_init(&w->clients[i], w, i);
	for (unsigned i = 0; i < w->plan.natives; i++)
		native_client_init(&w->natives[i], w, i);
}

static void run_for(struct world *w, int64_t ns)
{
	int64_t until_ns = w->sim.now_ns + ns;

	while (!w->sim.violated && sim_step(&w->sim, until_ns))
		;
}
