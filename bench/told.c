/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/told.h"

#include <string.h>

#include "common/json.h"

#define MARK "\"mark\":\""

static const struct {
	const char *name;
	size_t len, offset;
} fields[] = {
#define FIELD(name)                                                                                \
	{                                                                                          \
#name, sizeof #name - 1, offsetof(struct told, name)                               \
	}
	FIELD(type),     FIELD(room),   FIELD(seq),     FIELD(n),
	FIELD(code),     FIELD(reason), FIELD(data),    FIELD(retry_after_ms),
	FIELD(request),  FIELD(resume), FIELD(resumed), FIELD(ping_ms),
	FIELD(members),  FIELD(joined), FIELD(left),    FIELD(gap),
	FIELD(unlisted), FIELD(count),  FIELD(replay),  FIELD(users),
	FIELD(userId),   FIELD(from),   FIELD(to),      FIELD(id),
#undef FIELD
};

static bool take_number(const uint8_t **at, const uint8_t *end, uint64_t *out);

enum err told_read(struct span text, struct told *m)
{
	enum json_kind kind;
	enum err err = json_check(text, &kind);

	if (err)
		return err;
	if (kind != JSON_OBJECT)
		return ERR_BAD_TYPE;
	told_members(text, m);
	return m->type.len ? OK : ERR_BAD_TYPE;
}

void told_members(struct span object, struct told *m)
{
	struct span name, value;

	memset(m, 0, sizeof *m);
	for (size_t at = 0; json_member(object, &at, &name, &value);)
		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			if (fields[i].len == name.len &&
			    !memcmp(fields[i].name, name.p, name.len)) {
				memcpy((char *)m + fields[i].offset, &value, sizeof value);
				break;
			}
}

bool told_is(struct span value, const char *text)
{
	return span_is(told_text(value), text);
}

struct span told_text(struct span value)
{
	return value.len >= 2 && value.p[0] == '"' ? span_of(value.p + 1, value.len - 2)
						   : SPAN_NONE;
}

uint64_t told_number(struct span value)
{
	const uint8_t *at = value.p;
	uint64_t out = 0;

	return value.len && take_number(&at, value.p + value.len, &out) ? out : 0;
}

void mark_put(struct buf *out, const struct mark *m)
{
	buf_printf(out, MARK "%zu %u %lld\"", m->person, m->number, (long long)m->due_ns);
}

bool mark_find(struct span text, struct mark *m)
{
	const uint8_t *at = text.len ? memmem(text.p, text.len, MARK, sizeof MARK - 1) : NULL;
	const uint8_t *end = text.p + text.len;
	uint64_t values[3];

	if (!at)
		return false;
	at += sizeof MARK - 1;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (!take_number(&at, end, &values[i]) || at == end)
			return false;
		at++; /* the blank, the quote */
	}
	if (values[1] > UINT32_MAX || values[2] > INT64_MAX)
		return false;
	*m = (struct mark){(size_t)values[0], (uint32_t)values[1], (int64_t)values[2]};
	return true;
}

static bool take_number(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
	const uint8_t *first = *at;

	for (*out = 0; *at < end && **at >= '0' && **at <= '9' && *at - first < 19; (*at)++)
		*out = *out * 10 + (uint64_t)(**at - '0');
	return *at > first;
}
