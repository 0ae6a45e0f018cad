/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mac.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <string.h>

#include "common/mem.h"

struct mac_key {
	EVP_MAC_CTX *keyed;
};

void mac_sign(struct span key, struct span text, uint8_t out[MAC_LEN])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(key.len <= INT_MAX);
	must(HMAC(EVP_sha256(), key.p, (int)key.len, text.p, text.len, whole, &len));
	must(len >= MAC_LEN);
	memcpy(out, whole, MAC_LEN);
}

struct mac_key *mac_key_new(struct span key)
{
	struct mac_key *k = mem_new(sizeof *k);
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(hmac);
	k->keyed = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac); /* the context holds it */
	must(k->keyed && EVP_MAC_init(k->keyed, key.p, key.len, params));
	return k;
}

void mac_key_free(struct mac_key **pk)
{
	struct mac_key *k = *pk;

	*pk = NULL;
	if (!k)
		return;
	EVP_MAC_CTX_free(k->keyed);
	mem_free(k);
}

void mac_key_sign(struct mac_key *k, struct span text, uint8_t out[MAC_LEN])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	size_t len = 0;

	must(EVP_MAC_init(k->keyed, NULL, 0, NULL));
	must(EVP_MAC_update(k->keyed, text.p, text.len));
	must(EVP_MAC_final(k->keyed, whole, &len, sizeof whole));
	must(len >= MAC_LEN);
	memcpy(out, whole, MAC_LEN);
}
