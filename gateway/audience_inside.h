/* SPDX-License-Identifier: Apache-2.0 */
/* What audience.c (who is there) and audience_show.c (what they see of it) share. */
#pragma once

#include "gateway/audience.h"
#include "proto/v0.h"

struct audience {
	enum room_kind kind;
	char *room_id;
	const struct audience_sink *sink;
	struct list attendees;
	struct roster local, copy;
	uint64_t relay;
};

bool audience_hears(const struct attendee *); /* is to be shown the room */
/* The numbers `relay` and the `count` - 1 after it were given out. */
void audience_number(struct audience *, uint64_t relay, uint64_t count);

/* The list, to everybody who has not seen it since it changed. */
void audience_show_list(struct audience *, uint64_t relay, int64_t at_ms);
/* "X came" or "X went": to all but the connection it speaks of. */
void audience_show_user(struct audience *, enum v0_type, const struct roster_entry *,
			uint64_t relay, int64_t at_ms);
void audience_show_cast(struct audience *, const struct msg_cast_out *); /* to all but the sender */
/* To one that comes in: the list, connected, what the others left. */
void audience_show_room(struct audience *, struct attendee *, const struct msg_welcomed *);
