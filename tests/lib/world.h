/* SPDX-License-Identifier: Apache-2.0 */
/* A router with its questions, one room, and two shards at the other end without a bus: the stage
 * of the tests of both. Times are the caller's. */
#pragma once

#include "gateway/questions.h"
#include "gateway/router.h"
#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)
#define ROOM SPAN("submission:s1")

struct world {
	struct fake_shards shards;
	struct fake_shard *a, *b; /* incarnations 100 and 101 */
	struct router *router;
	struct questions *questions;
	struct attendee *who;
	unsigned shown, pulls, answers;
	enum err answer;
	uint64_t answer_seq, answer_head;
	size_t answer_users;
	char answer_body[64];
	uint64_t version;
};

void world_on_answered(void *owner, const struct answer *);
int world_open(void **state);
int world_open_corked(void **state); /* messages that follow each other closely leave together */
int world_close(void **state);
void world_put_shard(struct world *w, unsigned i, enum member_state state);
void world_view_says(struct world *w, uint64_t owner, uint64_t epoch, int64_t now_ns);
void world_enter(struct world *w, int64_t now_ns);
/* One more connection, of this user. */
struct attendee *world_let_in(struct world *w, uint64_t session, const char *user, int64_t now_ns);
void world_cast(struct world *w, const char *body, int64_t now_ns);
void world_say_attached(struct fake_shard *s, uint64_t epoch, int64_t now_ns);
void world_say_welcomed(struct fake_shard *s, int64_t now_ns);
void world_say_hold(struct fake_shard *s, uint64_t epoch, int64_t now_ns);
void world_say_moved(struct fake_shard *s, uint64_t owner, uint64_t epoch, int64_t now_ns);
void world_say_not_owner(struct fake_shard *s, int64_t now_ns);
void world_say_cast_out(struct fake_shard *s, int64_t now_ns);
void world_room_is_attached(struct world *w);
unsigned world_next_type(struct fake_shard *s);
void world_expect_cast(struct fake_shard *s, const char *body);
