/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes. A span never owns; who hands it out says how long it lives. */
#pragma once

#include "common/base.h"

struct span {
	const uint8_t *p;
	size_t len;
};

#define SPAN(lit) ((struct span){(const uint8_t *)(lit), sizeof(lit) - 1})
#define SPAN_NONE ((struct span){NULL, 0})
#define SPAN_ARGS(s) (int)(s).len, (const char *)(s).p /* for "%.*s" */

struct span span_str(const char *s); /* NULL gives an empty span */
struct span span_of(const void *p, size_t len);
bool span_eq(struct span a, struct span b);
bool span_is(struct span a, const char *s);
bool span_starts(struct span a, const char *prefix);
struct span span_from(struct span a, size_t at); /* a[at..]; empty when at >= len */
struct span span_until(struct span *rest,
		       uint8_t sep); /* cuts the next piece off `rest`; empty rest ends */
uint64_t span_hash(struct span a);   /* XXH3_64, seed 0: the same on every machine */
