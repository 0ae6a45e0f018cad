/* SPDX-License-Identifier: Apache-2.0 */
/* Slots lead to owners, owners to links, rooms to slots. Everything that changes one of the three
 * ends in the same place: the routes of the slot attach again. */
#include "gateway/router.h"

#include "common/log.h"
#include "common/mem.h"
#include "gateway/metrics.h"
#include "gateway/records.h"
#include "gateway/route.h"

#define HOLD_MAX_NS (3 * NS_PER_S) /* a move that takes longer has failed: go on with the owner */

struct router_slot {
	struct list routes;
	int64_t held_ns; /* since when it is on hold; 0: it is not */
	bool changed;    /* since the last settling */
};

struct router {
	struct router_setup setup;
	struct link_setup link_setup;
	struct view view;
	struct map links;  /* incarnation -> struct link */
	struct map routes; /* room key -> struct route */
	struct router_slot slots[SLOTS];
	struct route_shared shared;
	bool holding; /* some slot is on hold */
};

static struct link *owner_link(const struct router *, unsigned slot);
static void attach_slot(struct router *, unsigned slot, int64_t now_ns);
static void open_links(struct router *, int64_t now_ns);
static void drop_links(struct router *, int64_t now_ns);
static struct link *find_unwanted(const struct router *);
static bool is_wanted(const struct router *, incarnation_id);
static void lose_link(struct router *, struct link *, int64_t now_ns);
static void end_holds(struct router *, int64_t now_ns);
static void end_hold(struct router *, unsigned slot, int64_t now_ns);
static void tick_routes(struct router *, int64_t now_ns);
static void on_link_open(void *owner, struct link *, int64_t now_ns);
static void on_link_shut(void *owner, struct link *, int64_t now_ns);
static void on_link_message(void *owner, struct link *, const struct message *, int64_t now_ns);

struct router *router_new(const struct router_setup *setup)
{
	struct router *r = mem_new(sizeof *r);

	r->setup = *setup;
	r->link_setup = (struct link_setup){
		.self = setup->self,
		.name = setup->name,
		.bus = setup->bus,
		.hooks = {on_link_open, on_link_shut, on_link_message, r},
		.heartbeat_ns = setup->heartbeat_ns,
		.silence_ns = setup->silence_ns,
	};
	view_init(&r->view);
	map_init(&r->links);
	map_init(&r->routes);
	for (unsigned i = 0; i < SLOTS; i++)
		list_init(&r->slots[i].routes);
	r->shared.sink = &r->setup.sink;
	list_init(&r->shared.unsettled);
	return r;
}

void router_free(struct router **pr)
{
	struct router *r = *pr;
	struct route *route;
	struct link *link;
	size_t at = 0;

	if (!r)
		return;
	*pr = NULL;
	while ((route = map_next(&r->routes, &at)))
		route_free(&route);
	at = 0;
	while ((link = map_next(&r->links, &at)))
		link_free(&link);
	map_fini(&r->routes);
	map_fini(&r->links);
	view_fini(&r->view);
	mem_free(r);
}

struct listener *router_enter(struct router *r, struct span room_key, void *session,
			      const struct item_member *m, int64_t now_ns)
{
	struct route *route = map_find(&r->routes, room_key);

	if (route)
		return route_enter(route, session, m);
	route = route_new(room_key, &r->shared);
	route->on_hold = r->slots[route->slot].held_ns;
	map_add(&r->routes, span_str(route->key), route);
	list_add_last(&r->slots[route->slot].routes, &route->of_slot);
	struct listener *who = route_enter(route, session, m);
	router_attach(r, route, now_ns);
	return who;
}

void router_leave(struct router *r, struct listener **who, int64_t now_ns)
{
	struct route *route = (*who)->route;

	route_leave(route, who, now_ns);
	router_refresh(r, route);
}

enum err router_cast(struct listener *who, struct msg_cast *m, int64_t now_ns)
{
	return route_cast(who->route, who, m, now_ns);
}

size_t router_rooms(const struct router *r)
{
	return r->routes.len;
}

struct link *router_way(const struct router *r, struct span room_key)
{
	unsigned slot = slot_of(room_key);
	struct link *link = owner_link(r, slot);

	return link && link_is_open(link) && !r->slots[slot].held_ns ? link : NULL;
}

const struct view *router_view(const struct router *r)
{
	return &r->view;
}

void router_view_begin(struct router *r)
{
	view_members_begin(&r->view);
}

void router_put_member(struct router *r, const struct view_member *m)
{
	view_put_member(&r->view, m);
}

void router_put_slot(struct router *r, unsigned slot, incarnation_id owner, uint64_t epoch)
{
	if (view_set_slot(&r->view, slot, owner, epoch))
		r->slots[slot].changed = true;
}

void router_view_end(struct router *r, uint64_t version, int64_t now_ns)
{
	view_members_end(&r->view);
	view_set_version(&r->view, version);
	r->link_setup.facts.view = r->view.version;
	drop_links(r, now_ns);
	open_links(r, now_ns);
	router_settle(r, now_ns);
}

void router_set_database(struct router *r, bool ok)
{
	r->link_setup.facts.database_ok = ok;
}

struct route *router_route(const struct router *r, struct span room_key)
{
	return map_find(&r->routes, room_key);
}

void router_attach(struct router *r, struct route *route, int64_t now_ns)
{
	route_attach(route, owner_link(r, route->slot), r->view.slots[route->slot].epoch, now_ns);
}

void router_refresh(struct router *r, struct route *route)
{
	if (!audience_is_empty(route->audience))
		return;
	(void)map_remove(&r->routes, span_str(route->key));
	route_free(&route);
}

void router_hold(struct router *r, unsigned slot, int64_t now_ns)
{
	r->holding = true;
	r->slots[slot].held_ns = now_ns;
	LIST_EACH (&r->slots[slot].routes, it, ahead)
		route_hold(container_of(it, struct route, of_slot));
}

void router_add_link(struct router *r, incarnation_id owner, struct span endpoint, int64_t now_ns)
{
	const struct view_member *m = view_member(&r->view, owner);
	char text[sizeof m->endpoint] = "";

	if (!owner.v || map_find_u64(&r->links, owner.v) || (m && m->state == MEMBER_DEAD) ||
	    !endpoint.len || endpoint.len >= sizeof text)
		return;
	for (size_t i = 0; i < endpoint.len; i++)
		text[i] = (char)endpoint.p[i];
	struct link *link = link_new(&r->link_setup, owner, text, now_ns);
	map_add_u64(&r->links, owner.v, link);
	link_open(link, now_ns);
}

void router_settle(struct router *r, int64_t now_ns)
{
	bool any = false;

	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (!r->slots[slot].changed)
			continue;
		any = true;
		r->slots[slot].changed = false;
		attach_slot(r, slot, now_ns);
	}
	if (any)
		r->setup.on_ways(r->setup.owner, now_ns);
}

const struct router_setup *router_setup(const struct router *r)
{
	return &r->setup;
}

void router_tick(struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		link_tick(link, now_ns);
	end_holds(r, now_ns);
	tick_routes(r, now_ns);
}

void router_flush(struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		link_flush(link, now_ns);
}

void router_say_goodbye(struct router *r)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		link_say_goodbye(link);
}

unsigned router_links_up(const struct router *r)
{
	const struct link *link;
	unsigned up = 0;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		up += link_is_up(link);
	return up;
}

static struct link *owner_link(const struct router *r, unsigned slot)
{
	return map_find_u64(&r->links, r->view.slots[slot].owner.v);
}

/* The owner or its epoch is another: a hold has served its purpose, and everything attaches anew,
 * but for what the owner itself already attached under this epoch. */
static void attach_slot(struct router *r, unsigned slot, int64_t now_ns)
{
	const struct link *link = owner_link(r, slot);

	r->slots[slot].held_ns = 0;
	LIST_EACH (&r->slots[slot].routes, it, ahead) {
		struct route *route = container_of(it, struct route, of_slot);

		if (link && route->epoch == r->view.slots[slot].epoch &&
		    (route_is_attached_over(route, link) || route_is_attaching_over(route, link))) {
			route_release(route, now_ns);
			router_refresh(r, route);
			continue;
		}
		route->on_hold = false;
		route->refusals = 0;
		router_attach(r, route, now_ns);
	}
}

static void open_links(struct router *r, int64_t now_ns)
{
	const struct view_member *m;
	size_t at = 0;

	while ((m = map_next(&r->view.members, &at)))
		if (m->kind == MEMBER_SHARD)
			router_add_link(r, m->id, span_str(m->endpoint), now_ns);
}

static void drop_links(struct router *r, int64_t now_ns)
{
	struct link *link;

	while ((link = find_unwanted(r))) {
		log_info("link_dropped", kv_hex("shard", link_peer(link).v));
		lose_link(r, link, now_ns);
		(void)map_remove_u64(&r->links, link_peer(link).v);
		link_free(&link);
	}
}

/* From the start each time, because removing during a walk is not allowed; links are few. */
static struct link *find_unwanted(const struct router *r)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		if (!is_wanted(r, link_peer(link)))
			return link;
	return NULL;
}

static bool is_wanted(const struct router *r, incarnation_id shard)
{
	const struct view_member *m = view_member(&r->view, shard);

	return m && m->state != MEMBER_DEAD;
}

static void lose_link(struct router *r, struct link *link, int64_t now_ns)
{
	struct route *route;
	size_t at = 0;

	while ((route = map_next(&r->routes, &at)))
		if (route->link == link)
			route_lose(route, now_ns);
}

static void end_holds(struct router *r, int64_t now_ns)
{
	bool holding = false;

	for (unsigned slot = 0; r->holding && slot < SLOTS; slot++) {
		if (!r->slots[slot].held_ns)
			continue;
		if (now_ns - r->slots[slot].held_ns < HOLD_MAX_NS)
			holding = true;
		else
			end_hold(r, slot, now_ns);
	}
	r->holding = holding;
}

static void end_hold(struct router *r, unsigned slot, int64_t now_ns)
{
	r->slots[slot].held_ns = 0;
	LIST_EACH (&r->slots[slot].routes, it, ahead) {
		struct route *route = container_of(it, struct route, of_slot);

		route_release(route, now_ns);
		router_refresh(r, route);
	}
	r->setup.on_ways(r->setup.owner, now_ns);
}

static void tick_routes(struct router *r, int64_t now_ns)
{
	LIST_EACH (&r->shared.unsettled, it, ahead) {
		struct route *route = container_of(it, struct route, of_unsettled);

		if (route_tick(route, now_ns))
			router_attach(r, route, now_ns);
		if (route_is_settled(route))
			list_remove(&route->of_unsettled);
		router_refresh(r, route);
	}
}

static void on_link_open(void *owner, struct link *link, int64_t now_ns)
{
	struct router *r = owner;

	lose_link(r, link, now_ns);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (r->view.slots[slot].owner.v == link_peer(link).v)
			LIST_EACH (&r->slots[slot].routes, it, ahead)
				router_attach(r, container_of(it, struct route, of_slot), now_ns);
	r->setup.on_ways(r->setup.owner, now_ns);
}

static void on_link_shut(void *owner, struct link *link, int64_t now_ns)
{
	lose_link(owner, link, now_ns);
}

static void on_link_message(void *owner, struct link *link, const struct message *m, int64_t now_ns)
{
	records_take(owner, link, m, now_ns);
}
