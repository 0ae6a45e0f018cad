/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes live and who owns which slot. Pure; only ever moves forward: an older epoch or
 * version never overwrites a newer one. Owned by a gateway's router and by a shard's membership. */
#pragma once

#include "common/map.h"
#include "proto/limits.h"

enum member_kind { MEMBER_SHARD, MEMBER_GATEWAY };
enum member_state { MEMBER_JOINING, MEMBER_ACTIVE, MEMBER_DRAINING, MEMBER_DEAD };

struct view_member {
	incarnation_id id;
	enum member_kind kind;
	enum member_state state;
	char name[64];
	char endpoint[128]; /* shards: where their ROUTER listens */
	int64_t age_ms;     /* in this state, when it was read; 0: not known */
	bool seen;          /* scratch of view_members_begin/end */
};

struct view_slot {
	incarnation_id owner; /* 0: nobody */
	uint64_t epoch;
};

struct view {
	uint64_t version;
	struct view_slot slots[SLOTS];
	struct map members; /* incarnation -> struct view_member */
};

void view_init(struct view *);
void view_fini(struct view *);

/* True when the slot's owner or epoch changed. Same epoch with another owner is a bug of the writer
 * and is ignored. */
bool view_set_slot(struct view *, unsigned slot, incarnation_id owner, uint64_t epoch);
void view_set_version(struct view *, uint64_t version); /* keeps the greater */

/* A full listing of members replaces the old one: begin, put each, end. A dead shard stays
 * dead; a gateway may have been out of the reach of a shard only, and registers again. */
void view_members_begin(struct view *);
void view_put_member(struct view *, const struct view_member *);
void view_members_end(struct view *);
struct view_member *view_member(const struct view *, incarnation_id); /* NULL: unknown */

const char *member_state_name(enum member_state);
enum member_state member_state_of(struct span name); /* unknown text is MEMBER_DEAD */
