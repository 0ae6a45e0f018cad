/* SPDX-License-Identifier: Apache-2.0 */
/* One flat msgpack array: the form of every record and of the head of every message on a link. The
 * only file that speaks msgpack-c. Pure; a record that was read borrows its bytes. No element makes
 * anything be allocated, so a count that promises more than the bytes hold costs nothing (msgpack-c
 * issue 1013). */
#pragma once

#include "common/buf.h"
#include "common/err.h"

#define RECORD_FIELDS_MAX 16 /* further fields are checked and skipped: a newer peer wrote them */

enum record_kind { RECORD_U64 = 1, RECORD_TEXT, RECORD_BLOB, RECORD_OTHER };

struct record_field {
	enum record_kind kind;
	uint64_t number;
	struct span bytes; /* TEXT, BLOB; not yet checked for UTF-8 */
};

struct record {
	size_t count;
	struct record_field fields[RECORD_FIELDS_MAX];
};

/* Cut the next record off `rest`. Errors: BAD_MESSAGE (not a whole array within MESSAGE_DEPTH_MAX).
 */
MUST_USE enum err record_read(struct span *rest, struct record *out);

void record_put_array(struct buf *, size_t count);
void record_put_u64(struct buf *, uint64_t);
void record_put_u64_wide(struct buf *,
			 uint64_t); /* always RECORD_WIDE bytes, so that it can be written later */
void record_put_text(struct buf *, struct span);
void record_put_blob(struct buf *, struct span);

#define RECORD_WIDE 9
