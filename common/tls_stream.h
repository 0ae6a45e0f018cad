/* SPDX-License-Identifier: Apache-2.0 */
/* One TLS connection on a socket that does not block. It reads exactly the bytes of the record it
 * is at: what is not read yet is in the kernel, and the loop hears of it. Owner: porch, then
 * tunnel. */
#pragma once

#include "common/span.h"

#define TLS_RECORD_MAX 16384 /* bytes that one record carries at most */

struct tls;
struct ssl_st; /* SSL */

enum tls_result {
	TLS_DONE,
	TLS_WANTS_READ,
	TLS_WANTS_WRITE,
	TLS_ENDED,  /* the other side says no more */
	TLS_BROKEN, /* by the network, or by what is no TLS */
};

/* `fd` is borrowed. */
MUST_USE struct ssl_st *tls_stream_new(const struct tls *, int fd);
void tls_stream_free(struct ssl_st **);                      /* says nothing to the other side */
MUST_USE enum tls_result tls_stream_accept(struct ssl_st *); /* the handshake */
/* `cap`: at least TLS_RECORD_MAX. WANTS_READ, too, after a record that carried nothing for us. */
MUST_USE enum tls_result tls_stream_read(struct ssl_st *, uint8_t *bytes, size_t cap, size_t *len);
/* After WANTS_*, the same bytes again. */
MUST_USE enum tls_result tls_stream_write(struct ssl_st *, struct span bytes, size_t *sent);
MUST_USE enum tls_result tls_stream_end(struct ssl_st *); /* our half: close_notify */
