/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that make up a call share: calls.c (its life), calls_v0.c and calls_v1.c (what it
 * is about). */
#pragma once

#include "common/list.h"
#include "gateway/calls.h"
#include "gateway/quota.h"
#include "gateway/questions.h"

#define CALL_ANSWER_MAX (12u << 20) /* bytes: a roster of the largest room, a page of its log */

struct call;

struct calls {
	struct gateway *gw;
	struct http *http;
	struct list all;
};

typedef void calls_v1_fn(struct call *);
struct calls_v1_route {
	enum path_target target;
	bool is_service; /* a key is needed */
	const char *method;
	const char *name; /* for the log */
	calls_v1_fn *act; /* who asks is known and may */
};

struct call {
	struct list node;
	struct calls *calls;
	struct visitor *visitor;
	struct path path;     /* borrows the request, until the answer */
	struct buf token, id; /* id: decoded; a room's, a room's key or a session's */
	/* calls_v1.c */
	const struct calls_v1_route *route;
	struct buf who;     /* the name of the service key */
	struct buf members; /* of the room, as JSON */
	bool is_awake;
	unsigned awaited; /* answers */
	uint64_t head;
};

void calls_v0_start(struct call *);
void calls_v1_start(struct call *);

/* calls.c */
/* False: there is no Bearer. */
bool call_read_bearer(struct call *);
void call_answer(struct call *, unsigned status, const char *headers, struct span json);
void call_end(struct call *); /* it was answered, or never will be */

/* How long it has to wait with what it would publish; 0: it goes. */
int64_t call_wait_ns(const struct call *, struct quota_post);

/* calls_refusal.c: of the API of moot.v1; with a trace that is in the log. Each ends the call. */
void call_refuse(struct call *, enum err);
void call_refuse_field(struct call *, enum err, const char *field); /* `field`: of a BAD_FIELD */
bool call_fails(struct call *, const struct answer *); /* refused it, if that is an error */
