/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS client of a test, on the same thread as the server it calls: each step tries, while the
 * loop turns, until it is done. And a certificate for the server, signed by itself. */
#pragma once

#include "common/loop.h"
#include "common/span.h"

struct ssl_st;
struct ssl_ctx_st;

struct tls_caller {
	struct ssl_ctx_st *context;
	struct ssl_st *ssl;
	int fd;
	bool failed; /* by an alert, or because the other side is gone */
	bool ended;  /* by a word of the other side */
};

/* `protocols`: as ALPN has them on the wire; NULL: none. */
void tls_caller_open(struct tls_caller *, uint16_t port, const char *protocols);
bool tls_caller_is_in(void *caller); /* until_fn: the handshake is over, well or not */
/* How much of it was taken; 0: none just now. */
size_t tls_caller_say(struct tls_caller *, struct span bytes);
/* How much there was; 0: none just now. */
size_t tls_caller_hear(struct tls_caller *, uint8_t *bytes, size_t cap);
void tls_caller_end(struct tls_caller *); /* says no more */
void tls_caller_close(struct tls_caller *);

/* Writes both files. */
void tls_make_pair(const char *certificate, const char *key);
