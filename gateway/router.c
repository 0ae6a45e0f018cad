/* SPDX-License-Identifier: Apache-2.0 */
/* The rooms of a gateway and the turn of its routes and links. */
#include "common/mem.h"
#include "gateway/router_inside.h"
#include "proto/ticks.h"

#define FOLD_NS                                                                                    \
	(10 * NS_PER_MS) /* a crowd that comes in unfolds copies fast; each is to use the memory   \
			    of the one before it */
#define FRESH_NS (2500 * NS_PER_MS) /* the view is confirmed every second */
#define WAKES_PER_TICK 100          /* of rooms that may have missed something: 2,000 in a second */
#define HOLD_MAX_NS (3 * NS_PER_S)  /* a move that takes longer has failed: go on with the owner */

static struct link *next_left_over(const struct router *, int64_t now_ns);
static int64_t flush_links(struct router *, int64_t now_ns);
static void tick_suspects(struct router *, int64_t now_ns);
static void end_holds(struct router *, int64_t now_ns);
static void end_hold(struct router *, unsigned slot, int64_t now_ns);
static void tick_routes(struct router *, int64_t now_ns);
static void wake_some(struct router *, int64_t now_ns);

struct router *router_new(const struct router_setup *setup)
{
	struct router *r = mem_new(sizeof *r);

	r->setup = *setup;
	r->link_setup = (struct link_setup){
		.self = setup->self,
		.name = setup->name,
		.bus = setup->bus,
		.hooks = router_link_hooks(r),
		.heartbeat_ns = setup->heartbeat_ns,
		.silence_ns = setup->silence_ns,
		.clock_ns = setup->clock_ns,
	};
	r->suspects = suspects_new(&(struct suspects_setup){
		.self = setup->self,
		.silence_ns = setup->silence_ns,
		.isolated_ns = setup->isolated_ns,
	});
	view_init(&r->view);
	map_init(&r->links);
	map_init(&r->routes);
	for (unsigned i = 0; i < SLOTS; i++)
		list_init(&r->slots[i].routes);
	r->shared.sink = &r->setup.sink;
	list_init(&r->shared.unsettled);
	list_init(&r->shared.stirred);
	audience_shared_init(&r->shared.audiences);
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
	suspects_free(&r->suspects);
	map_fini(&r->routes);
	map_fini(&r->links);
	view_fini(&r->view);
	mem_free(r);
}

struct attendee *router_enter(struct router *r, struct span room_key, void *session,
			      const struct entrant *e, int64_t now_ns)
{
	struct route *route = map_find(&r->routes, room_key);

	if (route)
		return route_enter(route, session, e, now_ns);
	route = route_new(room_key, &r->shared);
	route->on_hold = r->slots[route->slot].held_ns;
	map_add(&r->routes, span_str(audience_key(route->audience)), route);
	list_add_last(&r->slots[route->slot].routes, &route->of_slot);
	struct attendee *who = route_enter(route, session, e, now_ns);
	router_attach(r, route, now_ns);
	return who;
}

void router_leave(struct router *r, struct attendee **who, int64_t now_ns)
{
	struct route *route = audience_route(*who);

	route_leave(route, who, now_ns);
	router_refresh(r, route);
}

void router_renew(struct attendee *who, uint64_t conn_gen, int64_t now_ns)
{
	route_renew(audience_route(who), who, conn_gen, now_ns);
}

void router_prove(const struct attendee *who, bool lost, int64_t now_ns)
{
	route_prove(audience_route(who), who, lost, now_ns);
}

void router_wake(const struct attendee *who, int64_t now_ns)
{
	route_wake(audience_route(who), now_ns);
}

enum err router_cast(struct attendee *who, struct msg_cast *m, int64_t now_ns)
{
	return route_cast(audience_route(who), who, m, now_ns);
}

size_t router_rooms(const struct router *r)
{
	return r->routes.len;
}

size_t router_rooms_asleep(const struct router *r)
{
	return r->shared.asleep;
}

struct link *router_way(const struct router *r, struct span room_key)
{
	unsigned slot = slot_of(room_key);
	struct link *link = router_owner_link(r, slot);

	return link && link_is_open(link) && !r->slots[slot].held_ns ? link : NULL;
}

struct route *router_route(const struct router *r, struct span room_key)
{
	return map_find(&r->routes, room_key);
}

void router_attach(struct router *r, struct route *route, int64_t now_ns)
{
	route_attach(route, router_owner_link(r, route->slot), r->view.slots[route->slot].epoch,
		     now_ns);
}

void router_refresh(struct router *r, struct route *route)
{
	if (!audience_is_empty(route->audience))
		return;
	(void)map_remove(&r->routes, span_str(audience_key(route->audience)));
	route_free(&route);
}

void router_hold(struct router *r, unsigned slot, int64_t now_ns)
{
	r->holding = true;
	r->slots[slot].held_ns = now_ns;
	LIST_EACH (&r->slots[slot].routes, it, ahead)
		route_hold(container_of(it, struct route, of_slot));
}

const struct router_setup *router_setup(const struct router *r)
{
	return &r->setup;
}

void router_set_wall(struct router *r, int64_t wall_ns)
{
	r->beat.wall_ns = wall_ns;
}

void router_tick(struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		link_tick(link, now_ns);
	tick_suspects(r, now_ns);
	end_holds(r, now_ns);
	tick_routes(r, now_ns);
	wake_some(r, now_ns);
}

bool router_is_calm(const struct router *r)
{
	const struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)))
		if (!link_is_up(link) || link_health(link, 0).refused)
			return false;
	return ticks_may_be_calm(r->setup.heartbeat_ns, r->setup.silence_ns) &&
	       list_is_empty(&r->shared.unsettled) && list_is_empty(&r->shared.stirred) &&
	       !r->holding && suspects_count(r->suspects) == 0;
}

bool router_go_on(struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;
	bool more = false;

	while ((link = next_left_over(r, now_ns)))
		link_go_on(link, now_ns);
	while ((link = map_next(&r->links, &at)))
		more |= link_is_behind(link);
	return more;
}

int64_t router_flush(struct router *r, int64_t now_ns)
{
	int64_t next_ns = INT64_MAX;

	if (r->shared.in_haste)
		tick_routes(r, now_ns);
	LIST_EACH (&r->shared.audiences.telling, it, ahead) {
		int64_t tell_ns = audience_tell(audience_of_telling(it), now_ns);

		next_ns = tell_ns < next_ns ? tell_ns : next_ns;
	}
	if (now_ns >= r->fold_ns) {
		r->fold_ns = now_ns + FOLD_NS;
		audience_fold(&r->shared.audiences);
	}
	int64_t corked_ns = flush_links(r, now_ns);

	return corked_ns < next_ns ? corked_ns : next_ns;
}

bool router_is_corked(const struct router *r)
{
	return r->speaking.is_dense;
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

size_t router_suspects(const struct router *r)
{
	return suspects_count(r->suspects);
}

bool router_is_cut_off(const struct router *r)
{
	return suspects_cut_off(r->suspects);
}

bool router_is_out_of_reach(const struct router *r, const struct attendee *who)
{
	return suspects_cut_off_from(r->suspects, r->view.slots[audience_route(who)->slot].owner);
}

/* From the start each time: what a record says may add a link. */
static struct link *next_left_over(const struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0;

	while ((link = map_next(&r->links, &at)) && !link_may_go_on(link, now_ns))
		;
	return link;
}

/* When it is to be done again; INT64_MAX: once there is something to say. */
static int64_t flush_links(struct router *r, int64_t now_ns)
{
	struct link *link;
	size_t at = 0, news = 0;

	while ((link = map_next(&r->links, &at)))
		news += link_news(link);
	int64_t until_ns = speaking_turn(&r->speaking, &r->beat, news, now_ns);

	if (until_ns)
		return until_ns;
	at = 0;
	while ((link = map_next(&r->links, &at)))
		link_flush(link, now_ns);
	return r->speaking.is_dense ? r->speaking.until_ns : INT64_MAX;
}

static void tick_suspects(struct router *r, int64_t now_ns)
{
	suspects_tick(r->suspects,
		      &(struct suspects_look){
			      .links = &r->links,
			      .view = &r->view,
			      .fresh = r->confirmed_ns && now_ns - r->confirmed_ns < FRESH_NS,
		      },
		      now_ns);
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
	struct list now;

	r->shared.in_haste = false;
	list_init(&now);
	list_move_all(&r->shared.unsettled, &now);
	LIST_EACH (&now, it, ahead) {
		struct route *route = container_of(it, struct route, of_turn);

		list_remove(it);
		list_add_last(&r->shared.unsettled, it);
		if (route_tick(route, now_ns))
			router_attach(r, route, now_ns);
		if (route_is_settled(route))
			list_remove(it);
		router_refresh(r, route);
	}
}

/* Each of them is asked of all gateways by its owner: not all at once. */
static void wake_some(struct router *r, int64_t now_ns)
{
	unsigned count = 0;

	LIST_EACH (&r->shared.stirred, it, ahead) {
		struct route *route = container_of(it, struct route, of_turn);

		if (count++ == WAKES_PER_TICK)
			return;
		route_wake(route, now_ns);
	}
}
