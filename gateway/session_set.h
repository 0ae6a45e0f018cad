/* SPDX-License-Identifier: Apache-2.0 */
/* All sessions of a gateway, and what they share. Owner: gateway. Thread: loop. */
#pragma once

#include "common/timers.h"
#include "gateway/access.h"
#include "gateway/options.h"
#include "gateway/resume.h"
#include "gateway/router.h"

struct quota;
struct session_set;

struct session_setup { /* borrowed; the world as sessions need it, so that tests can bring their own
			*/
	struct router *router;
	struct questions *questions;
	const struct resume_key *resume_key;
	struct access *access;
	struct timers *timers;
	const struct gateway_options *opt;
	uint32_t boot; /* random: the high half of every session id */
	int64_t (*now_ns)(void *owner);
	void (*reap)(void *owner, void (*fn)(void *p), void *p); /* frees when the turn is over */
	void *owner;
};

MUST_USE struct session_set *session_set_new(const struct session_setup *);
void session_set_free(struct session_set **); /* sockets are closed; tells no shard anything */

void session_set_tick(struct session_set *, int64_t now_ns); /* every 50 ms, 100 when it is calm */
bool session_set_is_calm(const struct session_set *);        /* no visit waits for time */
struct quota *session_set_quota(struct session_set *);       /* of all that comes in */
size_t session_set_count(const struct session_set *);
size_t session_set_connected(const struct session_set *); /* with a socket */
void session_set_recheck(
	struct session_set *); /* after access_revoked: ask about who is not remembered */
void session_set_drain(struct session_set *,
		       size_t count); /* send so many clients elsewhere, oldest first */
/* The same with those whose rooms only other gateways reach. How many there were. */
size_t session_set_retreat(struct session_set *, size_t count);
