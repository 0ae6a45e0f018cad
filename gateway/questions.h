/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP API asks of the owner of a room without being in it: BROADCAST and INSPECT, matched
 * with their ANSWER, asked again elsewhere when the owner changes, given up after 5 s. Thread: loop. */
#pragma once

#include "common/err.h"
#include "proto/roster.h"

struct questions;

/* err: OK, SHARD_AWAY. `roster`: INSPECT only, borrowed. Never called from inside the asking call. */
typedef void question_fn(void *owner, enum err, const struct roster *roster);

void questions_broadcast(struct questions *, struct span room_key, struct span body, question_fn *, void *owner);
void questions_inspect(struct questions *, struct span room_key, question_fn *, void *owner);
void questions_forget(struct questions *, const void *owner);
