/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of a link share: numbering, credit and batching of one ordered conversation
 * between two incarnations (docs/architecture.md, "Links"). Pure: bytes in, bytes out. The ends are
 * `link` at a gateway and `feed` at a shard; each owns one channel per link generation.
 *
 * A message on the bus is a msgpack array [magic, revision, source, destination, generation, seq,
 * consumed] followed by records. `seq` counts the messages of this direction from 1; `consumed` is
 * how many payload bytes of the other direction have been taken, in all: the other side's credit.
 */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "common/list.h"

struct channel {
	incarnation_id self, peer; /* peer 0 until its first message */
	uint64_t generation;
	uint64_t sent_seq, received_seq;
	uint64_t sent_bytes, peer_consumed_bytes; /* of record bytes, this generation */
	uint64_t consumed_bytes, told_bytes; /* what we took; what the peer knows that we took */
	struct buf open;                     /* records of this turn, not yet sealed */
	size_t fresh;                        /* records since the last flush */
	struct list sealed;                  /* batches that wait for credit or for the bus */
	size_t sealed_bytes;
	struct list spare; /* emptied batches, to be filled again */
	size_t spare_count;
};

void channel_init(struct channel *, incarnation_id self, incarnation_id peer, uint64_t generation);
void channel_fini(struct channel *);

/* Where records are appended (message_put_x). Seals by itself when LINK_BATCH_AIM is reached, so
 * ask for it anew for each record. */
struct buf *channel_out(struct channel *);
/* At the end of the turn: seal what is open, then hand every batch that credit allows to `send`, in
 * order, until it returns other than OK (the batch then stays first in line).
 * A message without records goes out when only credit is owed: so two full windows cannot block
 * each other. Errors: NO_CREDIT: more than LINK_QUEUE_MAX waits, reset the link. TOO_BIG: a record
 * of this turn was larger than LINK_BATCH_MAX and was left out, reset the link. */
typedef enum err channel_send_fn(void *owner, struct span bytes);
MUST_USE enum err channel_flush(struct channel *, channel_send_fn *, void *owner);
/* True when the peer should hear of our consumption although nothing else is to be said. */
bool channel_owes_credit(const struct channel *);
size_t channel_queued(const struct channel *); /* bytes that wait */
/* How many records were added since the last flush: what only waits for credit is not counted, but
 * that credit is owed is. */
size_t channel_news(const struct channel *);

/* Check a received message and give its records. The first message fixes an unknown peer.
 * Records may be empty (credit only). Errors: BAD_MESSAGE; WRONG_PEER (other incarnation or
 * generation: drop silently, it is stale); GAP (a number was skipped: reset the link). */
MUST_USE enum err channel_take(struct channel *, struct span bytes, struct span *records);

/* The head alone, to find the channel a message belongs to. Errors: BAD_MESSAGE. */
struct channel_head {
	uint64_t revision;
	incarnation_id source, destination;
	uint64_t generation, seq, consumed_bytes;
};
MUST_USE enum err channel_peek(struct span bytes, struct channel_head *);
