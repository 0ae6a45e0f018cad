/* SPDX-License-Identifier: Apache-2.0 */
/* Who is this, and may they enter: the SQL functions authorize(), session_lookup() and, for the
 * keys of services, service_authorize(), asked without blocking, remembered for the time of a
 * lease. Thread: loop. */
#pragma once

#include "common/loop.h"
#include "common/pg.h"
#include "proto/slot.h"
#include "proto/user.h"

struct access;

#define ACCESS_KEY_PREFIX                                                                          \
	"moot_key_" /* a token that begins so is a service key, never a session                    \
		     */

enum access_refusal { /* in the order in which they are said (docs/protocol.md) */
		      ACCESS_GRANTED,
		      ACCESS_NO_SESSION, /* unknown or expired */
		      ACCESS_NO_USER,
		      ACCESS_NO_ROOM,
		      ACCESS_DENIED,
		      ACCESS_BROKEN, /* the database is away and nothing is remembered, or the
					function failed */
};

/* Borrowed for the callback; to keep the user takes a reference. */
struct access_answer {
	enum access_refusal refusal;
	struct user *user; /* granted: who it is; of a service key the name is all */
	struct span role, user_type;
	int64_t expires_unix_ms; /* of the session */
};
typedef void access_fn(void *owner, const struct access_answer *);

MUST_USE struct access *access_new(struct pg *, struct loop *, size_t max_remembered);
void access_free(struct access **);

/* May the holder of `token` enter this room? Never calls back from inside. With the database away,
 * the last known answer serves (within the session's own expiry). An id that no room can have is
 * NO_ROOM for whoever has a session, without authorize() being asked. */
void access_ask(struct access *, struct span token, enum room_kind, struct span room_id,
		access_fn *, void *owner);
/* Whose session is this? refusal is GRANTED, NO_SESSION, NO_USER or BROKEN. Same rule for a slow
 * database: answers from memory when the database has not answered within 500 ms. */
void access_whoami(struct access *, struct span token, access_fn *, void *owner);
/* The same for the holder of a service key; `room_id` without an address: no room in particular.
 * refusal is GRANTED (the name is the key's), DENIED, NO_ROOM or BROKEN. */
void access_ask_key(struct access *, struct span key, enum room_kind, struct span room_id,
		    access_fn *, void *owner);
bool access_is_key(struct span token);
void access_forget(struct access *, const void *owner); /* no more callbacks for this owner */
void access_revoked(struct access *,
		    struct span payload); /* NOTIFY moot_access: drop what is remembered */
/* Is a grant remembered? After access_revoked: who is not remembered any more has to be asked
 * about. */
bool access_remembers(const struct access *, struct span token, struct span room_key);
