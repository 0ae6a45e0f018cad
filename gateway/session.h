/* SPDX-License-Identifier: Apache-2.0 */
/* One client: who it is, in which rooms (visit.h), in which state, and which protocol it speaks
 * (dialect.h). A session outlives its socket by the presence grace. States and their legal moves
 * are one table in session.c. Owner: gateway (session set). */
#pragma once

#include "common/err.h"
#include "common/span.h"
#include "proto/user.h"
#include "proto/v0.h"

struct session;
struct socket;
struct gateway;

/* Who may enter, as authorize() said; session_new copies the strings and refers to the user. */
struct admission {
	enum room_kind kind;
	struct span room_id;
	struct span token; /* the session token: kept only to ask again, never logged */
	struct user *user;
	struct span role;
};

/* ---- called by the edge (listener.c, socket.c) ---- */

/* A v0 client was admitted; its socket is about to open. Owned by the gateway from here on. */
MUST_USE struct session *session_new(struct gateway *, const struct admission *);
/* The same for a client that asked for moot.v1: who it is, its first message says. */
MUST_USE struct session *session_new_native(struct gateway *);
void session_on_open(struct session *, struct socket *);     /* 101 is sent: enter the room */
void session_on_text(struct session *, struct span message); /* a whole, valid UTF-8 message */
void session_on_bad(struct session *,
		    enum err why); /* binary or unreadable; the socket stays open */
/* The socket is gone and must not be touched again. `code`: the close code received or sent, 1006
 * when there was none. Clean means gone at once (1000); a page that was closed (1001) starts a
 * short grace, everything else the whole one. */
void session_on_closed(struct session *, unsigned code);
void session_on_alive(struct session *); /* bytes came: protocol pongs, fragments */
session_id session_get_id(const struct session *);
void session_on_full(struct session *);    /* more waits for its client than may */
void session_on_stalled(struct session *); /* its client took nothing of what waits for too long */

/* ---- called by the dialects ---- */
void session_say(struct session *, struct span text); /* one message, to this client alone */
struct buf *session_scratch(struct session *);        /* empty; valid until the next call */
