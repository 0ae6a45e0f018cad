/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a room of whom clients are to be told: who came, went or changed since they were
 * told last, each once however often it happened. Pure. Owner: audience. */
#pragma once

#include "common/list.h"
#include "common/map.h"

struct change {
	struct list node;
	bool was_here; /* when clients were last told */
	size_t user_len;
	uint8_t user[];
};

struct changes {
	struct map by_user;
	struct list all; /* of change.node, in the order in which they began */
};

void changes_init(struct changes *);
void changes_fini(struct changes *);
/* To be said before the roster changes; only the first word of a user counts. */
void changes_note(struct changes *, struct span user, bool is_here);
/* Of what is in `from` too, that this one begins with what it knows itself counts. */
void changes_merge(struct changes *, const struct changes *from);
bool changes_is_empty(const struct changes *);
void changes_clear(struct changes *);
void changes_drop(struct changes *, struct change *);
struct change *change_of(struct list *node);
struct span change_user(const struct change *);
