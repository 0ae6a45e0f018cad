/* SPDX-License-Identifier: Apache-2.0 */
/* The last answer to each question about access, for the time when the database is away or slow.
 * Bounded: the least recently used goes first. Tokens are not kept: a question is known by a mac of
 * it, under a key of this process. Pure. Owner: access. */
#pragma once

#include "common/list.h"
#include "common/mac.h"
#include "gateway/access.h"

struct known;

struct access_cache {
	struct known **chains; /* of known.next, by its id; as many as a power of two */
	size_t chain_count, count, cap;
	struct list by_use; /* least recently used first */
	struct mac_key *secret;
};

void access_cache_init(struct access_cache *, size_t cap_answers);
void access_cache_fini(struct access_cache *);

/* `key`: token, a NUL, and the room key ("" for whoami). `mark` is how NOTIFY names the session.
 * Only a grant is worth remembering: a refusal forgets. When its user is as he was, the answer
 * speaks of him as before (user_share). */
void access_cache_put(struct access_cache *, struct span key, struct span mark,
		      struct access_answer *);
/* Borrowed until the next put. False: nothing is known, or its session has expired. */
bool access_cache_find(struct access_cache *, struct span key, int64_t now_unix_ms,
		       struct access_answer *out);
bool access_cache_has(const struct access_cache *, struct span key);
/* Forget what a NOTIFY moot_access names: session:<mark>, key:<mark>, user:<id>, room:<room key>;
 * else everything. */
void access_cache_revoke(struct access_cache *, struct span payload);
