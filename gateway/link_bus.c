/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes DEALERs for links; translates, decides nothing. */
#include "gateway/link_bus.h"

#include "common/mem.h"

struct port {
	struct bus *bus;
	struct link *link;
	struct loop *loop;
};

static enum err port_open(void *owner, struct link *, const char *endpoint, struct span id,
			  void **out);
static enum err port_send(void *port, struct span bytes);
static void port_close(void *owner, void *port);
static void port_pause(void *port, bool is_paused);
static void port_on_message(void *owner, struct span peer, struct span body);
static void port_on_change(void *owner, enum bus_change);

struct link_bus link_bus_of(struct link_wire *wire)
{
	return (struct link_bus){port_open, port_send, port_close, wire, port_pause};
}

static enum err port_open(void *owner, struct link *link, const char *endpoint, struct span id,
			  void **out)
{
	struct link_wire *wire = owner;
	struct port *p = mem_new(sizeof *p);

	p->link = link;
	p->loop = wire->loop;
	const struct bus_call call = {endpoint, id, port_on_message, port_on_change, p};
	enum err e = bus_connect(wire->context, &call, &p->bus);

	if (e == OK)
		*out = p;
	else
		mem_free(p);
	return e;
}

static enum err port_send(void *port, struct span bytes)
{
	struct port *p = port;

	return bus_send(p->bus, SPAN_NONE, bytes);
}

/* May run inside port_on_message of the same port, so the port outlives the turn. */
static void port_close(void *owner, void *port)
{
	struct link_wire *wire = owner;
	struct port *p = port;

	bus_close(&p->bus);
	p->link = NULL;
	loop_reap(wire->loop, mem_free, p);
}

static void port_pause(void *port, bool is_paused)
{
	bus_pause(((struct port *)port)->bus, is_paused);
}

static void port_on_message(void *owner, struct span peer, struct span body)
{
	struct port *p = owner;

	(void)peer;
	if (p->link)
		link_on_bytes(p->link, body, loop_now_ns(p->loop));
}

static void port_on_change(void *owner, enum bus_change change)
{
	struct port *p = owner;

	if (!p->link)
		return;
	if (change == BUS_UP)
		link_on_connected(p->link);
	else if (change == BUS_BROKEN)
		link_on_broken(p->link, loop_now_ns(p->loop));
	else
		link_on_refused(p->link);
}
