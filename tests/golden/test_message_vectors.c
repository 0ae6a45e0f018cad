/* SPDX-License-Identifier: Apache-2.0 */
/* Golden records (message.jsonl, the argument) must read back as the fields beside them say, for
 * ever: a line that was released may never fail here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/message.h"

static const char *vectors_path;

/* ---- fields, shown as the vectors print them ---- */

static void put_u64(struct buf *out, uint64_t v)
{
	buf_put_u8(out, '"');
	buf_put_u64_text(out, v);
	buf_put_u8(out, '"');
}

static void put_blob(struct buf *out, struct span bytes)
{
	buf_put_u8(out, '"');
	for (size_t i = 0; i < bytes.len; i++)
		buf_printf(out, "%02x", bytes.p[i]);
	buf_put_u8(out, '"');
}

#define put_text json_put_string
#define put_list_kept put_blob
#define put_list_member put_blob
#define put_list_grant put_blob
#define put_list_stored put_blob

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static void show_##name(struct buf *out, const struct msg_##name *m)                       \
	{                                                                                          \
		const char *before = "{";
#define ITEM(name, doc)                                                                            \
	static void show_##name(struct buf *out, const struct item_##name *m)                      \
	{                                                                                          \
		const char *before = "{";
#define FIELD(kind, name, doc)                                                                     \
	buf_printf(out, "%s\"" #name "\":", before);                                               \
	put_##kind(out, m->name);                                                                  \
	before = ",";
#define END(name)                                                                                  \
	(void)before;                                                                              \
	buf_put_u8(out, '}');                                                                      \
	}
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static void show_message(struct buf *out, const struct message *m)
{
	switch (m->type) {
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	case MESSAGE_##NAME:                                                                       \
		show_##name(out, &m->name);                                                        \
		break;
#define ITEM(name, doc)
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	}
}

static bool show_item(struct buf *out, struct span raw_name, struct span bytes)
{
#define MESSAGE(id, NAME, name, direction, since, doc)
#define ITEM(name, doc)                                                                            \
	if (json_name_is(raw_name, #name)) {                                                       \
		struct item_##name item;                                                           \
		if (!item_next_##name(&bytes, &item))                                              \
			return false;                                                              \
		show_##name(out, &item);                                                           \
		return bytes.len == 0;                                                             \
	}
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	return false;
}

/* ---- lines ---- */

static struct span member_of(struct span object, const char *wanted)
{
	struct span name, value;
	size_t at = 0;

	while (json_member(object, &at, &name, &value))
		if (json_name_is(name, wanted))
			return value;
	return SPAN_NONE;
}

static struct span unquoted(struct span value)
{
	return value.len < 2 ? SPAN_NONE : span_of(value.p + 1, value.len - 2);
}

static void put_unhexed(struct buf *out, struct span hex)
{
	for (size_t i = 0; i + 1 < hex.len; i += 2) {
		unsigned byte = 0;

		assert_int_equal(sscanf((const char *)hex.p + i, "%2x", &byte), 1);
		buf_put_u8(out, (uint8_t)byte);
	}
}

static void check_line(struct span line)
{
	struct buf bytes, fields;
	struct message m = {.type = 0};
	enum json_kind kind;

	buf_init(&bytes, 1 << 16);
	buf_init(&fields, 1 << 16);
	assert_int_equal(json_check(line, &kind), OK);
	put_unhexed(&bytes, unquoted(member_of(line, "bytes")));

	struct span name = unquoted(member_of(line, "message"));
	if (name.p) {
		struct span rest = buf_span(&bytes);
		assert_int_equal(message_next(&rest, &m), OK);
		assert_int_equal(rest.len, 0);
		assert_true(span_is(name, message_name(m.type)));
		show_message(&fields, &m);
	} else {
		name = unquoted(member_of(line, "item"));
		assert_true(show_item(&fields, name, buf_span(&bytes)));
	}
	struct span expected = member_of(line, "fields");
	if (!span_eq(buf_span(&fields), expected))
		fail_msg("%.*s\n  says %.*s\n  read %.*s", SPAN_ARGS(name), SPAN_ARGS(expected),
			 SPAN_ARGS(buf_span(&fields)));
	buf_fini(&bytes);
	buf_fini(&fields);
}

static void every_released_record_reads_as_it_always_did(void **state)
{
	(void)state;
	static char line[1 << 16];
	size_t lines = 0;
	FILE *f = fopen(vectors_path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		check_line(span_of(line, strcspn(line, "\n")));
		lines++;
	}
	fclose(f);
	assert_true(lines > 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_released_record_reads_as_it_always_did),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: %s message.jsonl\n", argv[0]);
		return 2;
	}
	vectors_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
