/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/mem.h"

/* Of TLS 1.2, what is left without a known weakness; TLS 1.3 has no other. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define DAY_S 86400
#define NOT_THE_KEY "it is not the key of tls.certificate"
#define NO_PEM "it holds none in PEM (-----BEGIN ...)"

struct tls {
	SSL_CTX *context;
	int64_t expires_unix_s;
};

static SSL_CTX *make_context(const struct tls_files *files);
static bool load_pair(SSL_CTX *context, const struct tls_files *files);
static void set_rules(SSL_CTX *context);
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *len,
			const unsigned char *offered, unsigned offered_len, void *owner);
static int no_password(char *out, int size, int writing, void *owner);
static bool complain(const char *what, const char *file);
static const char *reason(void);
static int64_t unix_s(const ASN1_TIME *at);
static void say_loaded(const struct tls *t, const char *file);

enum err tls_open(const struct tls_files *files, struct tls **out)
{
	struct tls *t = mem_new(sizeof *t);
	enum err e = tls_load(t, files);

	if (e)
		mem_free(t);
	*out = e ? NULL : t;
	return e;
}

enum err tls_load(struct tls *t, const struct tls_files *files)
{
	SSL_CTX *context = make_context(files);

	if (!context)
		return ERR_SYSTEM;
	SSL_CTX_free(t->context);
	t->context = context;
	t->expires_unix_s = unix_s(X509_get0_notAfter(SSL_CTX_get0_certificate(context)));
	say_loaded(t, files->certificate);
	return OK;
}

void tls_close(struct tls **ptls)
{
	struct tls *t = *ptls;

	if (!t)
		return;
	*ptls = NULL;
	SSL_CTX_free(t->context);
	mem_free(t);
}

int64_t tls_expires_unix_s(const struct tls *t)
{
	return t->expires_unix_s;
}

struct ssl_ctx_st *tls_context(const struct tls *t)
{
	return t->context;
}

static SSL_CTX *make_context(const struct tls_files *files)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	must(context);
	set_rules(context);
	if (load_pair(context, files))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

static bool load_pair(SSL_CTX *context, const struct tls_files *files)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
		return complain("tls.certificate", files->certificate);
	if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return complain("tls.key", files->key);
	return true;
}

/* A session is remembered in the ticket that its client keeps, not here. What a connection holds
 * while nothing is under way is given back. A FIN without a word before it is an end like another:
 * who speaks HTTP or WebSocket sees by these whether something is missing. */
static void set_rules(SSL_CTX *context)
{
	must(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
	must(SSL_CTX_set_cipher_list(context, CIPHERS) == 1);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE |
					     SSL_OP_PRIORITIZE_CHACHA |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY); /* one record a call, whatever it holds */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
	SSL_CTX_set_default_passwd_cb(context, no_password);
}

static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *len,
			const unsigned char *offered, unsigned offered_len, void *owner)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)owner;
	if (SSL_select_next_proto(&chosen, len, ours, sizeof ours - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol */
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Or the terminal would be asked. */
static int no_password(char *out, int size, int writing, void *owner)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)owner;
	return -1;
}

static bool complain(const char *what, const char *file)
{
	log_error("certificate_refused", kv_str("option", what), kv_str("file", file),
		  kv_str("why", reason()));
	ERR_clear_error();
	return false;
}

/* The first of the queue is the cause, those after it are what it led to. */
static const char *reason(void)
{
	static const struct {
		int lib, reason;
		const char *text;
	} known[] = {
		{ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, NOT_THE_KEY},
		{ERR_LIB_SSL, SSL_R_NO_CERTIFICATE_ASSIGNED, NOT_THE_KEY}, /* not even its kind */
		{ERR_LIB_PEM, PEM_R_NO_START_LINE, NO_PEM},
		{ERR_LIB_OSSL_DECODER, ERR_R_UNSUPPORTED, NO_PEM},
		{ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ,
		 "it is locked by a password: store it without"},
	};
	unsigned long code = ERR_peek_error();

	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (ERR_GET_LIB(code) == known[i].lib && ERR_GET_REASON(code) == known[i].reason)
			return known[i].text;
	}
	const char *text = ERR_reason_error_string(code);

	return text ? text : "OpenSSL does not say";
}

static int64_t unix_s(const ASN1_TIME *at)
{
	struct tm tm;

	return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void say_loaded(const struct tls *t, const char *file)
{
	const X509 *certificate = SSL_CTX_get0_certificate(t->context);
	int64_t left_s = t->expires_unix_s - (int64_t)time(NULL);

	log_info("certificate_loaded", kv_str("file", file), kv_i64("days_left", left_s / DAY_S));
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		log_warn("certificate_expired", kv_str("file", file));
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		log_warn("certificate_not_valid_yet", kv_str("file", file));
}
