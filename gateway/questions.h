/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of the owner of a room without being in it: PUBLISH, until its ACK, and INSPECT,
 * READ and KICK, until their answer; asked again when the owner or the way to it changes, given up
 * after 5 s. Publishes of one producer in one room go out in the order in which they were asked.
 * Thread: loop. */
#pragma once

#include "common/err.h"
#include "proto/roster.h"

struct questions;
struct router;

MUST_USE struct questions *questions_new(struct router *, int64_t now_ns);
void questions_free(struct questions **); /* calls nobody back */

/* Everything in it is borrowed for the callback. */
struct answer {
	enum err err;     /* one that may be retried: a PUBLISH may be stored all the same */
	uint64_t seq;     /* PUBLISH: its number; CONFLICT: that of what is newer */
	struct span body; /* CONFLICT: what is newer */
	const struct roster *roster;       /* INSPECT */
	bool is_awake;                     /* INSPECT */
	uint64_t count;                    /* KICK: connections taken out */
	const struct msg_history *history; /* READ */
	int64_t retry_after_ns;            /* of an error that may be retried */
};
/* Never called from inside the asking call. */
typedef void question_fn(void *owner, const struct answer *);

/* The fields of a PUBLISH. Without a producer it is this run of the gateway, and the number the
 * next one. */
struct question_event {
	struct span producer;
	uint64_t pseq;
	struct span type, actor, name, field, body;
	uint64_t shape, base;
};

/* OK: it is stored, and will be shown to everybody in the room. Asked again under the same room,
 * producer and number while the first one still waits: both are answered, and what it says is what
 * the first one said. When a publish of a named producer ends with an error that may be retried,
 * those after it in the room end with OUT_OF_ORDER: nothing overtakes what is to be said again. */
void questions_publish(struct questions *, struct span room_key, const struct question_event *,
		       question_fn *, void *owner);
void questions_inspect(struct questions *, struct span room_key, question_fn *, void *owner);
/* The record's `ask` is filled in here. */
void questions_read(struct questions *, const struct msg_read *, question_fn *, void *owner);
void questions_kick(struct questions *, const struct msg_kick *, question_fn *, void *owner);
void questions_forget(struct questions *, const void *owner); /* what was asked is asked on */

/* ---- called by the router's owner ---- */
void questions_on_ways(struct questions *,
		       int64_t now_ns); /* an owner can be reached that could not be before */
/* ANSWER, HISTORY, ACK or REFUSED. */
void questions_on_answer(struct questions *, const struct message *, int64_t now_ns);
void questions_tick(struct questions *, int64_t now_ns); /* every 50 ms, 100 when it is calm */
bool questions_is_calm(const struct questions *);        /* nothing is asked or published */
