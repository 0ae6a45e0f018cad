/* SPDX-License-Identifier: Apache-2.0 */
/* What each record from a gateway means: one handler per row of proto/message.def that goes to a
 * shard; a row without a handler does not compile. Pure. Owner: shard. */
#pragma once

#include "roomd/membership.h"
#include "roomd/pages.h"
#include "roomd/room_set.h"

struct requests {
	struct room_set *rooms;
	struct journal *journal;
	struct pages *pages;
	int64_t wall_offset_ms; /* wall clock minus monotonic */
	struct membership *membership;
	bool is_final; /* the view was pulled since the record came: what it does not give us is not
			  ours */
};

/* Errors: NOT_OWNER: perhaps ours, once the view is pulled: keep it and what follows, then try
 * again. BAD_MESSAGE and others: lose the feed. */
MUST_USE enum err requests_take(const struct requests *, struct feed *, const struct message *,
				int64_t now_ns);
/* REFUSED, to who asked. `newer`: of a CONFLICT; otherwise all zero. */
void requests_refuse(struct feed *, const struct journal_asker *, enum err,
		     const struct store_newer *newer);
