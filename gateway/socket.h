/* SPDX-License-Identifier: Apache-2.0 */
/* One WebSocket; with socket_set.c and outflow.c the only file that speaks libwebsockets. Gathers
 * fragments into whole messages within the size limit, answers protocol pings, writes straight to
 * the kernel and queues (outbox) only what it does not take. Owned by its session, which outlives
 * it. Thread: loop. */
#pragma once

#include "common/err.h"
#include "gateway/bundle.h"

struct socket;
struct session;

/* Send a shared payload. `droppable`: a cast, given up first when the reader is slow. Errors:
 * TOO_SLOW (budget exceeded by what may not be dropped: the caller closes the session). OK also
 * when a droppable one was dropped; that is counted. */
MUST_USE enum err socket_send(struct socket *, struct payload *, bool droppable);
/* All of it in one write. False: nothing was sent, as it could not be sent whole. */
bool socket_send_bundle(struct socket *, struct bundle *);
/* Start the closing handshake with err_close(why) and err_text(why) as the reason. The session
 * hears session_on_closed later, in the loop's turn. Calling it twice is fine. */
void socket_close(struct socket *, enum err why);
void socket_set_session(struct socket *, struct session *); /* who hears of it from now on */
size_t socket_queued_bytes(const struct socket *);
