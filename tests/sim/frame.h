/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is shown, read cheaply: the messages of the v0 dialect have fixed shapes, and the
 * casts are this simulator's own. */
#pragma once

#include "common/span.h"

#define FRAME_USERS_MAX 64

enum frame_type {
	FRAME_ROOM_STATE,
	FRAME_CONNECTED,
	FRAME_USER_JOINED,
	FRAME_USER_LEFT,
	FRAME_CAST,
	FRAME_CAST_KEPT, /* read as a CAST */
	FRAME_EVENT,
	FRAME_PING,
	FRAME_UNKNOWN
};

struct frame {
	enum frame_type type;
	uint64_t seq;        /* 0: none */
	int64_t at_ns;       /* when the owner of the room decided it; not of casts */
	uint64_t users;      /* ROOM_STATE: one bit each */
	unsigned user;       /* USER_x: whom it speaks of */
	unsigned connection; /* CAST: whose, */
	bool kept;           /* which a newer one makes worthless, */
	uint64_t op;         /* how many that are not kept there were, with this one, */
	uint64_t number;     /* and its how many-th it is; EVENT: of the publication */
};

struct shown_cast {
	unsigned connection;
	uint64_t number, op; /* the how many-th of it; and of those that are not kept */
};

void shown_read(struct span text, struct frame *);
uint64_t shown_event_number(struct span body); /* of a publication, in either dialect */
const char *shown_name(enum frame_type);

#define FRAME_CAST_LEN 96
struct span shown_put_event(char out[FRAME_CAST_LEN], uint64_t number);
struct span shown_put_cast(char out[FRAME_CAST_LEN], bool kept, const struct shown_cast *);
