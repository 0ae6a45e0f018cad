/* SPDX-License-Identifier: Apache-2.0 */
/* What connections, users, rooms and services may take of this gateway, as the options say: who has
 * to wait, and for how long. What has to wait takes nothing. Pure. Owner: session set. */
#pragma once

#include "gateway/options.h"
#include "gateway/rate_set.h"

struct quota {
	const struct gateway_options *opt;
	struct rate_set users, rooms, services;
};

struct quota_word { /* something that a room is to be told, or is to store */
	struct span room_key;
	size_t bytes, recipients; /* as many as are known here; at least one */
};

struct quota_post {      /* what is published over HTTP, thus without a connection */
	bool is_service; /* else a user's */
	struct span who;
	struct quota_word word;
};

void quota_init(struct quota *, const struct gateway_options *);
void quota_fini(struct quota *);

/* Each: 0, and it is taken; else how long until it may go. */
/* A message of a connection, whose rate is `own`. `user` may be empty: it is not known yet. */
int64_t quota_take(struct quota *, struct rate *own, struct span user, size_t bytes,
		   int64_t now_ns);
int64_t quota_take_room(struct quota *, const struct quota_word *, int64_t now_ns);
int64_t quota_take_post(struct quota *, const struct quota_post *, int64_t now_ns);

void quota_tick(struct quota *, int64_t now_ns); /* every 50 or 100 ms */
