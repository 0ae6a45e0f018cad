/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA256 (RFC 2104), cut to 128 bits (its section 5 allows half of the output): what a process
 * says to itself by way of a client. The only file that speaks libcrypto. Pure. */
#pragma once

#include "common/span.h"

#define MAC_LEN 16 /* bytes */

void mac_sign(struct span key, struct span text, uint8_t out[MAC_LEN]);
