/* SPDX-License-Identifier: Apache-2.0 */
/* All gateways as seen from here: finds the feed a message belongs to, opens a new generation on
 * HELLO, sends what was queued, notices silence. Pure: the bus comes in as a function, time as an
 * argument. Owner: shard. What records mean: requests.c. */
#pragma once

#include "roomd/feed.h"

#define FEEDS_MAX 1024 /* gateways; more callers are dropped */

struct feed_set;

/* Hand one message to the bus. Errors: NO_CREDIT, NO_PEER: it is offered again later. */
typedef enum err feed_send_fn(void *owner, struct span route, struct span bytes);

struct feed_hooks {
	void (*on_open)(void *owner,
			struct feed *); /* a new generation: nothing is attached over it */
	/* Some of its rooms may not have been attached again: ask for them; `last`: they go. */
	void (*on_doubt)(void *owner, struct feed *, bool last, int64_t now_ns);
	void (*on_gone)(void *owner, struct feed *, int64_t now_ns); /* detach everything */
	void *owner;
};

struct feed_setup {
	incarnation_id self;
	const char *name; /* of this shard; borrowed for ever */
	int64_t heartbeat_ns, silence_ns, grace_ns;
	feed_send_fn *send;
	void *send_owner;
	struct feed_hooks hooks;
};

struct feed_input {
	struct feed *feed;
	struct span records; /* borrowed from the message */
};

/* What a heartbeat says of this shard. */
struct feed_facts {
	uint64_t view;
	int64_t worker_age_ns;
	bool database_ok;
};

MUST_USE struct feed_set *feed_set_new(const struct feed_setup *, int64_t now_ns);
void feed_set_free(struct feed_set **); /* nothing may be attached */

/* One message from the bus. Errors: anything but OK: nothing to do, and the feed is lost where that
 * is due. WRONG_PEER, BAD_MESSAGE, GAP, BAD_REVISION, OVERLOADED. */
MUST_USE enum err feed_set_receive(struct feed_set *, struct span route, struct span bytes,
				   int64_t now_ns, struct feed_input *out);

/* The gateways that the view lists as alive: begin, each, end. */
void feed_set_list_begin(struct feed_set *);
void feed_set_list(struct feed_set *, incarnation_id gateway, int64_t now_ns);
/* One that the view lists as dead, for so long: whom it had may still be in their grace, also when
 * it never called here. */
void feed_set_list_dead(struct feed_set *, incarnation_id gateway, int64_t age_ns, int64_t now_ns);
void feed_set_list_end(struct feed_set *);

void feed_set_tick(struct feed_set *, int64_t now_ns); /* silence, grace; every 100 ms or so */
void feed_set_flush(struct feed_set *, const struct feed_facts *,
		    int64_t now_ns); /* at the end of a turn */

struct feed *feed_set_find(const struct feed_set *, incarnation_id gateway); /* NULL: unknown */
struct list *feed_set_all(struct feed_set *);                                /* of feed.of_set */
size_t feed_set_live(const struct feed_set *);
/* Gateways that were heard within the last second: whose word on others counts. */
unsigned feed_set_voters(const struct feed_set *, int64_t now_ns);
bool feed_set_is_voter(const struct feed *, int64_t now_ns);
