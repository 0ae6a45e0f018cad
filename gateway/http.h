/* SPDX-License-Identifier: Apache-2.0 */
/* The public HTTP API beside the WebSockets: who am I, who is in a room, speak to a room, the demo
 * page. Answers what listener.c hands over; the slow ones (access, the owner of a room) later.
 * Owner: listener. Thread: loop. */
#pragma once

#include "common/door.h"
#include "gateway/gateway.h"
#include "gateway/paths.h"

struct http;

MUST_USE struct http *http_new(struct gateway *);
void http_free(struct http **); /* what is still asked is forgotten; NULL is fine */

/* Answer a request that is not for a WebSocket, now or later. */
void http_serve(struct http *, struct visitor *, const struct path *);
void http_gone(struct http *, struct visitor *); /* it hung up */

/* ---- answers in the style of this API, also for listener.c ---- */
/* `headers` as in door_answer. */
void http_answer(struct http *, struct visitor *, unsigned status, const char *headers,
		 struct span json);
/* {"error":text} */
void http_refuse(struct http *, struct visitor *, unsigned status, const char *text,
		 const char *headers);

/* The JSON of a refusal that the door makes. */
void http_put_refusal(const struct path *, enum err, struct buf *json);

/* Is this text fit to be asked about: 1..max bytes of UTF-8 without control characters? */
bool http_is_id(struct span text, size_t max);
