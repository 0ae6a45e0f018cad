/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway as its sessions see it: the stage of the tests of both dialects. Sockets, the answers
 * about access and the shards are stand-ins; router, questions, timers and codec are real. Time
 * passes when a test says so. */
#pragma once

#include "gateway/gateway.h"
#include "gateway/questions.h"
#include "gateway/session_inside.h"
#include "gateway/socket.h"
#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)
#define SECONDS(n) ((n)*NS_PER_S)
#define ROOM SPAN("submission:s1")
#define OTHER_ROOM SPAN("document:d1")
#define LOBBY_BOOT 5
#define LOBBY_SESSION(i) ((uint64_t)LOBBY_BOOT << 32 | (i)) /* id of the i-th, from 1 */
#define LOBBY_ASKED_MAX 128

struct lobby_asked { /* what access has not answered yet */
	access_fn *fn;
	void *owner;
};

struct gateway { /* in the place of the root object */
	struct gateway_options opt;
	struct fake_shards shards;
	struct fake_shard *shard;  /* incarnation 100, which owns both rooms */
	struct fake_shard *second; /* 101, which owns none */
	struct router *router;
	struct questions *questions;
	struct timers *timers;
	struct session_set *sessions;
	int64_t now_ns;
	struct lobby_asked waiting[LOBBY_ASKED_MAX]; /* oldest first */
	size_t waiting_count;
	unsigned asked; /* how often */
	char token[64]; /* of the last question */
	bool remembers;
};

struct socket { /* of a client, and what that was sent */
	struct session *session;
	char said[1 << 15]; /* each message a line; casts begin with ~ */
	size_t looked;
	enum err closed_for;
	enum err send_result;
	unsigned sends;
	size_t queued_bytes;
};

extern const struct resume_key lobby_resume_key;

int lobby_open(void **state); /* *state: struct gateway */
int lobby_close(void **state);
void lobby_pass(struct gateway *, int64_t ns); /* one tick, then */
void lobby_flush(struct gateway *);            /* the end of a turn */
void lobby_text(struct gateway *, struct session *, const char *message);
void lobby_closed(struct gateway *, struct session *, unsigned code); /* its socket is gone */
/* The oldest question that still waits, or the oldest of its owner's. */
void lobby_answer(struct gateway *, const struct access_answer *);
void lobby_answer_to(struct gateway *, const void *owner, const struct access_answer *);
void lobby_move(struct gateway *, incarnation_id owner, uint64_t epoch); /* both rooms */
