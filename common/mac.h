/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 (RFC 2104), cut to 128 bits (its section 5 allows half of the output): what a process
 * says to itself by way of a client. The only file that speaks libcrypto. Pure. */
#pragma once

#include "common/span.h"

#define MAC_LEN 16 /* bytes */

void mac_sign(struct span key, struct span text, uint8_t out[MAC_LEN]);

/* The same under a key that is used often: the sixth part of the time. */
struct mac_key;
MUST_USE struct mac_key *mac_key_new(struct span key);
void mac_key_free(struct mac_key **); /* NULL is fine */
void mac_key_sign(struct mac_key *, struct span text, uint8_t out[MAC_LEN]);
