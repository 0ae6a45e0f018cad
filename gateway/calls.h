/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to the HTTP API that wait for somebody: whose session is this, who is in a room, speak
 * to a room. First who asks and whether they may (access), then the owner of the room (questions).
 * What the paths of the v0 dialect answer: calls_v0.c; those of moot.v1: calls_v1.c. Owner: http.
 * Thread: loop. */
#pragma once

#include "common/door.h"
#include "gateway/gateway.h"
#include "gateway/paths.h"

struct calls;
struct http;

MUST_USE struct calls *calls_new(struct gateway *, struct http *);
void calls_free(struct calls **); /* what is still asked is forgotten; NULL is fine */

void calls_start(struct calls *, struct visitor *, const struct path *);
void calls_end(struct calls *, struct visitor *); /* it hung up; fine when it has no call */

/* A path of moot.v1 with a method that it does not take, or with nothing behind it. */
void calls_v1_refuse_path(struct http *, struct visitor *, const struct path *,
			  const char *headers);
/* The body of a refusal that the door makes of a request for such a path. */
void calls_v1_put_refusal(struct buf *, enum err);
