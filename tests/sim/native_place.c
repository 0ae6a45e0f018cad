/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "tests/sim/native_client.h"
#include "tests/sim/native_presence.h"
#include "tests/sim/sockets.h"
#include "tests/sim/world.h"

#define AGAIN_MIN_NS (100 * NS_PER_MS)

typedef void see_fn(struct native_place *, const struct told *);

static see_fn see_joined, see_left, see_refused, see_event, see_cast, see_nothing, see_history;

static const struct {
	see_fn *see;
	bool inside; /* only while it is in the room */
} sights[] = {
	[TOLD_JOINED] = {see_joined, false},
	[TOLD_LEFT] = {see_left, false},
	[TOLD_REFUSED] = {see_refused, false},
	[TOLD_EVENT] = {see_event, true},
	[TOLD_CAST] = {see_cast, true},
	[TOLD_PRESENCE] = {see_nothing, true},
	[TOLD_ACK] = {native_posts_on_ack, false},
	[TOLD_HISTORY] = {see_history, true},
	[TOLD_UNKNOWN] = {NULL, false},
};

static void out(struct native_place *);
static struct connection *older(const struct native_place *);
static struct world *world_of(const struct native_place *);
static struct native_room *room_of(const struct native_place *);
static void check_item(const struct native_place *, const struct told_item *, uint64_t wanted);
static void check_casts(const struct native_place *);

void native_place_join(struct native_place *p)
{
	struct native_client *client = p->line->client;
	struct world *w = client->world;
	const struct native_room *room = room_of(p);
	bool has_since = room->knows && !mutant_is(w->mutant, MUTANT_SINCE_FORGOTTEN);
	char since[32] = "";

	if (has_since)
		snprintf(since, sizeof since, ",\"since\":%" PRIu64, room->applied);
	p->state = PLACE_JOINING;
	p->asked_ns = w->sim.now_ns;
	p->reading = false;
	p->next = room->knows ? room->applied + 1 : 0;
	p->c = connection_new(w, &(struct connection){
					 .room = p->room,
					 .user = client->user,
					 .native = true,
					 .session = client->session,
					 .gateway = p->line->gateway,
					 .line = p->line->line,
				 });
	if (older(p)) /* its gateway is told of the room no more, unless for others */
		older(p)->may_miss = true;
	NATIVE_SAY(p,
		   "{\"type\":\"join\",\"room\":\"submission:r%u\"%s,\"state\":{\"k\":%" PRIu64
		   "}}",
		   p->room, since, room->state);
}

/* Gone is one who says so, at once. */
void native_place_leave(struct native_place *p)
{
	struct world *w = world_of(p);
	struct native_room *room = room_of(p);

	NATIVE_SAY(p, "{\"type\":\"leave\",\"room\":\"submission:r%u\"}", p->room);
	invariant_on_gone(&w->invariants, p->c, true);
	p->c->state = CONNECTION_CLOSED;
	p->state = PLACE_LEAVING;
	*room = (struct native_room){.state = room->state};
}

void native_place_end(struct native_place *p, bool clean, int64_t lost_ns)
{
	struct connection *c = p->c;

	if (!c)
		return;
	c->lost_ns = lost_ns;
	if (c->state == CONNECTION_OPEN)
		invariant_on_gone(&world_of(p)->invariants, c, clean);
	out(p);
}

void native_place_on_told(struct native_place *p, const struct told *t)
{
	struct sim *s = &world_of(p)->sim;

	if (t->type >= ARRAY_LEN(sights) || !sights[t->type].see) {
		sim_violate(s, "well-formed", "native %u: %s", p->line->client->index,
			    told_name(t->type));
		return;
	}
	if (sights[t->type].inside && p->state != PLACE_IN && p->state != PLACE_LEAVING) {
		sim_violate(s, "only-inside", "native %u is told %s of r%u, where it is not",
			    p->line->client->index, told_name(t->type), p->room);
		return;
	}
	sights[t->type].see(p, t);
}

void native_place_cast(struct native_place *p, bool kept)
{
	struct connection *c = p->c;

	c->casts++;
	c->ops += !kept;
	NATIVE_SAY(
		p,
		"{\"type\":\"cast\",\"room\":\"submission:r%u\",\"key\":\"%s\",\"data\":{\"c\":%u,"
		"\"n\":%" PRIu64 ",\"m\":%" PRIu64 "}}",
		p->room, kept ? "cursor_position" : "text_operation", c->number, c->casts, c->ops);
}

void native_place_set_state(struct native_place *p)
{
	NATIVE_SAY(p,
		   "{\"type\":\"state\",\"room\":\"submission:r%u\",\"data\":{\"k\":%" PRIu64 "}}",
		   p->room, ++room_of(p)->state);
}

void native_place_read(struct native_place *p)
{
	struct sim *s = &world_of(p)->sim;

	if (p->reading)
		return;
	p->reading = true;
	p->read_after = sim_below(s, SIM_CLIENT, room_of(p)->applied + 1);
	p->read_limit = 1 + sim_below(s, SIM_CLIENT, TOLD_EVENTS_MAX);
	NATIVE_SAY(p,
		   "{\"type\":\"read\",\"room\":\"submission:r%u\",\"after\":%" PRIu64
		   ",\"limit\":%" PRIu64 "}",
		   p->room, p->read_after, p->read_limit);
}

void native_place_check(const struct native_place *p)
{
	struct world *w = world_of(p);
	uint64_t last = w->publications.last[p->room];

	if (room_of(p)->applied != last)
		sim_violate(&w->sim, "event-arrives",
			    "native %u was shown events of r%u up to %" PRIu64 " of %" PRIu64,
			    p->line->client->index, p->room, room_of(p)->applied, last);
	native_presence_check(p);
	check_casts(p);
}

bool native_place_is_in(const struct native_place *p)
{
	return p->state == PLACE_IN;
}

static void see_joined(struct native_place *p, const struct told *t)
{
	struct world *w = world_of(p);
	struct native_room *room = room_of(p);

	if (p->state != PLACE_JOINING) {
		sim_violate(&w->sim, "joined-asked", "native %u: r%u, which it did not ask for",
			    p->line->client->index, p->room);
		return;
	}
	if (t->seq > w->publications.last[p->room])
		sim_violate(&w->sim, "seen-is-stored",
			    "native %u: %" PRIu64 " is the last of r%u, which has %" PRIu64,
			    p->line->client->index, t->seq, p->room, w->publications.last[p->room]);
	if (t->gap_to)
		sim_violate(&w->sim, "gap-without-reason", "native %u in r%u",
			    p->line->client->index, p->room);
	if (!p->next && t->known)
		p->next = t->seq + 1;
	if (!room->knows && p->next) {
		room->knows = true;
		room->applied = p->next - 1;
	}
	p->state = PLACE_IN;
	p->c->state = CONNECTION_OPEN;
	p->c->welcomed = true;
	p->c->welcomed_ns = w->sim.now_ns;
	invariant_on_welcomed(&w->invariants, p->c);
	if (older(p))
		older(p)->superseded = true;
	native_posts_send_again(p, 1);
}

static void see_left(struct native_place *p, const struct told *t)
{
	struct world *w = world_of(p);

	if (p->state == PLACE_OUT || (p->state == PLACE_JOINING && !t->code))
		sim_violate(&w->sim, "only-inside", "native %u leaves r%u, where it is not",
			    p->line->client->index, p->room);
	if (!t->code && p->state != PLACE_LEAVING)
		sim_violate(&w->sim, "left-asked", "native %u: r%u", p->line->client->index,
			    p->room);
	if (t->code && p->state == PLACE_IN)
		sim_violate(&w->sim, "left-asked", "native %u is taken out of r%u: %s",
			    p->line->client->index, p->room, err_name(t->code));
	native_place_end(p, true, 0);
}

static void see_refused(struct native_place *p, const struct told *t)
{
	struct world *w = world_of(p);

	if (!strcmp(t->request, "publish")) {
		native_posts_on_refused(p, t);
	} else if (!strcmp(t->request, "read")) {
		p->reading = false;
	} else if (!strcmp(t->request, "join") && p->state == PLACE_JOINING) {
		p->again_ns =
			w->sim.now_ns + (t->retry_ns > AGAIN_MIN_NS ? t->retry_ns : AGAIN_MIN_NS);
		if (!err_retryable(t->code))
			sim_violate(&w->sim, "refused-for-good", "native %u may not join r%u: %s",
				    p->line->client->index, p->room, err_name(t->code));
		out(p);
	} else if (t->code != ERR_NOT_JOINED) { /* casts and states may come too late */
		sim_violate(&w->sim, "refused-for-good", "native %u: %s of r%u: %s",
			    p->line->client->index, t->request, p->room, err_name(t->code));
	}
}

/* Each once, in order, without a gap; only what is stored. */
static void see_event(struct native_place *p, const struct told *t)
{
	struct world *w = world_of(p);
	struct native_room *room = room_of(p);
	const struct native_client *client = p->line->client;
	const struct publication *what;

	check_item(p, &(struct told_item){t->seq, t->number}, t->seq);
	if (w->sim.violated)
		return;
	what = &w->publications.all[t->number - 1];
	if (p->next && t->seq != p->next)
		sim_violate(&w->sim, t->seq < p->next ? "event-again" : "event-gap",
			    "native %u in r%u is shown %" PRIu64 ", not %" PRIu64, client->index,
			    p->room, t->seq, p->next);
	if (t->session != what->session ||
	    t->n != (what->session && what->session == client->session ? what->n : 0))
		sim_violate(&w->sim, "event-author",
			    "native %u: event %" PRIu64 " is shown as %" PRIu64 " of %016" PRIx64,
			    client->index, t->number, t->n, t->session);
	p->next = t->seq + 1;
	if (p->state == PLACE_IN && (!room->knows || t->seq > room->applied)) {
		room->knows = true;
		room->applied = t->seq;
	}
}

static void see_cast(struct native_place *p, const struct told *t)
{
	p->c->may_miss = p->c->may_miss || line_has_lost_casts(p->line->line);
	invariant_on_cast(&world_of(p)->invariants, p->c,
			  &(struct frame){.type = FRAME_CAST,
					  .connection = t->cast.connection,
					  .op = t->cast.op,
					  .number = t->cast.op});
}

static void see_nothing(struct native_place *p, const struct told *t)
{
	(void)p, (void)t; /* looked at when it was sent */
}

static void see_history(struct native_place *p, const struct told *t)
{
	struct world *w = world_of(p);

	if (!p->reading || t->item_count > p->read_limit || t->first != 1 ||
	    t->head > w->publications.last[p->room] || t->head < p->read_after ||
	    (t->item_count == 0 && t->head > p->read_after))
		sim_violate(&w->sim, "history-true",
			    "native %u: %u events of r%u after %" PRIu64 ", %" PRIu64
			    " to %" PRIu64,
			    p->line->client->index, t->item_count, p->room, p->read_after, t->first,
			    t->head);
	for (unsigned i = 0; i < t->item_count; i++)
		check_item(p, &t->items[i], p->read_after + 1 + i);
	p->reading = false;
}

static void out(struct native_place *p)
{
	if (p->c)
		p->c->state = CONNECTION_CLOSED;
	p->c = NULL;
	p->state = PLACE_OUT;
	mem_free(p->list);
	p->list = NULL;
}

/* The same session's in the same room, over the connection that this one takes the place of. */
static struct connection *older(const struct native_place *p)
{
	const struct native_line *old = p->line->client->old;

	return old && old != p->line ? old->places[p->room].c : NULL;
}

static struct world *world_of(const struct native_place *p)
{
	return p->line->client->world;
}

static struct native_room *room_of(const struct native_place *p)
{
	return &p->line->client->rooms[p->room];
}

static void check_item(const struct native_place *p, const struct told_item *item, uint64_t wanted)
{
	struct world *w = world_of(p);
	const struct publications *all = &w->publications;
	const struct publication *what =
		item->number > 0 && item->number <= all->count ? &all->all[item->number - 1] : NULL;

	if (!what || what->seq != item->seq || what->room != p->room || item->seq != wanted)
		sim_violate(&w->sim, "seen-is-stored",
			    "native %u in r%u: event %" PRIu64 " as %" PRIu64 ", wanted %" PRIu64,
			    p->line->client->index, p->room, item->number, item->seq, wanted);
}

static void check_casts(const struct native_place *p)
{
	struct world *w = world_of(p);

	for (unsigned i = 1; i <= w->connection_count; i++) {
		const struct connection *from = w->connections[i];

		if (from == p->c || from->room != p->room || from->state != CONNECTION_OPEN ||
		    from->session == p->c->session)
			continue;
		uint64_t heard = i < p->c->heard_count ? p->c->heard[i].number : 0;
		if (heard != from->ops)
			sim_violate(&w->sim, "cast-arrives",
				    "native %u in r%u heard %" PRIu64 " of %u, not %" PRIu64,
				    p->line->client->index, p->room, heard, i, from->ops);
	}
}
