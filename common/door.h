/* SPDX-License-Identifier: Apache-2.0 */
/* A listening TCP port that reads one bounded HTTP/1.1 request per connection and hands it over: to
 * be answered here (the connection then closes), or to be taken with everything read so far (a
 * WebSocket). Accepts itself (SO_REUSEPORT, TCP_NODELAY, SO_SNDBUF), bounds heads, bodies, time,
 * connections in the door, and pauses accepting when descriptors run out. Thread: loop. */
#pragma once

#include "common/ip.h"
#include "common/loop.h"
#include "common/request.h"

struct door;
struct visitor; /* one connection that is still in the door */

/* Called once the head (and the body, when there is one) has been read. Must lead to exactly one
 * door_answer or door_take, now or later. */
typedef void door_fn(void *owner, struct visitor *, const struct request *);
/* The visitor hung up before it was answered, or answer_ns has passed (the door then says 503
 * itself): forget it, do not answer. */
typedef void door_gone_fn(void *owner, struct visitor *);
/* The JSON of a refusal that the door makes by itself, once the head of the request is known. */
typedef void door_refusal_fn(void *owner, const struct request *, enum err, struct buf *json);
/* Takes a connection that was accepted, to do what comes before its first request, and gives it, or
 * another in its place, back by door_admit. */
typedef void door_before_fn(void *before, int fd, const struct ip *from);

struct door_options {
	const char *host;
	uint16_t port;   /* 0: any */
	bool share_port; /* SO_REUSEPORT */
	size_t max_body_bytes;
	size_t max_held_bytes; /* of all in the door: beyond it bodies are refused; 0: no bound */
	size_t max_visitors;
	int64_t head_ns, answer_ns; /* time to send a whole request; time we may take to answer */
	int sndbuf_bytes;           /* 0: the kernel's choice */
	int fd_reserve;             /* descriptors to leave free */
	door_fn *on_request;
	door_gone_fn *on_gone;
	door_refusal_fn *put_refusal; /* NULL: {"error":"..."} */
	void *owner;
	door_before_fn *on_accepted; /* NULL: the first request comes at once */
	void *before;
};

MUST_USE enum err door_open(struct loop *, const struct door_options *, struct door **out);
void door_pause(struct door *); /* stop accepting, close the listening socket; visitors go on */
/* Listen again, on the same port. Errors: IN_USE, SYSTEM, said in the log. Fine when it does. */
MUST_USE enum err door_resume(struct door *);
void door_close(struct door **); /* drops the visitors without calling on_gone */
uint16_t door_port(const struct door *);
/* As if it had been accepted, from there; `fd` is the door's now. */
void door_admit(struct door *, int fd, const struct ip *from);
/* Descriptors from this number on are the reserve (the kernel gives the lowest that is free). */
int door_fd_limit(const struct door *);
size_t door_visitors(const struct door *);
/* Nobody is let in for want of descriptors: who calls waits in the kernel's queue, those who are in
 * go on. It ends by itself when some are free. */
bool door_is_short(const struct door *);

/* The visitor's own slot for its owner's state, and its request again (valid until answered or
 * taken). */
void visitor_set(struct visitor *, void *state);
void *visitor_get(const struct visitor *);
const struct request *visitor_request(const struct visitor *);
struct ip visitor_from(const struct visitor *);

/* `headers`: extra header lines, each ended by CRLF, or NULL. The body is copied. */
void door_answer(struct visitor *, unsigned status, const char *type, const char *headers,
		 struct span body);
/* The fd and the bytes read so far are the caller's; the visitor is gone. `bytes` must be freed by
 * buf_fini. */
int door_take(struct visitor *, struct buf *bytes);
