/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/records.h"

#include "common/log.h"
#include "gateway/metrics.h"
#include "gateway/route.h"

struct arrival { /* one record and where it came from */
	struct router *router;
	struct link *link;
	int64_t now_ns;
};

typedef void take_fn(const struct arrival *, const struct message *);

/* on_x for each record a gateway may get; others are not for us. */
#define TAKER_TO_SHARD(name)
#define TAKER_TO_GATEWAY(name) static take_fn on_##name;
#define TAKER_BOTH(name) static take_fn on_##name;
#define MESSAGE(id, NAME, name, direction, since, doc) TAKER_##direction(name)
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE

#define ENTRY_TO_SHARD(id, name)
#define ENTRY_TO_GATEWAY(id, name) [id] = on_##name,
#define ENTRY_BOTH(id, name) [id] = on_##name,
#define MESSAGE(id, NAME, name, direction, since, doc) ENTRY_##direction(id, name)
static take_fn *const takers[] = {
#include "proto/message.def"
};
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static struct route *attached_route(const struct arrival *, struct span room);
static struct route *hearing_route(const struct arrival *, struct span room);

void records_take(struct router *r, struct link *link, const struct message *m, int64_t now_ns)
{
	const struct arrival at = {r, link, now_ns};

	if ((size_t)m->type >= ARRAY_LEN(takers) || !takers[m->type]) {
		metrics_add(METRIC_records_misplaced, 1);
		return;
	}
	takers[m->type](&at, m);
}

static void on_greeting(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);

	(void)m;
	setup->on_ways(setup->owner, at->now_ns);
}

static void on_heartbeat(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);

	if (m->heartbeat.view > router_view(at->router)->version)
		setup->pull_view(setup->owner);
}

static void on_goodbye(const struct arrival *at, const struct message *m)
{
	(void)at, (void)m; /* link.c has shut the link already */
}

static void on_attached(const struct arrival *at, const struct message *m)
{
	struct route *route = router_route(at->router, m->attached.room);

	if (!route ||
	    !(route_is_attaching_over(route, at->link) || route_is_attached_over(route, at->link)))
		return;
	route_on_attached(route, &m->attached, at->now_ns);
	router_refresh(at->router, route);
}

static void on_roster(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->roster.room);

	if (!route)
		return;
	audience_on_roster(route->audience, &m->roster);
	if (m->roster.covered)
		route_on_covered(route, at->now_ns);
}

static void on_gateway_lost(const struct arrival *at, const struct message *m)
{
	(void)m;
	router_on_gateway_lost(at->router, at->link, at->now_ns);
}

/* Without an answer the owner asks again. */
static void on_hibernate(const struct arrival *at, const struct message *m)
{
	struct route *route = attached_route(at, m->hibernate.room);

	if (!route || !route_sleep(route))
		return;
	audience_on_hibernate(route->audience, m->hibernate.relay);
	message_put_hibernated(link_out(at->link), &(struct msg_hibernated){m->hibernate.room});
}

/* Our ATTACH answers; when it is already under way, that one does. A shard that asks although
 * another one owns the room in our view has the newer view: we answer once we have read it. */
static void on_solicit(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);
	struct route *route = router_route(at->router, m->solicit.room);

	if (!route) {
		message_put_solicit_done(link_out(at->link),
					 &(struct msg_solicit_done){.room = m->solicit.room});
		return;
	}
	if (router_way(at->router, m->solicit.room) != at->link) {
		setup->pull_view(setup->owner);
		return;
	}
	if (!route_is_attaching_over(route, at->link))
		router_attach(at->router, route, at->now_ns);
}

static void on_not_owner(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);
	struct route *route = router_route(at->router, m->not_owner.room);

	setup->pull_view(setup->owner);
	if (route &&
	    (route_is_attaching_over(route, at->link) || route_is_attached_over(route, at->link)))
		route_on_refused(route, at->now_ns);
}

static void on_member_joined(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->member_joined.room);

	if (route)
		audience_on_member_joined(route->audience, &m->member_joined);
}

static void on_member_left(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->member_left.room);

	if (route)
		audience_on_member_left(route->audience, &m->member_left);
}

static void on_welcomed(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->welcomed.room);

	if (route)
		audience_on_welcomed(route->audience, &m->welcomed);
}

static void on_room_state(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->room_state.room);

	if (route)
		audience_on_room_state(route->audience, &m->room_state);
}

static void on_cast_out(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->cast_out.room);

	metrics_add(METRIC_casts_received, 1);
	if (route)
		audience_on_cast_out(route->audience, &m->cast_out, at->now_ns);
}

static void on_answer(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);

	setup->on_answer(setup->owner, m, at->now_ns);
}

static void on_history(const struct arrival *at, const struct message *m)
{
	on_answer(at, m);
}

static void on_kicked(const struct arrival *at, const struct message *m)
{
	struct route *route = hearing_route(at, m->kicked.room);

	if (route)
		audience_on_kicked(route->audience, &m->kicked);
}

static void on_ack(const struct arrival *at, const struct message *m)
{
	on_answer(at, m);
}

static void on_refused(const struct arrival *at, const struct message *m)
{
	on_answer(at, m);
}

static void on_head(const struct arrival *at, const struct message *m)
{
	struct route *route = attached_route(at, m->head.room);

	if (route && !route_on_head(route, &m->head))
		router_attach(at->router, route, at->now_ns);
}

static void on_event(const struct arrival *at, const struct message *m)
{
	struct route *route = m->event.session ? hearing_route(at, m->event.room)
					       : attached_route(at, m->event.room);

	metrics_add(METRIC_events_received, 1);
	if (route && !route_on_event(route, &m->event))
		router_attach(at->router, route, at->now_ns);
}

static void on_hold(const struct arrival *at, const struct message *m)
{
	const struct view *view = router_view(at->router);
	struct span slots = m->hold.slots;
	struct item_grant g;

	while (item_next_grant(&slots, &g))
		if (g.slot < SLOTS && g.epoch >= view->slots[g.slot].epoch)
			router_hold(at->router, (unsigned)g.slot, at->now_ns);
	message_put_held(link_out(at->link), &(struct msg_held){.move = m->hold.move});
}

static void on_moved(const struct arrival *at, const struct message *m)
{
	const struct router_setup *setup = router_setup(at->router);
	incarnation_id owner = {m->moved.owner};
	struct span slots = m->moved.slots;
	struct item_grant g;

	while (item_next_grant(&slots, &g))
		if (g.slot < SLOTS)
			router_move_slot(at->router, (unsigned)g.slot, owner, g.epoch);
	router_add_link(at->router, owner, m->moved.endpoint, at->now_ns);
	router_settle(at->router, at->now_ns);
	if (m->moved.view > router_view(at->router)->version)
		setup->pull_view(setup->owner);
}

static struct route *attached_route(const struct arrival *at, struct span room)
{
	struct route *route = router_route(at->router, room);

	if (route && route_is_attached_over(route, at->link))
		return route;
	metrics_add(METRIC_records_stale, 1);
	return NULL;
}

/* Whoever attaches anew over the same link, because the owner took its slot again or asked, misses
 * nothing: what the owner says until it answers comes in order, before the answer. */
static struct route *hearing_route(const struct arrival *at, struct span room)
{
	struct route *route = router_route(at->router, room);

	if (route && route_hears(route, at->link))
		return route;
	metrics_add(METRIC_records_stale, 1);
	return NULL;
}
