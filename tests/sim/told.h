/* SPDX-License-Identifier: Apache-2.0 */
/* What a native client is told, read as a client reads it: the JSON of proto/frame.def. Events and
 * casts are this simulator's own, and their data says which they are. */
#pragma once

#include "common/err.h"
#include "tests/sim/client.h"

enum told_type {
#define TOLD(NAME, name) TOLD_##NAME,
#define TOLD_ALL                                                                                   \
	TOLD(WELCOME, welcome)                                                                     \
	TOLD(JOINED, joined)                                                                       \
	TOLD(LEFT, left)                                                                           \
	TOLD(REFUSED, refused)                                                                     \
	TOLD(EVENT, event)                                                                         \
	TOLD(CAST, cast)                                                                           \
	TOLD(PRESENCE, presence)                                                                   \
	TOLD(ACK, ack)                                                                             \
	TOLD(HISTORY, history)                                                                     \
	TOLD(OK, ok)                                                                               \
	TOLD(PONG, pong)                                                                           \
	TOLD(DRAINING, draining)                                                                   \
	TOLD(ERROR, error)
	TOLD_ALL
#undef TOLD
		TOLD_UNKNOWN
};

#define TOLD_USERS_MAX 16
#define TOLD_CONNECTIONS_MAX 256 /* of one user, those in their grace too */
#define TOLD_EVENTS_MAX 16

struct told_connection_of {      /* one connection of a user */
	uint64_t session, state; /* state: the last number it set; 0: none */
};

struct told_list {
	unsigned count;
	struct told_person {
		unsigned user, count;
		struct told_connection_of connections[TOLD_CONNECTIONS_MAX];
	} users[TOLD_USERS_MAX];
};

struct told_item { /* of a history */
	uint64_t seq, number;
};

struct told {
	enum told_type type;
	unsigned room; /* CLIENT_ROOMS_MAX: none */
	uint64_t seq, n, session, first, head, gap_from, gap_to;
	bool resumed, replay, more, known; /* known: seq is given */
	enum err code;                     /* of left, refused and error */
	int64_t retry_ns;
	char request[16], resume[80];
	uint64_t number; /* of the event's publication */
	struct shown_cast cast;
	unsigned item_count;
	struct told_item items[TOLD_EVENTS_MAX];
	struct told_list members, joined, left,
		changed; /* last: large, and cleared by their counts */
};

/* False: it is not as it should be. */
bool told_read(struct span text, struct told *);
const char *told_name(enum told_type);
enum told_type told_type_of(struct span text); /* cheaply */
