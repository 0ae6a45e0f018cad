/* SPDX-License-Identifier: Apache-2.0 */
/* The internal records: round trips over the whole table, and what a broken or newer peer may send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "proto/record.h"

static struct buf list_kept, list_member, list_grant, list_stored;

/* Values that differ from field to field, so that a swap shows. */
#define FILL_u64(at) (UINT64_C(0x1234567890) * (at) + (at))
#define FILL_text(at) span_str(&"0123456789 \xc3\xa9\xf0\x9f\x99\x82"[(at) % 8])
#define FILL_blob(at) span_of(&"\0\xff{}56789abcdef"[(at) % 8], 8)
#define FILL_list_kept(at) buf_span(&list_kept)
#define FILL_list_member(at) buf_span(&list_member)
#define FILL_list_grant(at) buf_span(&list_grant)
#define FILL_list_stored(at) buf_span(&list_stored)

#define SAME_u64(a, b) assert_int_equal((a), (b))
#define SAME_text(a, b) assert_true(span_eq((a), (b)))
#define SAME_blob SAME_text
#define SAME_list_kept SAME_text
#define SAME_list_member SAME_text
#define SAME_list_grant SAME_text
#define SAME_list_stored SAME_text

static int make_lists(void **state)
{
	(void)state;
	buf_init(&list_kept, 1 << 16);
	buf_init(&list_member, 1 << 16);
	buf_init(&list_grant, 1 << 16);
	buf_init(&list_stored, 1 << 16);
	item_put_kept(&list_kept, &(struct item_kept){SPAN("cursor"), SPAN("{}")});
	item_put_kept(&list_kept, &(struct item_kept){SPAN("typing"), SPAN("{1}")});
	for (uint64_t i = 0; i < 3; i++) {
		item_put_member(&list_member, &(struct item_member){
						      .session = i,
						      .user = SPAN("u"),
						      .kept = buf_span(&list_kept),
					      });
		item_put_grant(&list_grant, &(struct item_grant){i, UINT64_MAX - i});
		item_put_stored(&list_stored, &(struct item_stored){.seq = i, .body = SPAN("{}")});
	}
	return 0;
}

static int free_lists(void **state)
{
	(void)state;
	buf_fini(&list_kept);
	buf_fini(&list_member);
	buf_fini(&list_grant);
	buf_fini(&list_stored);
	return 0;
}

static struct span bytes_of(const void *p, size_t len)
{
	return span_of(p, len);
}
#define BYTES(lit) bytes_of(lit, sizeof(lit) - 1)

static enum err read_one(struct span bytes, struct message *out)
{
	return message_next(&bytes, out);
}

/* fill_x and assert_same_x for each row. */
#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static void fill_##name(struct msg_##name *out)                                            \
	{                                                                                          \
		uint64_t at = 1;
#define ITEM(name, doc)                                                                            \
	static void fill_##name(struct item_##name *out)                                           \
	{                                                                                          \
		uint64_t at = 1;
#define FIELD(kind, name, doc) out->name = FILL_##kind(at), at++;
#define END(name) }
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	static void assert_same_##name(const struct msg_##name *a, const struct msg_##name *b)     \
	{
#define ITEM(name, doc)                                                                            \
	static void assert_same_##name(const struct item_##name *a, const struct item_##name *b)   \
	{
#define FIELD(kind, name, doc) SAME_##kind(a->name, b->name);
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END

static void every_row_reads_back_as_it_was_written(void **state)
{
	(void)state;
	struct buf b;
	struct message m;
	buf_init(&b, 1 << 20);

#define MESSAGE(id, NAME, name, direction, since, doc)                                             \
	{                                                                                          \
		struct msg_##name in;                                                              \
		fill_##name(&in);                                                                  \
		buf_clear(&b);                                                                     \
		message_put_##name(&b, &in);                                                       \
		assert_int_equal(read_one(buf_span(&b), &m), OK);                                  \
		assert_int_equal(m.type, MESSAGE_##NAME);                                          \
		assert_same_##name(&in, &m.name);                                                  \
	}
#define ITEM(name, doc)                                                                            \
	{                                                                                          \
		struct item_##name in, out;                                                        \
		fill_##name(&in);                                                                  \
		buf_clear(&b);                                                                     \
		item_put_##name(&b, &in);                                                          \
		struct span rest = buf_span(&b);                                                   \
		assert_true(item_next_##name(&rest, &out));                                        \
		assert_same_##name(&in, &out);                                                     \
		assert_false(item_next_##name(&rest, &out));                                       \
	}
#define FIELD(kind, name, doc)
#define END(name)
#include "proto/message.def"
#undef MESSAGE
#undef ITEM
#undef FIELD
#undef END
	buf_fini(&b);
}

static void records_follow_each_other_in_one_buffer(void **state)
{
	(void)state;
	struct buf b;
	struct message m;
	buf_init(&b, 1 << 20);
	message_put_solicit(&b, &(struct msg_solicit){SPAN("document:1")});
	message_put_held(&b, &(struct msg_held){77});

	struct span rest = buf_span(&b);
	assert_int_equal(message_next(&rest, &m), OK);
	assert_int_equal(m.type, MESSAGE_SOLICIT);
	assert_true(span_is(m.solicit.room, "document:1"));
	assert_int_equal(message_next(&rest, &m), OK);
	assert_int_equal(m.held.move, 77);
	assert_int_equal(rest.len, 0);
	buf_fini(&b);
}

static void missing_trailing_fields_read_as_zero_or_empty(void **state)
{
	(void)state;
	struct message m;

	assert_int_equal(read_one(BYTES("\x92\x0a\xa1r"), &m), OK); /* ATTACH, the room alone */
	assert_int_equal(m.type, MESSAGE_ATTACH);
	assert_true(span_is(m.attach.room, "r"));
	assert_int_equal(m.attach.epoch, 0);
	assert_int_equal(m.attach.members.len, 0);
	struct item_member none;
	assert_false(item_next_member(&m.attach.members, &none));
	assert_non_null(m.attach.members.p);
}

static void further_fields_of_any_form_are_ignored(void **state)
{
	(void)state;
	struct message m;

	/* SOLICIT and then: nil, true, -1, 1.5, {1: [2]}, an extension, 20 small numbers */
	assert_int_equal(read_one(BYTES("\xdc\x00\x1c\x0e\xa1r\xc0\xc3\xff\xcb\x3f\xf8\0\0\0\0\0\0"
					"\x81\x01\x91\x02\xd4\x01\x02"
					"\0\1\2\3\4\5\6\7\1\1\1\1\1\1\1\1\1\1\1\1"),
				  &m),
			 OK);
	assert_int_equal(m.type, MESSAGE_SOLICIT);
	assert_true(span_is(m.solicit.room, "r"));
}

static void unknown_record_is_skipped(void **state)
{
	(void)state;
	struct message m;
	struct span rest = BYTES("\x92\xcd\x0f\xff\xa1x\x92\x33\x05"); /* 4095, then HELD */

	assert_int_equal(message_next(&rest, &m), OK);
	assert_int_equal(m.type, 0);
	assert_int_equal(message_next(&rest, &m), OK);
	assert_int_equal(m.type, MESSAGE_HELD);
	assert_int_equal(m.held.move, 5);
}

static void what_is_no_record_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
#define BAD(lit) {lit, sizeof(lit) - 1}
		BAD("\x90"),                     /* no id */
		BAD("\x91\xa1x"),                /* an id that is text */
		BAD("\x91\xff"),                 /* a negative id */
		BAD("\x05"),                     /* no array */
		BAD("\x81\x01\x02"),             /* a map */
		BAD("\xc1"),                     /* never used by msgpack */
		BAD("\x92\x0e\x05"),             /* SOLICIT with a number for its room */
		BAD("\x92\x0e\xc4\x01r"),        /* and with a blob */
		BAD("\x92\x0e\xc0"),             /* and with nil */
		BAD("\x92\x33\xff"),             /* HELD with -1 */
		BAD("\x92\x33\xa1x"),            /* HELD with text */
		BAD("\x92\x0e\xa2\xc3("),        /* text that is not UTF-8 */
		BAD("\x92\x0e\xa3\xed\xa0\x80"), /* a surrogate */
		BAD("\x93\x0e\xa1r\x91\x91\x91\x91\x91\x01"), /* too deep */
		BAD("\xdd\xff\x00\x00\x00"), /* five bytes that promise four billion elements */
		BAD("\x92\x0e\xdd\x7f\xff\xff\xff"),
		BAD("\x92\x0e\xdf\xff\xff\xff\xff"),
		BAD("\x92\x0e\xdb\xff\xff\xff\xff"),
		BAD("\x92\x0e\xc9\xff\xff\xff\xff\x01"),
		BAD("\x93\x14\xa1r\xc4\x01\x05"),     /* JOIN whose list holds no member */
		BAD("\x93\x14\xa1r\xc4\x02\x91\xa0"), /* a member whose session is text */
		BAD("\x93\x14\xa1r\xc4\x0c\x98\1\1\xa0\xa0\xa0\0\0\xc4\x02\x91\x05"), /* its kept
											 key */
	};
	struct message m;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_one(span_of(bad[i].bytes, bad[i].len), &m) != ERR_BAD_MESSAGE)
			fail_msg("row %zu was taken", i);
}

static void no_beginning_of_a_record_is_a_record(void **state)
{
	(void)state;
	struct buf b;
	struct message m;
	buf_init(&b, 1 << 20);
	message_put_answer(&b, &(struct msg_answer){300, 20, buf_span(&list_member)});

	for (size_t len = 1; len < b.len; len++)
		assert_int_equal(read_one(span_of(b.p, len), &m), ERR_BAD_MESSAGE);
	assert_int_equal(read_one(buf_span(&b), &m), OK);
	buf_fini(&b);
}

static void record_that_does_not_fit_is_taken_back_whole(void **state)
{
	(void)state;
	struct buf b;
	struct message m;
	buf_init(&b, 64);
	static uint8_t body[100];
	message_put_held(&b, &(struct msg_held){1});
	size_t len = b.len;

	message_put_cast(&b, &(struct msg_cast){.room = SPAN("submission:1"),
						.body = span_of(body, sizeof(body))});

	assert_true(b.over);
	assert_int_equal(b.len, len);
	assert_int_equal(read_one(buf_span(&b), &m), OK);
	buf_fini(&b);
}

static void names_are_those_of_the_table(void **state)
{
	(void)state;
	assert_string_equal(message_name(MESSAGE_CAST_OUT), "CAST_OUT");
	assert_string_equal(message_name(0), "UNKNOWN");
	assert_string_equal(message_name((enum message_type)250), "UNKNOWN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_reads_back_as_it_was_written),
		cmocka_unit_test(records_follow_each_other_in_one_buffer),
		cmocka_unit_test(missing_trailing_fields_read_as_zero_or_empty),
		cmocka_unit_test(further_fields_of_any_form_are_ignored),
		cmocka_unit_test(unknown_record_is_skipped),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(no_beginning_of_a_record_is_a_record),
		cmocka_unit_test(record_that_does_not_fit_is_taken_back_whole),
		cmocka_unit_test(names_are_those_of_the_table),
	};
	return cmocka_run_group_tests(tests, make_lists, free_lists);
}
