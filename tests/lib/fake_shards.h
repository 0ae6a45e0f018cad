/* SPDX-License-Identifier: Apache-2.0 */
/* Shards at the other end of a gateway's links, without a bus: what the gateway sends is kept as
 * records to be looked at, and the test says what a shard answers. Real channels on both sides. */
#pragma once

#include "gateway/link.h"
#include "proto/limits.h"

#define FAKE_SHARDS 4

struct fake_shard {
	incarnation_id id;
	struct link *link; /* NULL: nobody is connected */
	struct channel channel;
	struct buf inbox; /* records received, not yet looked at */
	size_t looked;
	uint64_t generation;
	unsigned opened; /* how often a gateway connected */
	bool refuses;    /* to be connected to */
	bool cut;        /* what is sent to it is lost */
	bool paused;     /* the gateway does not read what it says just now */
	char routing_id[48];
};

struct fake_shards {
	struct fake_shard of[FAKE_SHARDS]; /* endpoints fake:0, fake:1, ... ids 100, 101, ... */
};

void fake_shards_init(struct fake_shards *);
void fake_shards_fini(struct fake_shards *);
struct link_bus fake_bus(struct fake_shards *);

/* The next record the gateway sent, or one of type 0. Heartbeats are passed over. */
struct message fake_next(struct fake_shard *);
void fake_skip(struct fake_shard *); /* everything received so far */
/* Append with message_put_x, then say. */
struct buf *fake_out(struct fake_shard *);
void fake_say(struct fake_shard *, int64_t now_ns);
void fake_lose_next(struct fake_shard *); /* what was appended never arrives, but is numbered */
