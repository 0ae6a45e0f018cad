/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway's end of its conversation with one shard: greeting, numbering, credit, heartbeat, and a
 * fresh generation when the shard falls silent (docs/architecture.md, "Links"). Pure: the bus comes
 * in as a table of functions, time as an argument. Owner: router. What records mean: records.c. */
#pragma once

#include "proto/channel.h"
#include "proto/message.h"

struct link;

/* The bus as a link needs it; link_bus.c has the real one, tests and simulators bring their own. */
struct link_bus {
	/* Connect to `endpoint` under the routing id `id`; what comes goes to link_on_bytes. */
	enum err (*open)(void *owner, struct link *, const char *endpoint, struct span id,
			 void **port);
	enum err (*send)(void *port, struct span bytes);
	void (*close)(void *owner, void *port);
	void *owner;
	/* Hold back what comes until it is called again; only where link_setup has a clock. */
	void (*pause)(void *port, bool is_paused);
};

/* Whom a link tells. */
struct link_hooks {
	/* A new generation is open: nothing is attached over it yet. Records may be written at
	 * once. */
	void (*on_open)(void *owner, struct link *, int64_t now_ns);
	/* The shard said GOODBYE, or the bus refused: shut for a second, then a new generation
	 * opens. */
	void (*on_shut)(void *owner, struct link *, int64_t now_ns);
	void (*on_message)(void *owner, struct link *, const struct message *, int64_t now_ns);
	void *owner;
};

/* What a heartbeat says of this gateway; kept up to date by its owner. */
struct link_facts {
	uint64_t view;
	bool database_ok;
};

struct link_setup {
	incarnation_id self;
	const char *name; /* of this gateway */
	struct link_bus bus;
	struct link_hooks hooks;
	int64_t heartbeat_ns, silence_ns;
	int64_t (*clock_ns)(void); /* goes on within a turn; NULL: a turn takes no time */
	struct link_facts facts;
};

/* How the shard looks from here. */
struct link_health {
	bool refused;               /* nobody takes connections there (any more) */
	int64_t silent_ns;          /* since it was heard last, over any generation */
	int64_t well_ns, ailing_ns; /* how long its database has (not) been there; 0: not so */
};

/* `setup` is borrowed and must outlive the link. Not open yet: link_open, once hooks can be taken.
 */
MUST_USE struct link *link_new(const struct link_setup *, incarnation_id peer, const char *endpoint,
			       int64_t now_ns);
void link_free(struct link **); /* calls no hook */
void link_open(struct link *, int64_t now_ns);
void link_say_goodbye(struct link *); /* appends it; the link must then live until it is flushed */

/* Where records are appended; they leave at link_flush. */
struct buf *link_out(struct link *);
/* What a turn had no time for is left over for the next ones: it is behind. */
bool link_is_behind(const struct link *);
bool link_may_go_on(const struct link *, int64_t now_ns); /* it is, since an earlier turn */
void link_go_on(struct link *, int64_t now_ns);           /* then, once */
void link_flush(struct link *, int64_t now_ns);           /* at the end of a turn */
void link_tick(struct link *, int64_t now_ns);            /* as router_tick */
void link_on_bytes(struct link *, struct span bytes, int64_t now_ns);
/* What the bus says by itself: the connection is there, is gone, cannot be made. */
void link_on_connected(struct link *);
void link_on_broken(struct link *, int64_t now_ns);
void link_on_refused(struct link *);

bool link_is_up(const struct link *);   /* greeted in this generation */
bool link_is_open(const struct link *); /* records may be written */
struct link_health link_health(const struct link *, int64_t now_ns);
uint64_t link_generation(const struct link *);
incarnation_id link_peer(const struct link *);
size_t link_news(const struct link *); /* as channel_news */
size_t link_queued(const struct link *);
