/* SPDX-License-Identifier: Apache-2.0 */
/* Where each room's owner is: the view, one link per living shard, and a route per room that has
 * somebody here. Pure: buses come in through link_setup, time as an argument, and what only the
 * database knows is asked for through a hook. Owner: gateway. Thread: loop. */
#pragma once

#include "gateway/audience.h"
#include "gateway/link.h"
#include "proto/view.h"

struct router;
struct questions;

struct router_setup {
	incarnation_id self;
	const char *name; /* of this gateway */
	struct link_bus bus;
	int64_t heartbeat_ns, silence_ns, isolated_ns;
	/* As beat_follow has it: messages that follow each other closer leave together; 0: none
	 * waits. */
	int64_t cork_ns;
	int64_t (*clock_ns)(void); /* as link_setup has it */
	struct audience_sink sink;
	void (*pull_view)(void *owner); /* there is a newer view than ours: read it soon */
	/* The way to some owner changed, or an ANSWER, ACK or REFUSED came: for questions.c. */
	void (*on_ways)(void *owner, int64_t now_ns);
	void (*on_answer)(void *owner, const struct message *, int64_t now_ns);
	void *owner;
};

MUST_USE struct router *router_new(const struct router_setup *); /* copies the setup */
void router_free(struct router **);                              /* every room must be empty */

/* ---- rooms ---- */
/* A connection enters; `room_key` is a valid one. */
MUST_USE struct attendee *router_enter(struct router *, struct span room_key, void *session,
				       const struct entrant *, int64_t now_ns);
void router_leave(struct router *, struct attendee **, int64_t now_ns); /* takes it */
/* It came back over another socket. */
void router_renew(struct attendee *, uint64_t conn_gen, int64_t now_ns);
void router_prove(const struct attendee *, bool lost, int64_t now_ns); /* as route_prove */
/* Something is about to be said of its room, which may be asleep. */
void router_wake(const struct attendee *, int64_t now_ns);
/* A connection casts; room and session of `m` are filled in here. Errors: OVERLOADED: it had to
 * wait and was dropped. */
MUST_USE enum err router_cast(struct attendee *, struct msg_cast *m, int64_t now_ns);
size_t router_rooms(const struct router *);
size_t router_rooms_asleep(const struct router *);

/* ---- questions ---- */
/* The link to ask the owner of this room over, or NULL: wait for on_ways. */
struct link *router_way(const struct router *, struct span room_key);

/* ---- the view, as read from the database: begin, put each, end ---- */
const struct view *router_view(const struct router *);
void router_view_begin(struct router *);
void router_put_member(struct router *, const struct view_member *);
void router_put_slot(struct router *, unsigned slot, incarnation_id owner, uint64_t epoch);
/* The same, said by the one that gave it away, who has first told everything there was to tell. */
void router_move_slot(struct router *, unsigned slot, incarnation_id owner, uint64_t epoch);
void router_view_end(struct router *, uint64_t version, int64_t now_ns);
void router_view_confirm(struct router *, int64_t now_ns); /* ours is what the database has */
void router_set_database(struct router *, bool ok);        /* for heartbeats */

/* ---- what records say (records.c) ---- */
struct route *router_route(const struct router *,
			   struct span room_key); /* NULL: nobody here is in that room */
void router_attach(struct router *, struct route *, int64_t now_ns);
void router_refresh(struct router *, struct route *); /* frees it when nobody is left */
void router_hold(struct router *, unsigned slot, int64_t now_ns);
/* The shard at the other end of `link` said so. */
void router_on_gateway_lost(struct router *, const struct link *, int64_t now_ns);
void router_add_link(struct router *, incarnation_id owner, struct span endpoint, int64_t now_ns);
void router_settle(struct router *, int64_t now_ns); /* after router_put_slot: routes follow */
const struct router_setup *router_setup(const struct router *);

/* ---- the turn ---- */
void router_set_wall(struct router *, int64_t wall_ns); /* as struct beat has it */
void router_tick(struct router *, int64_t now_ns);      /* every 50 ms, 100 when it is calm */
bool router_is_calm(const struct router *); /* all links are up, and nothing waits for time */
/* Once a turn, with what the last one had no time for. True: there is still more. */
bool router_go_on(struct router *, int64_t now_ns);
/* At the end of a turn; when the next one is due at the latest, INT64_MAX: never. */
int64_t router_flush(struct router *, int64_t now_ns);
/* Messages follow each other closely: until the next flush is due nothing that clients say leaves,
 * and it may as well be read together then. */
bool router_is_corked(const struct router *);
void router_say_goodbye(struct router *);
unsigned router_links_up(const struct router *);
size_t router_suspects(const struct router *); /* shards that this gateway misses */
bool router_is_cut_off(const struct router *); /* from a shard that the others go on with */
/* Its room is one of those that only other gateways can serve now. */
bool router_is_out_of_reach(const struct router *, const struct attendee *);
