/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/json.h"

static struct buf strings; /* what the current line's values were unescaped to; never moves */

size_t transcript_check(const char *path, void (*check)(struct span line))
{
	static char line[LINE_BYTES];
	size_t messages = 0;
	enum json_kind kind;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf_init(&strings, 1 << 20);
	while (fgets(line, sizeof(line), f)) {
		struct span text = span_of(line, strcspn(line, "\n"));

		assert_int_equal(json_check(text, &kind), OK);
		buf_clear(&strings);
		assert_non_null(buf_room(&strings, 1 << 18));
		if (!member_of(text, "text").len)
			continue; /* about the connection, not over it */
		check(text);
		messages++;
	}
	buf_fini(&strings);
	fclose(f);
	return messages;
}

struct span member_of(struct span object, const char *wanted)
{
	struct span name, value;
	size_t at = 0;

	while (object.len && json_member(object, &at, &name, &value))
		if (json_name_is(name, wanted))
			return value;
	return SPAN_NONE;
}

struct span text_of(struct span object, const char *wanted)
{
	struct span value = member_of(object, wanted);
	size_t start = strings.len;

	if (!value.len)
		return SPAN_NONE;
	assert_int_equal(json_kind(value), JSON_STRING);
	assert_true(strings.cap - strings.len >= value.len);
	assert_int_equal(json_string(value, &strings), OK);
	return span_of(strings.p + start, strings.len - start);
}

uint64_t number_of(struct span object, const char *name)
{
	struct span value = member_of(object, name);
	uint64_t v = 0;

	for (size_t i = 0; i < value.len; i++) {
		assert_true(value.p[i] >= '0' && value.p[i] <= '9');
		v = v * 10 + (value.p[i] - (uint64_t)'0');
	}
	return v;
}

int64_t time_of(struct span object, const char *name)
{
	struct span text = text_of(object, name);
	struct tm tm = {0};
	int ms;

	assert_int_equal(text.len, 24);
	assert_int_equal(sscanf((const char *)text.p, "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year,
				&tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &ms),
			 7);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

enum err err_of(struct span object, const char *name)
{
	struct span code = text_of(object, name);

	if (code.len == 0)
		return OK;
#define ERR(NAME, number, retryable, http, close, text, hint)                                      \
	if (code.len == sizeof(#NAME) - 1 &&                                                       \
	    strncasecmp((const char *)code.p, #NAME, code.len) == 0)                               \
		return ERR_##NAME;
#include "common/err.def"
#undef ERR
	fail_msg("no such error: %.*s", SPAN_ARGS(code));
	return OK;
}
