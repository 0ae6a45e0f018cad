/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed bytes: comparing, cutting, hashing. */
#include "common/span.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct span span_str(const char *s)
{
	return s ? span_of(s, strlen(s)) : SPAN_NONE;
}

struct span span_of(const void *p, size_t len)
{
	return (struct span){p, len};
}

bool span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

bool span_starts(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);

	return a.len >= len && (len == 0 || memcmp(a.p, prefix, len) == 0);
}

struct span span_from(struct span a, size_t at)
{
	return at < a.len ? span_of(a.p + at, a.len - at) : SPAN_NONE;
}

struct span span_until(struct span *rest, uint8_t sep)
{
	const uint8_t *hit = rest->len ? memchr(rest->p, sep, rest->len) : NULL;
	size_t len = hit ? (size_t)(hit - rest->p) : rest->len;
	struct span piece = span_of(rest->p, len);

	*rest = span_from(*rest, len + 1);
	return piece;
}

uint64_t span_hash(struct span a)
{
	return XXH3_64bits(a.len ? (const void *)a.p : "", a.len);
}
