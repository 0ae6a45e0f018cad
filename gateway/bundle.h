/* SPDX-License-Identifier: Apache-2.0 */
/* Several messages for one connection that leave in one write: as payloads, for one that cannot
 * take them all at once, and as the WebSocket frames that they are on the wire. A server's frames
 * bear no mask, so they are the same for everybody and made once. Pure. Owner: whoever makes it. */
#pragma once

#include "gateway/payload.h"

#define BUNDLE_BYTES (64u << 10) /* of frames; more is written message by message */

struct bundle {
	struct payload **each; /* borrowed from who put them there, in order */
	size_t count, cap;
	size_t bytes; /* of their texts */
	struct payload *frames;
};

void bundle_init(struct bundle *);
void bundle_fini(struct bundle *);
void bundle_add(struct bundle *, struct payload *);
/* The frames, made by the first that asks; NULL: there are too many bytes. */
struct payload *bundle_frames(struct bundle *);
