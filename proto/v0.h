/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes of the v0 dialect (docs/protocol.md): reading what a browser sent and writing each
 * message with its exact key order. Pure. Bodies of relayed messages are passed on byte for byte
 * except for the identity, which is stamped over whatever the sender wrote. */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "proto/roster.h"
#include "proto/slot.h"

enum v0_from { V0_FROM_CLIENT = 1, V0_FROM_SERVER = 2, V0_FROM_BOTH = 3 };
enum v0_action { V0_DO_REFUSE, V0_DO_RELAY, V0_DO_PONG, V0_DO_HEARTBEAT, V0_DO_SWALLOW };

enum v0_type {
	V0_UNKNOWN,
#define V0(NAME, name, from, action, key, keep, doc) V0_##NAME,
#include "proto/v0.def"
#undef V0
	V0_TYPES
};

struct v0_row {
	const char *name;
	enum v0_from from;
	enum v0_action action;
	const char *key;
	unsigned keep;
	const char *doc;
};
extern const struct v0_row v0_rows[V0_TYPES];

/* Whom and where a message speaks of. The spans are raw UTF-8 (not escaped). */
struct v0_identity {
	enum room_kind kind;
	struct span room_id, user, name, email;
};

/* Check one client frame and find its type. Errors: BAD_JSON, TOO_DEEP, BAD_TYPE (not an object, no
 * string `type`, unknown type, one that only the server may send). Of two `type` members the last
 * counts. */
MUST_USE enum err v0_read(struct span text, enum v0_type *);

bool v0_is_writing(enum v0_type); /* viewers of a document may only look on */

/* The sender's object with its identity stamped: existing reserved keys keep their place and get
 * the true value, missing ones are appended in the order userId, userName, userEmail, submissionId
 * | documentId, timestamp; one of these keys or `type` that comes twice (however spelt) is written
 * once, `type` with its last value, as JSON readers see it; the absent room id key and `seq` are
 * dropped (v0_put_seq writes the true one). `text` has passed v0_read. */
void v0_put_stamped(struct buf *, struct span text, const struct v0_identity *, int64_t at_ms);
/* The same for a body of the application (POST .../broadcast): any JSON object. Errors: BAD_JSON,
 * TOO_DEEP, BAD_TYPE (not an object). */
MUST_USE enum err v0_put_broadcast(struct buf *, struct span text, const struct v0_identity *,
				   int64_t at_ms);

/* `object` with `"seq":n` as its last member (a `seq` the sender wrote is already gone). */
void v0_put_seq(struct buf *, struct span object, uint64_t seq);

/* The server's own messages; seq 0 leaves the key out. */
void v0_put_simple(struct buf *, enum v0_type, const struct v0_identity *, int64_t at_ms,
		   uint64_t seq);
void v0_put_room_state(struct buf *, enum room_kind, struct span room_id, const struct roster *,
		       int64_t at_ms, uint64_t seq);
void v0_put_ping(struct buf *, enum room_kind, struct span room_id, int64_t at_ms);
void v0_put_error(struct buf *, enum err, int64_t at_ms);
void v0_put_too_fast(struct buf *, uint64_t retry_after_ms, int64_t at_ms); /* likewise */
/* `[{"userId":..,"userName":..,"userEmail":..,"connectedAt":..}]`, one per user, in roster order.
 */
void v0_put_users(struct buf *, const struct roster *);
