/* SPDX-License-Identifier: Apache-2.0 */
/* Room keys and their slots. Pure. */
#pragma once

#include "common/err.h"
#include "common/span.h"
#include "proto/limits.h"

enum room_kind { ROOM_SUBMISSION, ROOM_DOCUMENT };

unsigned slot_of(struct span room_key); /* 0..SLOTS-1: XXH3_64 % SLOTS, fixed for ever */

/* Split "submission:<id>" or "document:<id>"; the id is 1..ROOM_ID_MAX bytes of UTF-8 without
 * control characters. Errors: NO_ROOM. */
MUST_USE enum err room_key_read(struct span key, enum room_kind *, struct span *id);
/* Write a key into `out`. Errors: NO_ROOM (empty, too long, control characters). */
MUST_USE enum err room_key_write(enum room_kind, struct span id, char out[ROOM_KEY_MAX],
				 size_t *len);
const char *
	room_kind_name(enum room_kind); /* "submission", "document": also authorize()'s argument */
