/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "common/tls.h"

static enum tls_result result(const SSL *ssl, int rc);

struct ssl_st *tls_stream_new(const struct tls *t, int fd)
{
	SSL *ssl = SSL_new(tls_context(t));

	must(ssl && SSL_set_fd(ssl, fd) == 1);
	SSL_set_accept_state(ssl);
	return ssl;
}

void tls_stream_free(struct ssl_st **stream)
{
	SSL_free(*stream);
	*stream = NULL;
}

enum tls_result tls_stream_accept(struct ssl_st *ssl)
{
	ERR_clear_error();
	return result(ssl, SSL_do_handshake(ssl));
}

enum tls_result tls_stream_read(struct ssl_st *ssl, uint8_t *bytes, size_t cap, size_t *len)
{
	ERR_clear_error();
	*len = 0;
	return result(ssl, SSL_read_ex(ssl, bytes, cap, len));
}

enum tls_result tls_stream_write(struct ssl_st *ssl, struct span bytes, size_t *sent)
{
	ERR_clear_error();
	*sent = 0;
	return result(ssl, SSL_write_ex(ssl, bytes.p, bytes.len, sent));
}

/* 0: ours is out, theirs is not in yet; that comes, if at all, by tls_stream_read. */
enum tls_result tls_stream_end(struct ssl_st *ssl)
{
	ERR_clear_error();
	int rc = SSL_shutdown(ssl);

	return rc >= 0 ? TLS_DONE : result(ssl, rc);
}

static enum tls_result result(const SSL *ssl, int rc)
{
	if (rc == 1)
		return TLS_DONE;
	switch (SSL_get_error(ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	default:
		return TLS_BROKEN;
	}
}
