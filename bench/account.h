/* SPDX-License-Identifier: Apache-2.0 */
/* The checker: told of everything that people of a load say, are shown, and do, it counts what must
 * not happen (flaw.def). Knows no sockets and no clock. What is allowed to be missing, and why:
 *   casts  a later one of the same person replaced it within `merge_ns` (merged), or it was on its
 * way while its sender or its reader lost a connection, or a process was killed (spared) events
 * nothing, ever, for who is there or comes back A person is a number; people of one room are
 * neighbours. Each has one connection to one room. */
#pragma once

#include "common/buf.h"

enum flaw {
#define FLAW(NAME, word, help) FLAW_##NAME,
#include "bench/flaw.def"
#undef FLAW
	FLAW_COUNT
};

extern const char *const flaw_words[FLAW_COUNT];
extern const char *const flaw_helps[FLAW_COUNT];

struct account;

struct account_plan {
	size_t rooms;
	const size_t *people; /* in each room; copied */
	size_t casters;       /* the first of each room who cast; 0: all */
	int64_t merge_ns;     /* casts of one person so close may be shown as the later one only */
	int64_t grace_ns;     /* a lost connection is shown as gone after this */
};

#define ACCOUNT_PAIRS_MAX 50000000 /* readers times casters of all rooms: 4 bytes each */

MUST_USE struct account *account_new(const struct account_plan *);
void account_free(struct account **);
size_t account_pairs(const struct account_plan *); /* to be compared with ACCOUNT_PAIRS_MAX */

/* Coming and going. `enter`: into the room, afresh or back; `seq` is what `joined` said, if it did.
 * `leave`: on purpose. `lose`: the connection ended without that. */
struct account_entry {
	bool is_native, has_seq;
	uint64_t seq;
};
void account_enter(struct account *, size_t person, const struct account_entry *, int64_t now_ns);
void account_leave(struct account *, size_t person, int64_t now_ns);
void account_lose(struct account *, size_t person, int64_t now_ns);
void account_slow(struct account *, size_t person); /* does not read for a while now and then */

/* Until `false`, casts may be lost, and so may those of the last second: something was killed. */
void account_spare(struct account *, bool on, int64_t now_ns);

/* Casts: numbers 1, 2, 3 ... of each person. */
uint32_t account_cast(struct account *, size_t person, int64_t now_ns);
/* False: not news, but what a v0 client is told of the state of things when it comes. */
bool account_hear(struct account *, size_t reader, size_t sender, uint32_t number);

/* Publishes, likewise numbered. `refuse`: for good, it is not stored. */
uint32_t account_publish(struct account *, size_t person);
void account_ack(struct account *, size_t person, uint32_t number, uint64_t seq);
void account_refuse(struct account *, size_t person, uint32_t number);
void account_event(struct account *, size_t reader, uint64_t seq, size_t sender, uint32_t number);
/* As a v0 client sees it: without its seq. False: it has been shown to it before. */
bool account_shown(struct account *, size_t reader, size_t sender, uint32_t number, int64_t now_ns);
void account_relay(struct account *, size_t reader, uint64_t relay); /* v0: grows, always */
void account_gap(struct account *, size_t reader, uint64_t from, uint64_t to);

/* Who is there, as a reader is told; `begin` before a whole list, `unlisted`: too many to be named.
 */
void account_list_begin(struct account *, size_t reader);
void account_listed(struct account *, size_t reader, size_t person);
void account_unlisted(struct account *, size_t reader);
void account_came(struct account *, size_t reader, size_t person, int64_t now_ns);
void account_went(struct account *, size_t reader, size_t person, int64_t now_ns);

void account_garbled(struct account *, size_t reader, struct span text);
void account_unanswered(struct account *, size_t person, size_t count);

/* Nothing is on its way any more: what is still missing, is lost. Once, at the end. */
void account_close(struct account *, int64_t now_ns);
/* Has everybody who is there been shown all that was stored and all that was cast last? */
bool account_is_settled(const struct account *);

uint64_t account_flaw(const struct account *, enum flaw);
uint64_t account_flaws(const struct account *); /* of all kinds */
uint64_t account_merged(const struct account *);
uint64_t account_spared(const struct account *);
const char *account_example(const struct account *, size_t i); /* in words; NULL: no more of them */
