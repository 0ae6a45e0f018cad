/* SPDX-License-Identifier: Apache-2.0 */
/* What session.c, session_clock.c and session_set.c share, and nobody else may see. */
#pragma once

#include "common/buf.h"
#include "gateway/session.h"
#include "gateway/session_set.h"

enum session_state {
	SESSION_OPENING, /* admitted; its socket is about to open */
	SESSION_JOINING, /* in the room, not welcomed yet */
	SESSION_OPEN,
	SESSION_CLOSING, /* we asked its socket to close */
	SESSION_LOST,    /* no socket: may come back until the grace has passed */
	SESSION_CLOSED,  /* out of everything; freed when the turn is over */
	SESSION_STATES
};

struct session {
	struct list node; /* of its set */
	struct session_set *set;
	enum session_state state;
	session_id id;
	enum err why; /* CLOSING: the reason given to the client */
	enum room_kind kind;
	struct span room_key, room_id, token, user, name, email, role; /* in bytes */
	struct socket *socket;
	struct attendee *attendee; /* its place in the room */
	struct timer timer;
	int64_t opened_ns, alive_ns, ping_ns, lease_ns, grace_ns;
	int64_t full_ns;  /* rate limit: when the bucket is full again */
	int64_t scold_ns; /* the next TOO_FAST is said then */
	bool asking;
	uint8_t bytes[];
};

struct session_set {
	struct session_setup setup;
	struct list all; /* oldest first */
	size_t count, connected;
	uint32_t last_id;
	struct buf scratch;
};

/* session.c */
void session_leave(struct session *); /* out of the room, with a farewell */
void session_shut(struct session *);  /* out of everything; freed when the turn is over */
void session_close(struct session *, enum err why);
bool session_has_socket(const struct session *);
int64_t session_now(const struct session *);

/* session_clock.c */
void session_reset_timer(struct session *);
void session_renew_lease(struct session *);
bool session_spend(struct session *, int64_t now_ns); /* one message; false: too fast */
