/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS is served with: a certificate and its key, from two PEM files, and the rules: TLS 1.2
 * and up, forward secrecy, http/1.1 as the only protocol above. A pair that is loaded later is that
 * of the handshakes to come; connections keep theirs. This and tls_stream.c speak to libssl,
 * nothing else does. Owner: the root object. Thread: loop. */
#pragma once

#include "common/err.h"

struct tls;
struct ssl_ctx_st; /* SSL_CTX */

struct tls_files {
	const char *certificate; /* and those between it and the root, in this order */
	const char *key;
};

/* Errors: SYSTEM: a file cannot be read, is not what it has to be, or the two do not belong
 * together; said in the log. */
MUST_USE enum err tls_open(const struct tls_files *, struct tls **out);
/* The same for one that is open; after an error it serves what it served before. */
MUST_USE enum err tls_load(struct tls *, const struct tls_files *);
void tls_close(struct tls **); /* connections live on */
int64_t tls_expires_unix_s(const struct tls *);
struct ssl_ctx_st *tls_context(const struct tls *); /* for tls_stream.c */
