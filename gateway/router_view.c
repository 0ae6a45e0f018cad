/* SPDX-License-Identifier: Apache-2.0 */
/* Slots lead to owners, owners to links, rooms to slots. Whatever changes one of the three ends in
 * the same place: the routes of the slot attach again. */
#include "common/log.h"
#include "gateway/records.h"
#include "gateway/router_inside.h"

#define LOST_NS (10 * NS_PER_S) /* shards find out about a gateway within less of each other */

static void attach_slot(struct router *, unsigned slot, int64_t now_ns);
static void open_links(struct router *, int64_t now_ns);
static void drop_links(struct router *, int64_t now_ns);
static struct link *find_unwanted(const struct router *);
static bool is_wanted(const struct router *, incarnation_id);
static void lose_link(struct router *, struct link *, int64_t now_ns);
static void stir_slots(struct router *, const struct link *, bool shared_only);
static void settle_sleeper(struct router *, struct route *, const struct link *, int64_t now_ns);
static void on_link_open(void *owner, struct link *, int64_t now_ns);
static void on_link_shut(void *owner, struct link *, int64_t now_ns);
static void on_link_message(void *owner, struct link *, const struct message *, int64_t now_ns);

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
	if (!view_set_slot(&r->view, slot, owner, epoch))
		return;
	r->changed = r->slots[slot].changed = true;
	r->slots[slot].moved = false;
}

void router_move_slot(struct router *r, unsigned slot, incarnation_id owner, uint64_t epoch)
{
	bool was_changed = r->slots[slot].changed;

	router_put_slot(r, slot, owner, epoch);
	r->slots[slot].moved = !was_changed;
}

void router_view_end(struct router *r, uint64_t version, int64_t now_ns)
{
	view_members_end(&r->view);
	view_set_version(&r->view, version);
	router_view_confirm(r, now_ns);
	beat_follow(&r->beat, &r->view, r->setup.cork_ns);
	r->link_setup.facts.view = r->view.version;
	drop_links(r, now_ns);
	open_links(r, now_ns);
	router_settle(r, now_ns);
}

void router_view_confirm(struct router *r, int64_t now_ns)
{
	r->confirmed_ns = now_ns;
}

void router_set_database(struct router *r, bool ok)
{
	r->link_setup.facts.database_ok = ok;
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
	if (!r->changed)
		return;
	r->changed = false;
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (!r->slots[slot].changed)
			continue;
		r->slots[slot].changed = false;
		attach_slot(r, slot, now_ns);
	}
	r->setup.on_ways(r->setup.owner, now_ns);
}

void router_on_gateway_lost(struct router *r, const struct link *link, int64_t now_ns)
{
	r->lost_ns = now_ns;
	stir_slots(r, link, true);
}

struct link *router_owner_link(const struct router *r, unsigned slot)
{
	return map_find_u64(&r->links, r->view.slots[slot].owner.v);
}

struct link_hooks router_link_hooks(struct router *r)
{
	return (struct link_hooks){on_link_open, on_link_shut, on_link_message, r};
}

/* The owner or its epoch is another: a hold has served its purpose, and everything attaches anew,
 * but for what the owner itself already attached under this epoch. */
static void attach_slot(struct router *r, unsigned slot, int64_t now_ns)
{
	const struct link *link = router_owner_link(r, slot);

	r->slots[slot].held_ns = 0;
	LIST_EACH (&r->slots[slot].routes, it, ahead) {
		struct route *route = container_of(it, struct route, of_slot);

		if (route_sleeps(route)) {
			settle_sleeper(r, route, link, now_ns);
			continue;
		}
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

/* A listing may be older than the MOVED that made the link: an owner is wanted although it is not
 * listed. */
static bool is_wanted(const struct router *r, incarnation_id shard)
{
	const struct view_member *m = view_member(&r->view, shard);

	if (m)
		return m->state != MEMBER_DEAD;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (r->view.slots[slot].owner.v == shard.v)
			return true;
	return false;
}

static void lose_link(struct router *r, struct link *link, int64_t now_ns)
{
	struct route *route;
	size_t at = 0;

	while ((route = map_next(&r->routes, &at)))
		if (route->link == link)
			route_lose(route, now_ns);
}

static void on_link_open(void *owner, struct link *link, int64_t now_ns)
{
	struct router *r = owner;

	lose_link(r, link, now_ns);
	if (link_generation(link) > 1)
		stir_slots(r, link, false);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (r->view.slots[slot].owner.v != link_peer(link).v)
			continue;
		LIST_EACH (&r->slots[slot].routes, it, ahead) {
			struct route *route = container_of(it, struct route, of_slot);

			if (!route_sleeps(route))
				router_attach(r, route, now_ns);
		}
	}
	r->setup.on_ways(r->setup.owner, now_ns);
}

static void on_link_shut(void *owner, struct link *link, int64_t now_ns)
{
	lose_link(owner, link, now_ns);
	stir_slots(owner, link, false);
}

static void on_link_message(void *owner, struct link *link, const struct message *m, int64_t now_ns)
{
	records_take(owner, link, m, now_ns);
}

/* The owner may have forgotten that it was going to tell us something; or another gateway was lost,
 * whose connections, if any are in our copies, no shard remembers. */
static void stir_slots(struct router *r, const struct link *link, bool shared_only)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		if (r->view.slots[slot].owner.v != link_peer(link).v)
			continue;
		LIST_EACH (&r->slots[slot].routes, it, ahead) {
			struct route *route = container_of(it, struct route, of_slot);

			if (!shared_only || audience_has_others(route->audience))
				route_stir(route);
		}
	}
}

/* A sleeping room follows its slot when it wakes. The old owner has told all it had to, unless it
 * was not asked before it lost the slot. That a gateway is lost the new one may have said before
 * the slot was its own, while the old one did not know it yet. */
static void settle_sleeper(struct router *r, struct route *route, const struct link *link,
			   int64_t now_ns)
{
	bool is_lost = r->lost_ns && now_ns - r->lost_ns < LOST_NS;

	route->on_hold = false;
	if (route->link != link)
		route->link = NULL;
	if (!r->slots[route->slot].moved || (is_lost && audience_has_others(route->audience)))
		route_stir(route);
}
