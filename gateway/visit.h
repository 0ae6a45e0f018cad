/* SPDX-License-Identifier: Apache-2.0 */
/* A session's place in one room: v0 has one, a native session as many as it joined. It enters by
 * way of the router, is asked about when its lease ends, and leaves with the session at the latest.
 * Owner: session. Thread: loop. */
#pragma once

#include "gateway/audience.h"
#include "gateway/session.h"

struct visit {
	struct list of_session;
	struct session *session;
	struct attendee *attendee; /* its place in the audience; NULL: not in yet */
	uint64_t ping_seq; /* v0: 1 + seq of the last event before the ping that is out; 0: none is
			    */
	uint8_t *texts;    /* room key, role */
	uint16_t key_len, id_len;
	uint8_t role_len;
	uint8_t kind; /* enum room_kind */
	bool asking;  /* authorize() was asked and has not answered */
};

struct span visit_room(const struct visit *); /* its key; as the next two, until the role is set */
struct span visit_room_id(const struct visit *);
struct span visit_role(const struct visit *);
enum room_kind visit_kind(const struct visit *);

/* What a visit says of itself. The room id was checked: it can be one. */
struct visit_texts {
	enum room_kind kind;
	struct span room_id, role;
};

size_t visit_texts_len(const struct visit_texts *); /* bytes */
/* Not in yet. `v` is zeroed and becomes the session's; `bytes` are as many as the texts need, and
 * go with it: they are its own allocation if the visit is one (dialect.is_one_piece). */
void visit_init(struct visit *, struct session *, const struct visit_texts *, uint8_t *bytes);
void visit_set_role(struct visit *, struct span role); /* not of one that is in one piece */
void visit_enter(struct visit *);
/* Out of the room and freed. Nobody may go on seeing it type or edit: that is taken back first. */
void visit_leave(struct visit **);
void visit_drop(struct visit **); /* the same, when the process ends: tells nobody */
void visit_renew_lease(struct visit *);
void visit_cast(struct visit *, struct msg_cast *); /* at most once is what a cast promises */
/* What it is about to say to its room; `to`: as in CAST. 0: it may; else after so many ms, which is
 * held against nobody. */
uint64_t visit_admit(const struct visit *, size_t bytes, struct span to);
bool visit_is_viewer(const struct visit *); /* may look on, not write */
struct v0_identity visit_identity(const struct visit *);
struct visit *visit_of(struct list *of_session);

struct audience_sink visit_sink(size_t list_users); /* `owner` of its attendees: a visit */
