/* SPDX-License-Identifier: Apache-2.0 */
/* The head of one HTTP/1.1 request, read strictly and bounded. Pure. Everything that is not plain
 * HTTP/1.1 (an HTTP/2 preface, h2c, folded lines, doubled Host or Content-Length, a transfer
 * coding, control bytes) is refused here, so no library behind it ever sees it. RFC 9112. */
#pragma once

#include "common/buf.h"
#include "common/err.h"

#define REQUEST_HEAD_MAX 8192 /* bytes of request line and header fields */
#define REQUEST_FIELDS_MAX 64

struct request_field {
	struct span name, value;
};

/* The spans borrow the bytes that were read. */
struct request {
	struct span method, target, path, query; /* path: before '?', still percent-encoded */
	struct request_field fields[REQUEST_FIELDS_MAX];
	size_t field_count;
	size_t head_len;   /* bytes of the head, with the empty line */
	uint64_t body_len; /* Content-Length, else 0 */
	struct span body;  /* set by the door once it has been read */
};

/* Errors: OK with head_len 0: more bytes are needed. BAD_REQUEST, HEAD_TOO_BIG, HTTP_VERSION. */
MUST_USE enum err request_read(struct request *, struct span bytes);
/* The first field of this name, in any case; p is NULL when there is none. */
struct span request_field(const struct request *, const char *name);
/* Whether the answer may have this coding: it is named in Accept-Encoding, and not with q=0. */
bool request_accepts(const struct request *, const char *coding);
/* The value of a query parameter, percent- and plus-decoded. Errors: NO_PATH, BAD_REQUEST. */
MUST_USE enum err request_param(struct span query, const char *name, struct buf *out);
MUST_USE enum err request_decode(struct span percent_encoded, struct buf *out); /* a path segment */
