/* SPDX-License-Identifier: Apache-2.0 */
/* What a room tells its gateways: each record, written for each gateway that shows the room to
 * somebody. Pure. Whether and under which number something is told is room.c's business. */
#pragma once

#include "proto/roster.h"
#include "roomd/attachment.h"

/* A room, and the moment. */
struct notice {
	struct span key;
	struct list *attachments;
	int64_t at_ms; /* wall clock */
	uint64_t relay;
};

void notice_attached(struct attachment *, struct span key, uint64_t epoch, uint64_t relay);
/* Entries that were not announced yet (`seen` is false) are only told to their home. */
void notice_roster(const struct notice *, struct attachment *, const struct roster *, bool covered);
void notice_joined(const struct notice *, const struct roster_entry *,
		   const struct attachment *except);
void notice_welcomed(const struct notice *, struct attachment *, session_id, size_t count);
void notice_left(const struct notice *, session_id);
void notice_room_state(const struct notice *);
/* `from`: where the sender is at home, or NULL; left out when it holds nobody else. Returns how
 * many gateways were left out because they take no more. */
size_t notice_cast(const struct notice *, const struct msg_cast *, const struct attachment *from);
bool notice_cast_has_hearer(const struct notice *, const struct attachment *from);

void notice_kicked(const struct notice *, const struct msg_kick *);

/* ANSWER to `feed`, with the members of `roster`; NULL: without. */
void notice_answer(struct feed *, const struct msg_answer *, const struct roster *);
