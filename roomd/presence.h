/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a room, from which gateways, and the telling of each change under its relay number.
 * Pure. Owner: room, which decides when enough is known to call these. `seen` of a roster entry
 * means here: it was announced. One that came fresh waits for that, and until then nobody is told
 * of it. Until the roster is covered nobody is told that anybody goes: a gateway that has not
 * spoken may have him too. The covered roster then lacks who has gone. */
#pragma once

#include "proto/roster.h"
#include "roomd/attachment.h"

#define PRESENCE_STATE_USERS_MAX 200 /* above, joins and leaves alone keep the lists right */

#define PRESENCE_DEPARTED 32

/* Sessions that moved and then left, so that their older connections do not come back: a gateway
 * that was cut off may still name one. The last ones of a room. */
struct departed {
	size_t next;
	struct {
		uint64_t session, conn_gen;
	} of[PRESENCE_DEPARTED];
};

struct presence {
	struct departed *departed; /* NULL: none yet */
	struct span key;           /* borrowed from the room */
	struct roster roster;
	struct list attachments; /* of attachment.of_room */
	uint64_t relay;          /* the last number given out, or heard of */
	int64_t state_interval_ns;
	int64_t state_at_ns; /* when the next ROOM_STATE may go out */
	bool state_due;
	bool covered; /* every gateway that may have somebody here has spoken; the room says so */
	int64_t wall_offset_ms; /* wall clock minus monotonic, for the stamps people see */
	uint64_t casts_dropped; /* for gateways that take no more */
};

void presence_init(struct presence *, struct span key, int64_t state_interval_ns);
void presence_fini(struct presence *);

struct attachment *presence_find(const struct presence *, const struct feed *); /* NULL: none */
struct attachment *presence_home(const struct presence *, const struct roster_entry *);

/* Its session has left over a newer connection. */
bool presence_is_over(const struct presence *, const struct item_member *);
/* Take up an entry at home there; tells nobody. An older connection of a known session changes
 * nothing. */
struct roster_entry *presence_admit(struct presence *, struct attachment *,
				    const struct item_member *);
/* One that is known elsewhere already, so nobody is shown it as new: counts as announced. */
void presence_add_silently(struct presence *, struct roster_entry *, int64_t now_ns);
/* MEMBER_JOINED unless it was, then WELCOMED to its home, then ROOM_STATE when that is due. */
void presence_announce(struct presence *, struct roster_entry *, int64_t now_ns);
void presence_remove(struct presence *, struct roster_entry *, int64_t now_ns);
void presence_remove_home(struct presence *, const struct attachment *,
			  int64_t now_ns); /* all at home there */
/* `from`: where the sender is at home; NULL: the application. */
void presence_cast(struct presence *, const struct attachment *from, const struct msg_cast *,
		   int64_t now_ns);

/* A gateway that was not heard may know greater numbers of this room: go on with those of the
 * clock, in ms, which no room can have given so many as. */
void presence_skip_numbers(struct presence *, int64_t now_ns);

/* They are out for everybody, and their gateways are told to close them. Returns how many
 * connections that are. */
size_t presence_kick(struct presence *, const struct msg_kick *, int64_t now_ns);

/* With a number for the list to be shown, if it is covered and somebody there may be shown it. */
void presence_tell_roster(struct presence *, struct attachment *, int64_t now_ns);
void presence_tell_roster_all(struct presence *, int64_t now_ns);
int64_t
presence_next_ns(const struct presence *); /* when to tick at the latest; INT64_MAX: never */
void presence_tick(struct presence *, int64_t now_ns);
