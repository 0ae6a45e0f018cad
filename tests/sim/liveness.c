/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/liveness.h"

#include <inttypes.h>

#include "gateway/route.h"
#include "roomd/shard.h"
#include "tests/sim/gateway_process.h"
#include "tests/sim/world.h"

static void check_members(struct world *);
static void check_slots(struct world *);
static void check_routes(struct world *);
static void check_client(struct world *, const struct client *);
static void check_casts(struct world *, const struct connection *);
static void check_remains(struct world *);
static unsigned rooms_in_use(const struct world *);

void liveness_cast(struct world *w)
{
	for (unsigned i = 0; i < w->plan.clients; i++) {
		struct client *p = &w->clients[i];

		sim_cancel(&w->sim, &p->act);
		if (p->now && p->now->welcomed)
			client_cast(p, false);
	}
}

void liveness_check(struct world *w)
{
	check_members(w);
	check_slots(w);
	check_routes(w);
	for (unsigned i = 0; i < w->plan.clients; i++)
		if (w->clients[i].now)
			check_client(w, &w->clients[i]);
	check_remains(w);
}

static void check_members(struct world *w)
{
	for (size_t i = 0; i < w->database.member_count; i++) {
		const struct view_member *m = &w->database.members[i];

		if (m->state != MEMBER_DEAD && !world_node(w, m->id))
			sim_violate(&w->sim, "members-true", "%s is %s and does not run", m->name,
				    member_state_name(m->state));
	}
	for (unsigned i = 0; i < 2 * NETWORK_NODES_MAX; i++) {
		const struct node *n =
			i < NETWORK_NODES_MAX ? &w->shards[i] : &w->gateways[i - NETWORK_NODES_MAX];
		const struct view_member *m = database_member(&w->database, n->id);

		if (node_serves(n) && (!m || m->state != MEMBER_ACTIVE))
			sim_violate(&w->sim, "members-true", "%s runs and is %s", n->name,
				    m ? member_state_name(m->state) : "unknown");
	}
}

static void check_slots(struct world *w)
{
	unsigned loads[NETWORK_NODES_MAX] = {0}, shards = 0;

	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++)
		shards += node_runs(&w->shards[i]);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		const struct node *n = world_node(w, w->database.slots[slot].owner);

		if (n)
			loads[n->index]++;
		else
			sim_violate(&w->sim, "slots-owned", "slot %u: %" PRIx64 " is gone", slot,
				    w->database.slots[slot].owner.v);
	}
	unsigned most = (SLOTS + shards - 1) / shards + SLOTS / shards / 10;
	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++)
		if (loads[i] > most)
			sim_violate(&w->sim, "loads-bounded", "%s has %u slots of at most %u",
				    w->shards[i].name, loads[i], most);
}

static void check_routes(struct world *w)
{
	for (unsigned g = 0; g < w->plan.gateways; g++) {
		const struct node *n = &w->gateways[g];

		for (unsigned r = 0; node_runs(n) && r < w->plan.rooms; r++) {
			const struct route *route =
				router_route(gateway_process_router(n->gateway), world_room_key(r));
			if (!route || route->state == ROUTE_ASLEEP)
				continue;
			if (!route->link || !route_is_attached_over(route, route->link) ||
			    route->on_hold ||
			    link_peer(route->link).v != w->database.slots[route->slot].owner.v)
				sim_violate(&w->sim, "attached", "%s: r%u is not with its owner",
					    n->name, r);
		}
	}
}

static void check_client(struct world *w, const struct client *p)
{
	const struct connection *c = p->now;
	uint64_t here = 0;

	if (!c->welcomed) {
		sim_violate(&w->sim, "welcomed", "connection %u waits since %" PRId64 " ms",
			    c->number, (w->sim.now_ns - c->opened_ns) / NS_PER_MS);
		return;
	}
	for (unsigned i = 1; i <= w->connection_count; i++) {
		const struct connection *other = w->connections[i];

		if (other->state == CONNECTION_OPEN && other->room == c->room)
			here |= UINT64_C(1) << other->user;
	}
	if (c->users != here)
		sim_violate(&w->sim, "roster-true",
			    "connection %u in r%u at %s is shown %" PRIx64 " of %" PRIx64,
			    c->number, c->room, c->gateway->name, c->users, here);
	check_casts(w, c);
}

static void check_casts(struct world *w, const struct connection *c)
{
	for (unsigned i = 1; i <= w->connection_count; i++) {
		const struct connection *from = w->connections[i];
		uint64_t heard;

		if (from == c || from->state != CONNECTION_OPEN || from->room != c->room)
			continue;
		heard = from->number < c->heard_count ? c->heard[from->number].number : 0;
		if (heard != from->casts)
			sim_violate(&w->sim, "cast-arrives",
				    "connection %u at %s heard %" PRIu64
				    " of %u at %s, not %" PRIu64,
				    c->number, c->gateway->name, heard, from->number,
				    from->gateway->name, from->casts);
	}
}

/* Rooms and entries of nobody would grow without end. */
static void check_remains(struct world *w)
{
	size_t rooms = 0, entries = 0, visits = 0;
	struct shard_figures f;

	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++) {
		if (node_runs(&w->gateways[i]))
			visits += gateway_process_visits(w->gateways[i].gateway);
		if (!node_runs(&w->shards[i]))
			continue;
		shard_figures(shard_process_shard(w->shards[i].shard), &f);
		rooms += f.rooms;
		entries += f.entries;
	}
	/* Those that sleep, or are about to, are in the memory of no shard. */
	bool may_lack = w->plan.hibernate_ns > 0;
	if (rooms > rooms_in_use(w) || entries > visits ||
	    (!may_lack && (rooms < rooms_in_use(w) || entries < visits)))
		sim_violate(&w->sim, "nothing-left-over",
			    "%zu rooms of %u, %zu entries of %zu connections", rooms,
			    rooms_in_use(w), entries, visits);
}

static unsigned rooms_in_use(const struct world *w)
{
	unsigned used = 0;

	for (unsigned i = 1; i <= w->connection_count; i++)
		if (w->connections[i]->state == CONNECTION_OPEN)
			used |= 1u << w->connections[i]->room;
	return (unsigned)__builtin_popcount(used);
}
