/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/sim/world.h"

#define DELAY_MIN_NS (30 * SIM_US)
#define DELAY_MAX_NS (600 * SIM_US)
#define SPIKE_MAX_NS (40 * NS_PER_MS)
#define SPIKE_PER_MILLE 4
#define RETRANSMIT_MAX_NS (200 * NS_PER_MS)
#define STALL_MIN_NS (900 * NS_PER_MS) /* HEARTBEAT_TIMEOUT_MS of common/bus.c ... */
#define STALL_MAX_NS (1500 * NS_PER_MS)
#define RECONNECT_MIN_NS (50 * NS_PER_MS)
#define RECONNECT_MAX_NS (500 * NS_PER_MS)
#define IN_FLIGHT_MAX (64u << 20) /* bytes; a protocol without bounds shows here */

struct pipe { /* one direction of a connection */
	struct list packets;
	size_t count;
	int64_t last_ns; /* when the newest arrives */
	struct event arrive;
};

struct port {
	struct list node;
	struct world *world;
	struct wire *wire;
	struct link *link;   /* NULL: closed */
	incarnation_id peer; /* the run it is connected to; 0: none */
	char endpoint[24];   /* what it connects to */
	char route[40];
	size_t route_len;
	struct pipe pipes[2];
	struct event connect;
	unsigned unread; /* packets at the gateway's inbox that speak of it */
};

enum change { CHANGE_NONE, CHANGE_UP, CHANGE_BROKEN, CHANGE_REFUSED }; /* of common/bus.h */

struct packet { /* a message; or, without bytes, what became of a connection */
	struct input input;
	struct port *port; /* down only */
	enum change change;
	int64_t at_ns;
	size_t route_len, len;
	char route[40];
	uint8_t bytes[];
};

static enum err port_open(void *owner, struct link *, const char *endpoint, struct span id,
			  void **out);
static enum err port_send(void *owner, struct span bytes);
static void port_close(void *owner, void *port);
static void port_free(struct port *);
static void put(struct port *, enum network_direction, struct span bytes);
static int64_t delay(struct network *);
static void on_arrive_up(struct event *);
static void on_arrive_down(struct event *);
static void arrive(struct port *, enum network_direction);
static void take_up(struct input *, struct node *shard);
static void take_down(struct input *, struct node *gateway);
static void tell(struct port *, enum change);
static void drop(struct input *);
static void lose(struct port *, enum network_direction, size_t first);
static void disconnect(struct port *, bool may_keep);
static void on_connect(struct event *);
static bool is_held_up(const struct wire *);
static void on_stall(struct event *);
static void watch_stall(struct wire *);

void network_init(struct network *net, struct world *w)
{
	*net = (struct network){.world = w};
	list_init(&net->ports);
	for (unsigned g = 0; g < NETWORK_NODES_MAX; g++)
		for (unsigned s = 0; s < NETWORK_NODES_MAX; s++)
			net->wires[g][s] =
				(struct wire){net, &w->gateways[g], &w->shards[s], .cut = {0}};
}

void network_fini(struct network *net)
{
	LIST_EACH (&net->ports, it, ahead)
		port_free(container_of(it, struct port, node));
	for (unsigned g = 0; g < NETWORK_NODES_MAX; g++)
		for (unsigned s = 0; s < NETWORK_NODES_MAX; s++)
			sim_cancel(&net->world->sim, &net->wires[g][s].stall);
}

struct link_bus network_bus(struct node *gateway)
{
	return (struct link_bus){port_open, port_send, port_close, gateway, NULL};
}

enum err network_send(struct network *net, struct node *shard, struct span route, struct span bytes)
{
	LIST_EACH (&net->ports, it, ahead) {
		struct port *p = container_of(it, struct port, node);

		if (p->wire->shard != shard || p->peer.v != shard->id.v ||
		    p->route_len != route.len || memcmp(p->route, route.p, route.len) != 0)
			continue;
		put(p, NETWORK_DOWN, bytes);
		return OK;
	}
	return ERR_NO_PEER;
}

void network_cut(struct wire *w, enum network_direction d, bool cut)
{
	struct sim *s = &w->network->world->sim;

	sim_trace(s, "%s %s %s: %s", w->gateway->name, d == NETWORK_UP ? ">" : "<", w->shard->name,
		  cut ? "cut" : "whole");
	w->cut[d] = cut;
	w->trouble_ns = s->now_ns;
	if (cut) {
		watch_stall(w);
		return;
	}
	LIST_EACH (&w->network->ports, it, ahead) {
		struct port *p = container_of(it, struct port, node);

		if (p->wire == w && p->pipes[d].count > 0)
			sim_in(s, &p->pipes[d].arrive,
			       sim_between(s, SIM_NETWORK, 0, RETRANSMIT_MAX_NS),
			       d == NETWORK_UP ? on_arrive_up : on_arrive_down);
	}
}

void network_break(struct wire *w)
{
	struct sim *s = &w->network->world->sim;

	sim_trace(s, "connections %s - %s end", w->gateway->name, w->shard->name);
	w->trouble_ns = s->now_ns;
	LIST_EACH (&w->network->ports, it, ahead) {
		struct port *p = container_of(it, struct port, node);

		if (p->wire == w && p->peer.v)
			disconnect(p, true);
	}
}

void network_on_pause(struct network *net, struct node *n)
{
	for (unsigned i = 0; i < NETWORK_NODES_MAX; i++)
		watch_stall(n->kind == NODE_SHARD ? &net->wires[i][n->index]
						  : &net->wires[n->index][i]);
}

/* What a gateway had open its router closes when it is freed. */
void network_on_end(struct network *net, struct node *n)
{
	LIST_EACH (&net->ports, it, ahead) {
		struct port *p = container_of(it, struct port, node);

		if (p->wire->shard == n && p->peer.v)
			disconnect(p, true);
	}
}

static enum err port_open(void *owner, struct link *link, const char *endpoint, struct span id,
			  void **out)
{
	struct node *gateway = owner;
	struct world *w = gateway->world;
	struct port *p = mem_new(sizeof *p);
	unsigned long shard = strtoul(endpoint + strlen("sim:"), NULL, 10);

	must(shard < NETWORK_NODES_MAX && id.len <= sizeof p->route);
	p->world = w;
	p->wire = &w->network.wires[gateway->index][shard];
	p->link = link;
	snprintf(p->endpoint, sizeof p->endpoint, "%s", endpoint);
	memcpy(p->route, id.p, id.len);
	p->route_len = id.len;
	for (int d = 0; d < 2; d++)
		list_init(&p->pipes[d].packets);
	list_add_last(&w->network.ports, &p->node);
	sim_in(&w->sim, &p->connect, delay(&w->network), on_connect);
	*out = p;
	return OK;
}

/* ZMQ_IMMEDIATE: without a connection nothing is taken. */
static enum err port_send(void *owner, struct span bytes)
{
	struct port *p = owner;

	if (!p->peer.v)
		return ERR_NO_CREDIT;
	put(p, NETWORK_UP, bytes);
	return OK;
}

/* LINGER 0: what the kernel had taken still goes out. */
static void port_close(void *owner, void *port)
{
	struct port *p = port;
	struct sim *s = &p->world->sim;

	(void)owner;
	if (!p->link)
		return;
	p->link = NULL;
	sim_cancel(s, &p->connect);
	lose(p, NETWORK_DOWN, 0);
	if (p->peer.v)
		lose(p, NETWORK_UP, sim_below(s, SIM_NETWORK, p->pipes[NETWORK_UP].count + 1));
	else
		lose(p, NETWORK_UP, 0);
	if (p->pipes[NETWORK_UP].count == 0)
		port_free(p);
}

static void port_free(struct port *p)
{
	struct sim *s = &p->world->sim;

	lose(p, NETWORK_UP, 0);
	lose(p, NETWORK_DOWN, 0);
	sim_cancel(s, &p->connect);
	p->peer.v = 0;
	p->link = NULL;
	if (p->unread > 0) {
		p->wire = NULL; /* the last one that is read frees it */
		list_remove(&p->node);
		return;
	}
	list_remove(&p->node);
	mem_free(p);
}

static void put(struct port *p, enum network_direction d, struct span bytes)
{
	struct network *net = &p->world->network;
	struct pipe *pipe = &p->pipes[d];
	struct buf changed;

	buf_init(&changed, LINK_BATCH_MAX);
	invariant_on_message(&p->world->invariants, p->wire, d, bytes);
	bytes = mutant_message(p->world->mutant, bytes, &changed);
	struct packet *k = mem_new(sizeof *k + bytes.len);
	k->input = (struct input){.take = d == NETWORK_UP ? take_up : take_down, .drop = drop};
	list_init(&k->input.node);
	k->port = d == NETWORK_DOWN ? p : NULL;
	k->route_len = p->route_len;
	memcpy(k->route, p->route, p->route_len);
	k->len = bytes.len;
	memcpy(k->bytes, bytes.p, bytes.len);
	buf_fini(&changed);
	k->at_ns = p->world->sim.now_ns + delay(net);
	if (k->at_ns < pipe->last_ns)
		k->at_ns = pipe->last_ns;
	pipe->last_ns = k->at_ns;
	list_add_last(&pipe->packets, &k->input.node);
	pipe->count++;
	net->in_flight_bytes += k->len;
	if (net->in_flight_bytes > IN_FLIGHT_MAX)
		sim_violate(&p->world->sim, "bounded", "%zu bytes on the network",
			    net->in_flight_bytes);
	if (pipe->count == 1)
		sim_at(&p->world->sim, &pipe->arrive, k->at_ns,
		       d == NETWORK_UP ? on_arrive_up : on_arrive_down);
}

static int64_t delay(struct network *net)
{
	struct sim *s = &net->world->sim;
	int64_t ns = sim_between(s, SIM_NETWORK, DELAY_MIN_NS, DELAY_MAX_NS);

	if (sim_chance(s, SIM_NETWORK, SPIKE_PER_MILLE))
		ns += sim_between(s, SIM_NETWORK, 0, SPIKE_MAX_NS);
	if (net->slow_ns)
		ns += sim_between(s, SIM_NETWORK, 0, net->slow_ns);
	return ns;
}

static void on_arrive_up(struct event *e)
{
	arrive(container_of(e, struct port, pipes[NETWORK_UP].arrive), NETWORK_UP);
}

static void on_arrive_down(struct event *e)
{
	arrive(container_of(e, struct port, pipes[NETWORK_DOWN].arrive), NETWORK_DOWN);
}

static void arrive(struct port *p, enum network_direction d)
{
	struct sim *s = &p->world->sim;
	struct pipe *pipe = &p->pipes[d];
	struct node *to = d == NETWORK_UP ? p->wire->shard : p->wire->gateway;

	while (p->peer.v && pipe->count > 0 && !p->wire->cut[d]) {
		struct packet *k = container_of(pipe->packets.next, struct packet, input.node);

		if (k->at_ns > s->now_ns) {
			sim_at(s, &pipe->arrive, k->at_ns,
			       d == NETWORK_UP ? on_arrive_up : on_arrive_down);
			return;
		}
		list_remove(&k->input.node);
		pipe->count--;
		p->world->network.in_flight_bytes -= k->len;
		if (d == NETWORK_DOWN)
			p->unread++;
		node_give(to, &k->input);
	}
	if (!p->link && pipe->count == 0)
		port_free(p);
}

static void take_up(struct input *in, struct node *shard)
{
	struct packet *k = container_of(in, struct packet, input);

	shard_process_receive(shard->shard, span_of(k->route, k->route_len),
			      span_of(k->bytes, k->len));
	mem_free(k);
}

static void take_down(struct input *in, struct node *gateway)
{
	struct packet *k = container_of(in, struct packet, input);

	struct link *link = k->port->link;
	int64_t now_ns = gateway->world->sim.now_ns;

	if (link && k->change == CHANGE_UP)
		link_on_connected(link);
	else if (link && k->change == CHANGE_BROKEN)
		link_on_broken(link, now_ns);
	else if (link && k->change == CHANGE_REFUSED)
		link_on_refused(link);
	else if (link) {
		if (gateway->world->plan.natives > 0)
			words_on_read(&gateway->world->words, gateway, span_of(k->bytes, k->len));
		link_on_bytes(link, span_of(k->bytes, k->len), now_ns);
	}
	drop(in);
}

static void tell(struct port *p, enum change change)
{
	struct packet *k = mem_new(sizeof *k);

	k->input = (struct input){.take = take_down, .drop = drop};
	k->port = p;
	k->change = change;
	p->unread++;
	node_give(p->wire->gateway, &k->input);
}

static void drop(struct input *in)
{
	struct packet *k = container_of(in, struct packet, input);
	struct port *p = k->port;

	mem_free(k);
	if (p && --p->unread == 0 && !p->wire)
		mem_free(p);
}

/* All but the `first` ones that are on their way in this direction. */
static void lose(struct port *p, enum network_direction d, size_t first)
{
	struct pipe *pipe = &p->pipes[d];

	while (pipe->count > first) {
		struct packet *k = container_of(pipe->packets.prev, struct packet, input.node);

		list_remove(&k->input.node);
		pipe->count--;
		p->world->network.in_flight_bytes -= k->len;
		mem_free(k);
	}
	if (pipe->count == 0)
		sim_cancel(&p->world->sim, &pipe->arrive);
}

/* Of what goes up the oldest is lost; the rest may still be the DEALER's, and waits for the next
 * connection. */
static void disconnect(struct port *p, bool may_keep)
{
	struct sim *s = &p->world->sim;
	struct pipe *up = &p->pipes[NETWORK_UP];
	size_t kept = 0;

	p->peer.v = 0;
	lose(p, NETWORK_DOWN, 0);
	if (may_keep && p->link && sim_chance(s, SIM_NETWORK, 500))
		kept = sim_below(s, SIM_NETWORK, up->count + 1);
	while (up->count > kept) {
		struct packet *k = container_of(up->packets.next, struct packet, input.node);

		list_remove(&k->input.node);
		up->count--;
		p->world->network.in_flight_bytes -= k->len;
		mem_free(k);
	}
	sim_cancel(s, &up->arrive);
	if (!p->link) {
		port_free(p);
		return;
	}
	tell(p, CHANGE_BROKEN);
	sim_in(s, &p->connect, sim_between(s, SIM_NETWORK, RECONNECT_MIN_NS, RECONNECT_MAX_NS),
	       on_connect);
}

static void on_connect(struct event *e)
{
	struct port *p = container_of(e, struct port, connect);
	struct sim *s = &p->world->sim;
	const struct node *shard = p->wire->shard;
	bool listens = node_runs(shard) && !strcmp(p->endpoint, shard->endpoint);

	if (is_held_up(p->wire) || !listens) {
		if (!listens && !p->wire->cut[NETWORK_UP] && !p->wire->cut[NETWORK_DOWN])
			tell(p, CHANGE_REFUSED);
		sim_in(s, e, sim_between(s, SIM_NETWORK, RECONNECT_MIN_NS, RECONNECT_MAX_NS),
		       on_connect);
		return;
	}
	p->peer = shard->id;
	tell(p, CHANGE_UP);
	if (p->pipes[NETWORK_UP].count > 0) {
		sim_trace(s, "%s > %s: %zu stale messages", p->wire->gateway->name, shard->name,
			  p->pipes[NETWORK_UP].count);
		sim_in(s, &p->pipes[NETWORK_UP].arrive, delay(&p->world->network), on_arrive_up);
	}
}

static bool is_held_up(const struct wire *w)
{
	return w->cut[NETWORK_UP] || w->cut[NETWORK_DOWN] || w->gateway->paused || w->shard->paused;
}

static void watch_stall(struct wire *w)
{
	struct sim *s = &w->network->world->sim;

	if (!sim_is_set(&w->stall))
		sim_in(s, &w->stall, sim_between(s, SIM_NETWORK, STALL_MIN_NS, STALL_MAX_NS),
		       on_stall);
}

static void on_stall(struct event *e)
{
	struct wire *w = container_of(e, struct wire, stall);

	if (is_held_up(w))
		network_break(w);
}
