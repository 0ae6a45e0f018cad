/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/invariant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/channel.h"
#include "proto/message.h"
#include "proto/record.h"
#include "proto/slot.h"
#include "tests/sim/sockets.h"
#include "tests/sim/world.h"

#define CALM_NS (15 * NS_PER_S) /* for so long a fault may have consequences */

static void see_record(struct invariants *, const struct wire *, enum network_direction,
		       const struct channel_head *, const struct message *);
static void see_view(struct invariants *, const struct wire *, enum network_direction,
		     const struct channel_head *, uint64_t version);
static void see_attached(struct invariants *, const struct node *shard,
			 const struct msg_attached *);
static struct room_watch *room_of(struct invariants *, const struct connection *);
static struct stay *stay_of(struct invariants *, const struct connection *);
static bool is_here(const struct invariants *, const struct stay *);
static bool was_here(const struct invariants *, const struct stay *, const struct frame *);
static void see_number(struct invariants *, struct connection *, const struct frame *);
static void see_content(struct invariants *, const struct connection *, const struct frame *);
static bool is_remembered(const struct invariants *, const struct number *);
static void see_list(struct invariants *, struct connection *, const struct frame *);
static void see_joined(struct invariants *, struct connection *, const struct frame *);
static void see_left(struct invariants *, struct connection *, const struct frame *);
static void see_removed(struct invariants *, struct connection *, const struct frame *,
			unsigned user);

void invariants_init(struct invariants *v, struct world *w)
{
	memset(v, 0, sizeof *v);
	v->world = w;
	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++) {
		snprintf(v->rooms[i].key, sizeof v->rooms[i].key, "submission:r%u", i);
		v->rooms[i].slot = slot_of(span_str(v->rooms[i].key));
	}
}

void invariant_on_message(struct invariants *v, const struct wire *wire, enum network_direction d,
			  struct span bytes)
{
	struct channel_head from;
	struct record head;
	struct message m;

	if (channel_peek(bytes, &from) != OK || record_read(&bytes, &head) != OK) {
		sim_violate(&v->world->sim, "well-formed", "a message without a head");
		return;
	}
	while (bytes.len > 0) {
		if (message_next(&bytes, &m) != OK) {
			sim_violate(&v->world->sim, "well-formed", "%s - %s", wire->gateway->name,
				    wire->shard->name);
			return;
		}
		see_record(v, wire, d, &from, &m);
	}
}

/* Only who has a slot may give it away; what nobody living has is anybody's. */
void invariant_on_assign(struct invariants *v, unsigned slot, incarnation_id owner,
			 incarnation_id by)
{
	const struct view_member *m = database_member(&v->world->database, owner);

	if (m && m->state != MEMBER_DEAD && owner.v != by.v)
		sim_violate(&v->world->sim, "taken-from-living", "slot %u of %s by %" PRIx64, slot,
			    m->name, by.v);
}

void invariant_on_dead(struct invariants *v, incarnation_id id, const char *why)
{
	struct world *w = v->world;
	const struct node *n = world_node(w, id);

	sim_trace(&w->sim, "%" PRIx64 " is dead: %s", id.v, why);
	if (!n || !strcmp(why, "left"))
		return;
	if (!strcmp(why, "replaced") || faults_is_calm_since(&w->faults, w->sim.now_ns - CALM_NS))
		sim_violate(&w->sim, "dead-without-reason", "%s was %s", n->name, why);
}

void invariant_on_exit(struct invariants *v, const struct node *n)
{
	const struct view_member *m = database_member(&v->world->database, n->id);

	if (!m || m->state != MEMBER_DEAD)
		sim_violate(&v->world->sim, "dead-without-reason", "%s found itself dead", n->name);
}

void invariant_on_welcomed(struct invariants *v, const struct connection *c)
{
	struct stay *s = stay_of(v, c);
	int64_t now_ns = v->world->sim.now_ns;

	if (!is_here(v, s))
		s->since_ns = now_ns;
	if (s->live == 0)
		s->live_ns = now_ns;
	s->live++;
	room_of(v, c)->shown_to++;
}

void invariant_on_gone(struct invariants *v, const struct connection *c, bool clean)
{
	struct room_watch *r = room_of(v, c);
	struct stay *s = stay_of(v, c);

	int64_t lost_ns = c->lost_ns ? c->lost_ns : v->world->sim.now_ns;

	must(s->live > 0 && r->shown_to > 0);
	s->live--;
	if (!c->superseded) {
		s->until_ns = clean ? s->until_session == c->session ? 0 : s->until_ns
				    : lost_ns + WORLD_GRACE_NS;
		s->until_session = clean ? s->until_session : c->session;
	}
	if (--r->shown_to == 0)
		r->life++;
}

void invariant_on_session_end(struct invariants *v, uint64_t session)
{
	for (unsigned room = 0; room < CLIENT_ROOMS_MAX; room++)
		for (unsigned user = 0; user < FRAME_USERS_MAX; user++)
			if (v->rooms[room].stays[user].until_session == session)
				v->rooms[room].stays[user].until_ns = 0;
}

void invariant_on_frame(struct invariants *v, struct connection *c, const struct frame *f)
{
	static void (*const see[])(struct invariants *, struct connection *,
				   const struct frame *) = {
		[FRAME_ROOM_STATE] = see_list, [FRAME_USER_JOINED] = see_joined,
		[FRAME_USER_LEFT] = see_left,  [FRAME_CAST] = invariant_on_cast,
		[FRAME_UNKNOWN] = NULL,
	};

	sim_mix(&v->world->sim, f->seq ^ (uint64_t)f->type << 56 ^ (uint64_t)c->number << 40);
	see_number(v, c, f);
	if (f->type == FRAME_EVENT)
		publication_on_frame(&v->world->publications, c, f);
	else if (see[f->type])
		see[f->type](v, c, f);
}

/* What a welcome repeats is a state, as the sender's own gateway has it: no part of the stream. Of
 * those that are kept only the newest need come. */
void invariant_on_cast(struct invariants *v, struct connection *c, const struct frame *f)
{
	struct world *w = v->world;
	struct heard *h = connection_heard(c, f->connection);
	const struct connection *from = w->connections[f->connection];

	if (from->session == c->session)
		sim_violate(&w->sim, "cast-echo", "connection %u was shown its own", c->number);
	if (!c->welcomed)
		return;
	if (f->number <= h->number)
		sim_violate(&w->sim, "cast-order",
			    "connection %u was shown %" PRIu64 " of %u after %" PRIu64, c->number,
			    f->number, f->connection, h->number);
	if (h->number > 0 && f->op > h->op + !f->kept && !c->may_miss &&
	    faults_is_calm_since(&w->faults, h->at_ns - CALM_NS))
		sim_violate(&w->sim, "cast-lost",
			    "connection %u was shown %" PRIu64 " of %u after %" PRIu64, c->number,
			    f->number, f->connection, h->number);
	*h = (struct heard){f->number, f->op, w->sim.now_ns};
}

bool invariant_was_here(const struct invariants *v, unsigned room, unsigned user, int64_t at_ns)
{
	return was_here(v, &v->rooms[room].stays[user], &(struct frame){.at_ns = at_ns});
}

bool invariant_was_live(const struct invariants *v, unsigned room, unsigned user, int64_t at_ns)
{
	const struct stay *s = &v->rooms[room].stays[user];

	return s->live > 0 && s->live_ns < at_ns;
}

static void see_record(struct invariants *v, const struct wire *wire, enum network_direction d,
		       const struct channel_head *from, const struct message *m)
{
	if (m->type == MESSAGE_HEARTBEAT)
		see_view(v, wire, d, from, m->heartbeat.view);
	else if (m->type == MESSAGE_ATTACHED)
		see_attached(v, wire->shard, &m->attached);
}

/* What one process tells another over one link generation: what an older connection still held may
 * come later. */
static void see_view(struct invariants *v, const struct wire *wire, enum network_direction d,
		     const struct channel_head *head, uint64_t version)
{
	struct view_told *told = &v->views[wire->gateway->index][wire->shard->index][d];
	const struct node *n = d == NETWORK_UP ? wire->gateway : wire->shard;
	bool is_same = told->from.v == head->source.v && told->to.v == head->destination.v &&
		       told->generation == head->generation;

	if (is_same && version < told->version)
		sim_violate(&v->world->sim, "view-monotone", "%s: %" PRIu64 " after %" PRIu64,
			    n->name, version, told->version);
	*told = (struct view_told){head->source, head->destination, head->generation, version};
}

/* Under one epoch of a slot one shard speaks, ever. */
static void see_attached(struct invariants *v, const struct node *shard,
			 const struct msg_attached *m)
{
	for (unsigned i = 0; i < CLIENT_ROOMS_MAX; i++) {
		struct room_watch *r = &v->rooms[i];

		if (!span_is(m->room, r->key))
			continue;
		must(m->epoch < INVARIANT_EPOCHS_MAX);
		incarnation_id *acts = &r->acts[m->epoch];
		if (acts->v && acts->v != shard->id.v)
			sim_violate(&v->world->sim, "one-owner",
				    "slot %u epoch %" PRIu64 ": %" PRIx64 " and %" PRIx64, r->slot,
				    m->epoch, acts->v, shard->id.v);
		*acts = shard->id;
	}
}

static struct room_watch *room_of(struct invariants *v, const struct connection *c)
{
	return &v->rooms[c->room];
}

static struct stay *stay_of(struct invariants *v, const struct connection *c)
{
	return &room_of(v, c)->stays[c->user];
}

static bool is_here(const struct invariants *v, const struct stay *s)
{
	return s->live > 0 || v->world->sim.now_ns < s->until_ns;
}

/* Was there, as far as everybody knows, when the owner of the room decided on this frame. */
static bool was_here(const struct invariants *v, const struct stay *s, const struct frame *f)
{
	return is_here(v, s) && s->since_ns < f->at_ns;
}

static void see_number(struct invariants *v, struct connection *c, const struct frame *f)
{
	if (mutant_is(v->world->mutant, MUTANT_ROSTER_COVERED) && f->seq == 0)
		return; /* that alone gives it away */
	if (f->type == FRAME_UNKNOWN || f->seq == 0)
		sim_violate(&v->world->sim, "numbered", "%s without a number", shown_name(f->type));
	else if (f->seq <= c->relay)
		sim_violate(&v->world->sim, "relay-order",
			    "connection %u was shown %" PRIu64 " (%s) after %" PRIu64, c->number,
			    f->seq, shown_name(f->type), c->relay);
	c->relay = f->seq;
	c->epoch = line_epoch(c->line);
	see_content(v, c, f);
}

/* Under one epoch a number has one content, whoever is shown it - of those who are there: an owner
 * that lost all whom it knew begins anew. A welcome is its receiver's. */
static void see_content(struct invariants *v, const struct connection *c, const struct frame *f)
{
	struct room_watch *r = room_of(v, c);
	uint64_t epoch = c->epoch, seen_by = 0;
	uint64_t content = (uint64_t)f->type << 56 | (uint64_t)f->user << 48 |
			   (uint64_t)f->connection << 32 | f->number;
	if (!c->welcomed)
		content |= UINT64_C(1) << 63 | (uint64_t)c->number << 32;
	struct number *n = &r->numbers[(f->seq * 31 + epoch) % INVARIANT_NUMBERS];
	bool is_known = n->relay == f->seq && n->epoch == epoch && n->life == r->life;

	if (is_known && n->content == content)
		seen_by = n->seen_by;
	else if (is_known && is_remembered(v, n))
		sim_violate(&v->world->sim, "relay-content",
			    "%s: number %" PRIu64 " of epoch %" PRIu64 " is %" PRIx64
			    " and %" PRIx64,
			    r->key, f->seq, epoch, n->content, content);
	*n = (struct number){
		.life = r->life,
		.epoch = epoch,
		.relay = f->seq,
		.content = content,
		.seen_by = seen_by | UINT64_C(1) << c->client->index,
		.at_ns = seen_by ? n->at_ns : v->world->sim.now_ns,
	};
}

/* By a connection that is still there. */
static bool is_remembered(const struct invariants *v, const struct number *n)
{
	const struct world *w = v->world;

	for (unsigned i = 0; i < w->plan.clients; i++) {
		const struct connection *now = w->clients[i].now;

		if (n->seen_by >> i & 1 && now && now->opened_ns < n->at_ns)
			return true;
	}
	return false;
}

static void see_list(struct invariants *v, struct connection *c, const struct frame *f)
{
	uint64_t gone = c->users & ~f->users;

	if (!(f->users >> c->user & 1))
		sim_violate(&v->world->sim, "self-listed", "connection %u of u%u misses itself",
			    c->number, c->user);
	for (unsigned user = 0; gone; user++, gone >>= 1)
		if (gone & 1)
			see_removed(v, c, f, user);
	c->users = f->users;
	c->joined = 0; /* the list may stand for a left and a joined that nobody was there to see */
}

/* Nobody comes whom this client was shown and who has been there without a break since before the
 * owner decided so. That the list showed a newcomer a moment earlier is fine. */
static void see_joined(struct invariants *v, struct connection *c, const struct frame *f)
{
	const struct stay *s = &room_of(v, c)->stays[f->user];

	if (c->users >> f->user & 1 && was_here(v, s, f))
		sim_violate(&v->world->sim, "joined-while-here",
			    "connection %u was shown that u%u joined, who has been there for "
			    "%" PRId64 " ms",
			    c->number, f->user, (v->world->sim.now_ns - s->since_ns) / NS_PER_MS);
	if (c->joined >> f->user & 1)
		sim_violate(&v->world->sim, "joined-once",
			    "connection %u was shown twice that u%u joined", c->number, f->user);
	c->users |= UINT64_C(1) << f->user;
	c->joined |= UINT64_C(1) << f->user;
}

static void see_left(struct invariants *v, struct connection *c, const struct frame *f)
{
	if (c->users >> f->user & 1)
		see_removed(v, c, f, f->user);
	else
		sim_violate(&v->world->sim, "left-once",
			    "connection %u was shown that u%u left, who was not there", c->number,
			    f->user);
	c->users &= ~(UINT64_C(1) << f->user);
	c->joined &= c->users;
}

/* Nobody goes who had been there without a break since before the owner of the room decided so. */
static void see_removed(struct invariants *v, struct connection *c, const struct frame *f,
			unsigned user)
{
	const struct stay *s = &room_of(v, c)->stays[user];
	int64_t now_ns = v->world->sim.now_ns;

	if (was_here(v, s, f))
		sim_violate(&v->world->sim, "left-while-here",
			    "connection %u in %s was shown by %s that u%u went; u%u has been here "
			    "for %" PRId64 " ms, %u live",
			    c->number, room_of(v, c)->key, shown_name(f->type), user, user,
			    (now_ns - s->since_ns) / NS_PER_MS, s->live);
}
