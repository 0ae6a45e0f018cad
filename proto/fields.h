/* SPDX-License-Identifier: Apache-2.0 */
/* The members that a JSON object has of a list of names, each read by its kind: what frames, and
 * the bodies of HTTP requests, are read with. Pure. The first one that is not what it has to be is
 * remembered by name. What was read borrows the text and the scratch. */
#pragma once

#include "common/buf.h"

#define FIELDS_MAX 8

struct fields {
	struct buf *scratch; /* holds what is unescaped: see fields_begin */
	const char *const *names;
	struct span values[FIELDS_MAX]; /* raw; no address: it is not there */
	const char *wrong;              /* NULL: nothing is */
};

/* Empties the scratch and gives it `bytes`, more than which will not be unescaped: it never moves
 * from here on. */
void fields_begin(struct fields *, struct buf *scratch, size_t bytes);
/* `object` was checked. A name that comes twice is wrong. */
void fields_find(struct fields *, struct span object, const char *const *names, size_t count);
bool fields_has(const struct fields *, size_t at); /* there, and not null */
void fields_blame(struct fields *, size_t at);

/* ---- one reader a kind: value number `at` becomes `out`, or is wrong ---- */
void fields_text(struct fields *, size_t at, size_t max, struct span *out);
void fields_maybe_text(struct fields *, size_t at, size_t max, struct span *out);
void fields_name(struct fields *, size_t at, size_t max, struct span *out);
/* The raw text of any value; max 0: any length. null is a value here, as good as any other. */
void fields_json(struct fields *, size_t at, size_t max, struct span *out);

/* ---- values; false: not of that kind ---- */
/* Not empty, at most `max` bytes once unescaped, no control characters. */
bool field_string(struct fields *, struct span value, size_t max, struct span *out);
bool field_name(struct fields *, struct span value, size_t max, struct span *out);
/* Digits alone: 1.0 and 1e3 are numbers too, and nobody who counts writes them. max: below 2^53. */
bool field_number(struct span value, uint64_t min, uint64_t max, uint64_t *out);
bool field_is_plain(struct span text); /* without control characters */
/* What `base` of a publish is compared within: member `field` of its data, if that is a string. */
bool field_of_data(struct fields *, struct span data, size_t max, struct span *out);
/* Bytes of the scratch that are this buffer's from now on: it never grows. */
struct buf fields_take(struct fields *, size_t len);
