/* SPDX-License-Identifier: Apache-2.0 */
/* One gateway as seen from here: its link, the rooms it shows, how long it has been away. Pure:
 * what is said to it goes into its channel, which is memory. Fields are written by feed.c and
 * feed_set.c only, except `attachments` and `parked`. Owner: feed_set. A feed is LIVE while a link
 * generation of its gateway is up; AWAY from the moment we expect it (the view lists it) or lost
 * it; GONE once it was away for the grace, or
 * longer if it never called: then its entries leave. */
#pragma once

#include "common/list.h"
#include "proto/channel.h"
#include "proto/message.h"

#define FEED_NAME_LEN 64
#define FEED_ROUTE_MAX 64          /* bytes of a routing id on the bus */
#define FEED_PARKED_MAX (8u << 20) /* bytes of records that wait for a pull of the view */
#define FEED_CHOKED LINK_WINDOW    /* bytes queued from which casts are dropped for this gateway */

enum feed_state { FEED_AWAY, FEED_LIVE, FEED_GONE };

struct feed {
	struct list of_set;
	struct list attachments; /* attachment.of_feed */
	incarnation_id gateway;
	enum feed_state state;
	bool listed;  /* the view lists it as alive */
	bool doubted; /* a reopened feed: some of its rooms may not have been attached again */
	bool untold;  /* it was lost, and the others do not know it yet */
	bool asked;   /* those have been solicited */
	char name[FEED_NAME_LEN];
	uint64_t generation;    /* the newest; 0: it never called */
	struct channel channel; /* while LIVE */
	uint8_t route[FEED_ROUTE_MAX];
	size_t route_len;
	int64_t opened_ns, heard_ns, said_ns, away_ns, gone_ns;
	int64_t facts_ns;         /* when a heartbeat was said last */
	bool declared;            /* dead, by us, in this absence */
	uint64_t hold_told, held; /* numbers of moves: the last HOLD said, the last HELD heard */
	struct buf parked;        /* records from the first on that a newer view may make ours */
};

MUST_USE struct feed *feed_new(incarnation_id gateway, int64_t now_ns); /* AWAY since now */
void feed_free(struct feed **); /* nothing may be attached */

/* A new link generation: takes the channel over. What was said to the old one is lost. */
void feed_open(struct feed *, struct channel *, struct span route, struct span name,
	       int64_t now_ns);
void feed_lose(struct feed *, enum err why,
	       int64_t now_ns); /* AWAY since now; fine when it already is */

/* Where records for it are appended; NULL while it is not LIVE. */
struct buf *feed_out(struct feed *);
bool feed_is_choked(const struct feed *);
bool feed_is_live(const struct feed *);
bool feed_is_expected(const struct feed *);   /* alive, as far as we or the view know */
bool feed_is_remembered(const struct feed *); /* or gone for less than the grace */
