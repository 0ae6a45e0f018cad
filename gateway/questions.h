/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP API asks of the owner of a room without being in it: BROADCAST and INSPECT, matched
 * with their ANSWER, asked again elsewhere when the owner changes, given up after 5 s. Thread:
 * loop. */
#pragma once

#include "common/err.h"
#include "proto/roster.h"

struct questions;
struct router;

MUST_USE struct questions *questions_new(struct router *, int64_t now_ns);
void questions_free(struct questions **); /* calls nobody back */

/* err: OK, SHARD_AWAY. `roster`: INSPECT only, borrowed. Never called from inside the asking call.
 */
typedef void question_fn(void *owner, enum err, const struct roster *roster);

void questions_broadcast(struct questions *, struct span room_key, struct span body, question_fn *,
			 void *owner);
void questions_inspect(struct questions *, struct span room_key, question_fn *, void *owner);
void questions_forget(struct questions *, const void *owner);

/* ---- called by the router's owner ---- */
void questions_on_ways(struct questions *,
		       int64_t now_ns); /* an owner can be reached that could not be before */
void questions_on_answer(struct questions *, const struct msg_answer *, int64_t now_ns);
void questions_tick(struct questions *, int64_t now_ns); /* every 50 ms */
