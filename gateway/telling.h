/* SPDX-License-Identifier: Apache-2.0 */
/* An event of the log as native clients are told it, whichever dialect it was published in; and the
 * name under which a native session numbers its publishes. Pure. */
#pragma once

#include "proto/frame.h"
#include "proto/message.h"

#define PRODUCER_LEN 17 /* "s" and 16 hex digits */

void producer_write(session_id, char out[PRODUCER_LEN + 1]);
/* The session that published as this; 0: an application did. */
session_id producer_read(struct span producer);

/* Without room, n and replay. Borrows the event and `scratch`. */
struct told_event telling_of(const struct item_stored *, struct buf *scratch);
struct item_stored telling_stored(const struct msg_event *);
/* A page of the log; `over` when it does not fit. */
void telling_put_history(struct buf *, struct span room, const struct msg_history *);
