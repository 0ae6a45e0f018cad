/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says about becoming a WebSocket (RFC 6455, 4.2.1). Pure. The checks are two:
 * whether it asks for one at all comes first, whether its handshake is valid comes last, after the
 * refusals of the v0 dialect, whose order clients know. */
#pragma once

#include "common/request.h"

#define UPGRADE_KEY_LEN 24 /* base64 of 16 bytes */

/* A refusal as HTTP says it; `text` NULL: none. */
struct upgrade_refusal {
	unsigned status;
	const char *text;
	const char *headers; /* ended by CRLF, or NULL */
};

struct upgrade_refusal upgrade_asked(const struct request *);
bool upgrade_is_native(const struct request *); /* it asks for the subprotocol moot.v1 */
struct upgrade_refusal upgrade_valid(const struct request *);
struct span upgrade_key(const struct request *); /* of a valid one */
