/* SPDX-License-Identifier: Apache-2.0 */
/* The token by which a native client goes on with its session over another connection, at whatever
 * gateway: session, connection and user, signed with the cluster's key, so that no gateway needs to
 * remember it. Valid as long as the key. It proves no right to enter: that is asked about anew. */
#pragma once

#include "common/buf.h"
#include "common/err.h"
#include "proto/record.h"

#define RESUME_KEY_MAX 128 /* bytes */
#define RESUME_TEXT_LEN 64 /* hex digits: 8 bytes of session, 8 of conn_gen, 16 of signature */

struct resume_key {
	uint8_t bytes[RESUME_KEY_MAX];
	size_t len; /* 0: not read from the database yet */
};

struct resume {
	uint64_t session, conn_gen;
	struct span user;
};

void resume_put(struct buf *, const struct resume_key *, const struct resume *);
/* `user` of `out` is given: the one who shows the token. False: it is none, or not this user's. */
bool resume_read(struct span text, const struct resume_key *, struct resume *out);
