/* SPDX-License-Identifier: Apache-2.0 */
/* Strict RFC 8259 text, checked and cut into members without building a tree, because what a client
 * sends is passed on byte for byte (docs/decisions says why this is not a library). Pure; no
 * recursion, no allocation. Input must already be valid UTF-8. */
#pragma once

#include "common/buf.h"
#include "common/err.h"

#define JSON_DEPTH_MAX 128 /* arrays and objects inside each other; documents reach about 40 */

enum json_kind {
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL
};

/* Check the whole text. Errors: BAD_JSON, TOO_DEEP. */
MUST_USE enum err json_check(struct span text, enum json_kind *kind);

/* Walk the members of a *checked* object: `*at` starts at 0; false: no more.
 * `name` is the raw text between the quotes (still escaped), `value` the raw text of the value. */
bool json_member(struct span object, size_t *at, struct span *name, struct span *value);
/* The same for the elements of a checked array. */
bool json_element(struct span array, size_t *at, struct span *value);
enum json_kind json_kind(struct span value); /* of a checked value */

/* Is the raw name, unescaped, equal to `s`? Sees through \u0049-style spelling. */
bool json_name_is(struct span raw_name, const char *s);
/* Unescape a checked string value (with its quotes) into `out`. Lone surrogates become U+FFFD. */
MUST_USE enum err json_string(struct span value, struct buf *out);

void json_put_string(struct buf *, struct span text); /* quoted and escaped; text is UTF-8 */
bool json_is_utf8(struct span text);                  /* RFC 3629; fast for ASCII */
