/* SPDX-License-Identifier: Apache-2.0 */
/* The presence entries of one room, by connection, and the users they make: a user is there from
 * the first entry to the last. Pure. The same code keeps the owner's roster (roomd/room.c, which
 * adds the coverage rule) and each gateway's copy (gateway/audience.c), so both always agree.
 * Order: (since_ms, session). Not said here: who may see what, numbers, time-outs. */
#pragma once

#include "common/list.h"
#include "common/map.h"
#include "proto/kept.h"
#include "proto/limits.h"
#include "proto/message.h"
#include "proto/user.h"

/* Under which a native connection's state is kept; other keys are those of v0 messages. */
#define ROSTER_STATE_KEY "state"

enum roster_tail { ROSTER_NO_TAIL, ROSTER_TAIL, ROSTER_TAIL_OWED }; /* `tail` of a member */

struct roster_user {
	struct list entries; /* of roster_entry.of_user, in roster order */
	struct user *who;    /* name and address: as the first entry gave them */
	unsigned count;
	bool unshown;  /* scratch of the owner of the roster: came, and not all were shown that */
	uint64_t came; /* likewise: roster.changes then */
};

struct roster_entry {
	struct list of_roster; /* roster order */
	struct list of_user;
	struct roster_user *user;
	session_id session;
	uint64_t conn_gen;
	incarnation_id home; /* the gateway that holds the connection; at a gateway's copy: 0 unless
				known */
	int64_t since_ms;
	struct kept *kept;
	uint64_t proved;   /* as in the member: 1 + seq; 0: none */
	uint64_t told_gen; /* scratch of the owner of the roster: the conn_gen that gateways were
			      told */
	uint8_t tail;      /* as in the member */
	bool seen;         /* scratch likewise: marking, replacing */
};

struct roster {
	struct list entries;
	unsigned entry_count, user_count;
	bool is_indexed;       /* the maps know all; while there are few, they know nothing */
	struct map by_session; /* u64 -> roster_entry */
	struct map by_user;    /* user id -> roster_user */
	uint64_t changes;      /* grows with each change of the list of users */
};

void roster_init(struct roster *);
void roster_fini(struct roster *);

/* Add or refresh. Of a known session an older conn_gen changes nothing (its home is where the
 * newest one is); the same one changes only `home` and, when the member carries any, its kept
 * states; a newer one brings its since_ms too. Its user never changes. Returns the entry; `*first`:
 * it was added now and is its user's only one. */
struct roster_entry *roster_put(struct roster *, const struct item_member *, incarnation_id home,
				bool *first);
struct roster_entry *roster_find(const struct roster *, session_id);
/* Is it this session (0: any) of this user (empty: whoever it belongs to)? With neither, nobody. */
bool roster_is_meant(const struct roster_entry *, struct span user, uint64_t session);
/* Remove; the entry and perhaps its user are freed. Returns true when it was the user's last. */
bool roster_remove(struct roster *, struct roster_entry *);
/* What the roster says of this user, it says by `who` from now on, who is the same. */
void roster_share(struct roster *, struct roster_user *, struct user *who);
/* NULL: no entry is his. */
struct roster_user *roster_find_user(const struct roster *, struct span id);
/* Is it the first of its user's: the one by which a list of users shows it? */
bool roster_leads(const struct roster_entry *);

size_t
roster_kept_of_others(const struct roster *,
		      const struct roster_entry *self); /* how many messages a v0 welcome shows */

size_t roster_users(const struct roster *);
size_t roster_entries(const struct roster *);
void roster_put_items(const struct roster *,
		      struct buf *items); /* item_put_member for each, in order */
void roster_item(const struct roster_entry *, struct buf *kept,
		 struct item_member *out); /* borrows entry and `kept` */
