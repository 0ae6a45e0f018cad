/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTTP API asks of the owner of a room without being in it: PUBLISH, until its ACK, and
 * INSPECT, until its ANSWER; asked again when the owner or the way to it changes, given up after
 * 5 s. Thread: loop. */
#pragma once

#include "common/err.h"
#include "proto/roster.h"

struct questions;
struct router;

MUST_USE struct questions *questions_new(struct router *, int64_t now_ns);
void questions_free(struct questions **); /* calls nobody back */

/* err: OK, SHARD_AWAY, OVERLOADED, DB_x. `roster`: INSPECT only, borrowed. Never called from inside
 * the asking call.
 */
typedef void question_fn(void *owner, enum err, const struct roster *roster);

struct question_event {
	struct span type, actor, body;
};

/* OK: it is stored, and will be shown to everybody in the room. Otherwise it may be, too. */
void questions_publish(struct questions *, struct span room_key, const struct question_event *,
		       question_fn *, void *owner);
void questions_inspect(struct questions *, struct span room_key, question_fn *, void *owner);
void questions_forget(struct questions *, const void *owner);

/* ---- called by the router's owner ---- */
void questions_on_ways(struct questions *,
		       int64_t now_ns); /* an owner can be reached that could not be before */
/* ANSWER, ACK or REFUSED. */
void questions_on_answer(struct questions *, const struct message *, int64_t now_ns);
void questions_tick(struct questions *, int64_t now_ns); /* every 50 ms */
