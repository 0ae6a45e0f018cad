/* SPDX-License-Identifier: Apache-2.0 */
#include "common/mac.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

void mac_sign(struct span key, struct span text, uint8_t out[MAC_LEN])
{
	uint8_t whole[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(key.len <= INT_MAX);
	must(HMAC(EVP_sha256(), key.p, (int)key.len, text.p, text.len, whole, &len));
	must(len >= MAC_LEN);
	memcpy(out, whole, MAC_LEN);
}
