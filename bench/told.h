/* SPDX-License-Identifier: Apache-2.0 */
/* What a server tells, in either dialect, cut into the members that a load looks at; and the mark
 * by which what people say is known again: who, the how many-eth, and when it should have been
 * said. Pure. */
#pragma once

#include "common/buf.h"
#include "common/err.h"

struct told { /* raw JSON values, with their quotes; empty: not there */
	struct span type, room, seq, n, code, reason, data, retry_after_ms, request, resume,
		resumed, ping_ms, members, joined, left, gap, unlisted, count, replay, users,
		userId, from, to, id;
};

/* Errors: those of json_check; BAD_TYPE: no object with a type. */
MUST_USE enum err told_read(struct span text, struct told *);
/* The members of an object inside a checked message. */
void told_members(struct span object, struct told *);
bool told_is(struct span value, const char *text); /* a string without escapes */
uint64_t told_number(struct span value);           /* 0: it is none */
/* The text between the quotes of a string that needs no unescaping. */
struct span told_text(struct span value);

struct mark {
	size_t person;
	uint32_t number;
	int64_t due_ns;
};

void mark_put(struct buf *, const struct mark *); /* as a member of an object: "mark":"17 42 123" */
bool mark_find(struct span text, struct mark *);  /* anywhere in it */
