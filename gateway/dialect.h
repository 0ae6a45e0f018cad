/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between the protocols that a client may speak: v0 (requests.c) and moot.v1
 * (native.c). A session has one of them for its whole life. */
#pragma once

#include "common/err.h"
#include "common/span.h"

struct session;
struct visit;

/* What became of a message; as metrics.def lists them. */
enum request_outcome { REQUEST_RELAYED, REQUEST_ANSWERED, REQUEST_REFUSED, REQUEST_TOO_FAST };

struct delay { /* of what came too fast */
	uint64_t retry_after_ms;
	bool is_news; /* the client has not been told to wait yet */
};

struct dialect {
	const char *name;
	size_t session_size; /* bytes; begins with a struct session */
	bool is_one_piece;   /* the session, its visit and what both say are one allocation */
	void (*on_open)(struct session *);                      /* its socket is open */
	void (*on_text)(struct session *, struct span message); /* a whole message, valid UTF-8 */
	void (*on_too_fast)(struct session *, struct span message, const struct delay *);
	void (*end)(struct session *, enum err why);    /* say why, and close */
	void (*refuse)(struct session *, enum err why); /* one error; the connection stays */
	void (*ping)(struct session *);
	void (*on_shut)(struct session *); /* it ends: what the dialect itself keeps goes */
	void (*on_shown)(struct visit *);  /* something that must not be lost */
	void (*on_lost)(
		struct visit *); /* its connection is lost, and may come back within the grace */
	void (*on_welcomed)(struct visit *);             /* the owner of the room knows it */
	void (*on_denied)(struct visit *, enum err why); /* its right to be there is gone */
	void (*on_kicked)(struct visit *,
			  struct span why);    /* it is to leave; not from inside this call */
	void (*on_end)(struct visit *);        /* it is about to be left and freed */
	void (*drain)(struct session *);       /* this gateway goes: send it elsewhere */
	void (*on_deadline)(struct session *); /* session.deadline_ns has passed */
};

extern const struct dialect dialect_v0, dialect_native;
