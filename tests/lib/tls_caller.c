/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tls_caller.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool goes_on(struct tls_caller *c, int rc)
{
	int why = SSL_get_error(c->ssl, rc);

	c->ended = c->ended || why == SSL_ERROR_ZERO_RETURN;
	c->failed = c->failed || why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL;
	return !c->failed && !c->ended;
}

void tls_caller_open(struct tls_caller *c, uint16_t port, const char *protocols)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int small = 16384;

	memset(c, 0, sizeof *c);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(c->fd >= 0);
	must(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
	must(setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
	must(connect(c->fd, (struct sockaddr *)&at, sizeof at) == 0);
	must(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0);
	c->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_mode(c->context,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	c->ssl = SSL_new(c->context);
	must(SSL_set_fd(c->ssl, c->fd) == 1);
	if (protocols)
		must(SSL_set_alpn_protos(c->ssl, (const unsigned char *)protocols,
					 (unsigned)strlen(protocols)) == 0);
}

bool tls_caller_is_in(void *caller)
{
	struct tls_caller *c = caller;

	if (c->failed)
		return true;
	ERR_clear_error();
	int rc = SSL_connect(c->ssl);

	return rc == 1 || !goes_on(c, rc);
}

size_t tls_caller_say(struct tls_caller *c, struct span bytes)
{
	size_t len = 0;

	ERR_clear_error();
	int rc = SSL_write_ex(c->ssl, bytes.p, bytes.len, &len);

	if (rc != 1)
		(void)goes_on(c, rc);
	return len;
}

size_t tls_caller_hear(struct tls_caller *c, uint8_t *bytes, size_t cap)
{
	size_t len = 0;

	ERR_clear_error();
	int rc = SSL_read_ex(c->ssl, bytes, cap, &len);

	if (rc != 1)
		(void)goes_on(c, rc);
	return len;
}

void tls_caller_end(struct tls_caller *c)
{
	must(SSL_shutdown(c->ssl) >= 0);
	shutdown(c->fd, SHUT_WR);
}

void tls_caller_close(struct tls_caller *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->context);
	if (c->fd >= 0)
		close(c->fd);
	*c = (struct tls_caller){.fd = -1};
}

void tls_make_pair(const char *certificate, const char *key)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	FILE *file;

	must(pkey && x509);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, pkey);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
				   (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	must(X509_sign(x509, pkey, EVP_sha256()) > 0);
	must((file = fopen(certificate, "w")) && PEM_write_X509(file, x509) == 1);
	fclose(file);
	must((file = fopen(key, "w")) &&
	     PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(file);
	X509_free(x509);
	EVP_PKEY_free(pkey);
}
