/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up a session share, and nobody else may see: session.c, session_clock.c,
 * session_set.c, visit.c, and the two dialects. */
#pragma once

#include "common/buf.h"
#include "common/map.h"
#include "gateway/dialect.h"
#include "gateway/quota.h"
#include "gateway/pace.h"
#include "gateway/session.h"
#include "gateway/session_set.h"

enum session_state {
	SESSION_OPENING, /* admitted; its socket is about to open */
	SESSION_JOINING, /* has a socket; v0: not welcomed yet, native: has not said hello yet */
	SESSION_OPEN,
	SESSION_CLOSING, /* we asked its socket to close */
	SESSION_LOST,    /* no socket: may come back until the grace has passed */
	SESSION_CLOSED,  /* out of everything; freed when the turn is over */
	SESSION_STATES
};

struct session {
	struct list node; /* of its set */
	struct session_set *set;
	const struct dialect *dialect;
	uint8_t state; /* enum session_state */
	uint8_t why;   /* enum err; CLOSING: the reason given to the client */
	bool draining; /* it was told to go elsewhere */
	session_id id;
	uint64_t conn_gen;
	struct user *user; /* native: NULL until it was welcomed */
	char *token;       /* likewise */
	struct socket *socket;
	struct list visits; /* of visit.of_session, in the order in which they were made */
	struct timer timer;
	int64_t opened_ns, alive_ns, ping_ns, lease_ns, grace_ns;
	int64_t deadline_ns; /* 0: none; else the dialect ends it then */
	struct rate rate;    /* of what it sends */
	struct pace pace;    /* how it takes being refused */
};

struct session_set {
	struct session_setup setup;
	struct list all; /* oldest first */
	size_t count, connected;
	uint32_t last_id;
	struct map by_id; /* native ones that were welcomed */
	struct list busy; /* of native_visit.of_busy */
	struct quota quota;
	struct buf scratch, frame; /* frame: what frame_read unescapes */
};

/* session.c */
void session_init(struct session *, struct session_set *, const struct dialect *);
void session_identify(struct session *, struct span token, struct user *); /* refers to the user */
void session_free(struct session *); /* out of everything before */
void session_move(struct session *, enum session_state);
void session_leave(struct session *); /* out of its rooms, with a farewell */
void session_shut(struct session *);  /* out of everything; freed when the turn is over */
void session_close(struct session *, enum err why);
bool session_has_socket(const struct session *);
bool session_is_served(const struct session *); /* what it says and is told still counts */
int64_t session_now(const struct session *);
/* It goes on over the socket of `from`, which ends, and with it the socket it had. */
void session_take_over(struct session *, struct session *from);
void session_deliver(struct session *, struct payload *, bool droppable);
void session_deliver_bundle(struct session *, struct bundle *); /* of casts */

/* session_set.c: native sessions by id, across connections */
void session_set_name(struct session *, session_id, uint64_t conn_gen);
struct session *session_set_find(const struct session_set *, session_id); /* NULL: not here */
void session_set_forget(struct session *);

/* session_clock.c */
void session_reset_timer(struct session *);
void session_renew_lease(struct session *);
/* One message comes in, `text` unless it was none. False: too fast; what is due was done. */
bool session_admit(struct session *, struct span text, int64_t now_ns);
