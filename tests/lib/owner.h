/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of a lobby's room hears and says: `shard` of the lobby speaks, about ROOM. */
#pragma once

#include "tests/lib/lobby.h"

#define OWNER_AT_MS UINT64_C(1764003931123) /* when everything happens there */

struct item_member owner_member(uint64_t session, const char *user);

void owner_say_attached(struct gateway *, uint64_t epoch);
void owner_say_joined(struct gateway *, const struct item_member *); /* to everybody */
void owner_say_welcomed(struct gateway *, uint64_t session);
void owner_say_left(struct gateway *, uint64_t session);
void owner_say_head(struct gateway *, uint64_t seq, uint64_t first);
/* Published by that session, 0: an application, as its number 10 * seq. */
void owner_say_event(struct gateway *, uint64_t seq, uint64_t session);
/* What is told of it is that its number and body are `seq`. */
void owner_say_cast(struct gateway *, uint64_t session, const char *key, const char *to);
void owner_say_ack(struct gateway *, uint64_t session, uint64_t n, uint64_t seq);
void owner_say_refused(struct gateway *, uint64_t session, const struct msg_refused *);
/* To the question `ask`: the events from .. to of a log that ends there or later. */
struct owner_page {
	uint64_t first, head, from, to; /* from 0: none */
	uint64_t author;                /* as in owner_say_event */
	enum err code;
};
void owner_say_page(struct gateway *, uint64_t ask, const struct owner_page *);
void owner_say_kicked(struct gateway *, const char *user);

/* The next record of that type; those before it count as seen. Fails when there is none. */
struct message owner_next(struct gateway *, enum message_type);
bool owner_has_heard(struct gateway *, enum message_type); /* sees all; whether one was that */
