/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a client's frame: it is refused, or what goes out to the room is one JSON object that
 * carries the true identity, once, and nothing that could be read as another. */
#include "tests/fuzz/fuzz.h"

#include "common/json.h"
#include "proto/v0.h"

#define OUT_MAX (1u << 24)

static const struct v0_identity who = {
	.kind = ROOM_SUBMISSION,
	.room_id = {(const uint8_t *)"s-1", 3},
	.user = {(const uint8_t *)"u_1", 3},
	.name = {(const uint8_t *)"A \"B\"", 5},
	.email = {(const uint8_t *)"a@x", 3},
};

/* How often the name comes among the members; `*value`: the last one. */
static unsigned count_members(struct span object, const char *wanted, struct span *value)
{
	struct span name, found;
	size_t at = 0;
	unsigned count = 0;

	while (json_member(object, &at, &name, &found))
		if (json_name_is(name, wanted)) {
			count++;
			*value = found;
		}
	return count;
}

static void check_identity(struct span object)
{
	static const struct {
		const char *name, *value;
	} expected[] = {
		{"userId", "\"u_1\""},
		{"userName", "\"A \\\"B\\\"\""},
		{"userEmail", "\"a@x\""},
		{"submissionId", "\"s-1\""},
		{"timestamp", "\"2026-11-23T16:45:31.123Z\""},
	};
	struct span value;

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		must(count_members(object, expected[i].name, &value) == 1);
		must(span_is(value, expected[i].value));
	}
	must(count_members(object, "documentId", &value) == 0);
	must(count_members(object, "type", &value) <= 1);
	must(count_members(object, "seq", &value) == 0);
}

static void check_stamped(struct span text, bool is_frame, enum v0_type type)
{
	struct buf out, again, numbered;
	enum json_kind kind;
	enum v0_type same;
	struct span value;

	buf_init(&out, OUT_MAX);
	buf_init(&again, OUT_MAX);
	buf_init(&numbered, OUT_MAX);
	must(v0_put_broadcast(&out, text, &who, INT64_C(1795452331123)) == OK);
	must(json_check(buf_span(&out), &kind) == OK && kind == JSON_OBJECT);
	check_identity(buf_span(&out));
	v0_put_stamped(&again, buf_span(&out), &who, INT64_C(1795452331123));
	must(span_eq(buf_span(&out), buf_span(&again)));
	if (is_frame)
		must(v0_read(buf_span(&out), &same) == OK && same == type);
	v0_put_seq(&numbered, buf_span(&out), 7);
	must(json_check(buf_span(&numbered), &kind) == OK && kind == JSON_OBJECT);
	must(count_members(buf_span(&numbered), "seq", &value) == 1 && span_is(value, "7"));
	buf_fini(&out);
	buf_fini(&again);
	buf_fini(&numbered);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct span text = span_of(p, len);
	enum v0_type type;
	enum json_kind kind;

	if (!json_is_utf8(text))
		return 0; /* never reaches v0_read: the WebSocket was closed */
	enum err e = v0_read(text, &type);
	must(e != OK || v0_rows[type].action != V0_DO_REFUSE);
	must(e == OK || e == ERR_BAD_JSON || e == ERR_TOO_DEEP || e == ERR_BAD_TYPE);
	if (json_check(text, &kind) == OK && kind == JSON_OBJECT)
		check_stamped(text, e == OK, type);
	return 0;
}
