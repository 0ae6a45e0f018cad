/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the HTTP API below /v1: what a request says, and what it is answered. Pure. What was
 * read borrows the request and the scratch. */
#pragma once

#include "proto/fields.h"
#include "proto/frame.h"
#include "proto/message.h"

#define API_SCRATCH_BYTES (8u << 10)  /* holds what a body unescapes */
#define API_REASON_MAX 256            /* bytes of why somebody is kicked */
#define API_IDEMPOTENCY_PREFIX "key:" /* of a producer: no session and no gateway begins so */
#define API_IDEMPOTENCY_MAX (PRODUCER_MAX - (sizeof API_IDEMPOTENCY_PREFIX - 1)) /* bytes */

struct api_publish {
	struct span event, data, actor, name;
	struct span field; /* data.field */
	uint64_t base;     /* as in PUBLISH */
};

struct api_kick {
	struct span user, reason;
	uint64_t session; /* one of the two */
};

/* What is wrong with a request. `field`: BAD_FIELD: which. */
struct api_problem {
	enum err err;
	const char *field;
	int64_t retry_after_ns;
	uint64_t trace;
	uint64_t seq;     /* CONFLICT */
	struct span body; /* CONFLICT; may be empty */
};

/* Errors: BAD_UTF8, BAD_JSON, TOO_DEEP, BAD_TYPE (no object), BAD_FIELD (`*wrong` says which). */
MUST_USE enum err api_read_publish(struct span body, struct buf *scratch, struct api_publish *out,
				   const char **wrong);
MUST_USE enum err api_read_kick(struct span body, struct buf *scratch, struct api_kick *out,
				const char **wrong);
/* after, before, limit and type of a query, the defaults for what is not there. `types`, empty, of
 * EVENT_TYPES_MAX, holds those of `out`. Errors: BAD_FIELD. */
MUST_USE enum err api_read_page(struct span query, struct buf *types, struct msg_read *out,
				const char **wrong);
/* May it be the rest of a producer's name: visible ASCII? */
bool api_is_idempotency_key(struct span text);

void api_put_problem(struct buf *, const struct api_problem *);
void api_put_members(struct buf *list, const struct roster *);
