/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the log as native clients are told them, and whose they are. What one looks like on the
 * wire: test_frame_write.c. */
#include "gateway/telling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SESSION UINT64_C(0xfedcba9876543210)

static struct buf text;

static int open_text(void **state)
{
	(void)state;
	buf_init(&text, 1 << 16);
	return 0;
}

static int close_text(void **state)
{
	(void)state;
	buf_fini(&text);
	return 0;
}

/* ---- producers ---- */

static void producer_is_read_as_the_session_that_it_was_written_for(void **state)
{
	static const uint64_t ids[] = {1, 0x0123456789abcdef, SESSION, UINT64_MAX};
	char producer[PRODUCER_LEN + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		producer_write((session_id){ids[i]}, producer);
		assert_int_equal(strlen(producer), PRODUCER_LEN);
		assert_int_equal(producer_read(span_str(producer)).v, ids[i]);
	}
	producer_write((session_id){SESSION}, producer);
	assert_string_equal(producer, "sfedcba9876543210");
}

static void what_is_no_producer_of_a_session_is_an_applications(void **state)
{
	static const char *const others[] = {
		"",
		"s",
		"fedcba9876543210",   /* a gateway's */
		"sfedcba987654321",   /* short */
		"sfedcba98765432100", /* long */
		"tfedcba9876543210",
		"Sfedcba9876543210",
		"sFEDCBA9876543210",
		"sgedcba9876543210",
		"sfedcba987654321:", /* after the digits, before the letters, and so on */
		"sfedcba987654321/",
		"sfedcba987654321`",
		"sfedcba987654321q",
		"sfedcba987654321@",
		"s fedcba987654321",
		"s-edcba9876543210",
		"sfedcba98765432\xc3\xa4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(producer_read(span_str(others[i])).v, 0);
	assert_int_equal(producer_read(SPAN("sfedcba987654321\0")).v, 0);
}

/* ---- one event ---- */

static struct item_stored stored(uint64_t shape, const char *body)
{
	return (struct item_stored){
		.seq = 7,
		.producer = SPAN("sfedcba9876543210"),
		.pseq = 3,
		.type = SPAN("saved"),
		.actor = SPAN("u1"),
		.name = SPAN("Ann"),
		.at_ms = 1764003931123,
		.shape = shape,
		.body = span_str(body),
	};
}

static void event_says_who_what_and_when(void **state)
{
	struct item_stored e = stored(SHAPE_DATA, "{\"data\":1,\"type\":\"x\"}");

	(void)state;
	struct told_event told = telling_of(&e, &text);

	assert_int_equal(told.seq, 7);
	assert_int_equal(told.at, 1764003931123);
	assert_true(span_is(told.event, "saved"));
	assert_true(span_is(told.from.id, "u1"));
	assert_true(span_is(told.from.name, "Ann"));
	assert_int_equal(told.from.session, SESSION);
	assert_true(span_is(told.data, "{\"data\":1,\"type\":\"x\"}")); /* byte for byte */
	assert_int_equal(told.n, 0);
	assert_false(told.replay);
}

static void event_of_v0_is_told_by_what_its_message_says(void **state)
{
	static const struct {
		const char *body, *event, *data;
	} rows[] = {
		{"{\"type\":\"note\",\"userId\":\"u1\",\"data\":{\"a\":1}}", "note", "{\"a\":1}"},
		{"{\"type\":\"a\\u0062c\",\"data\":null}", "abc", "null"},
		{"{\"data\":[1]}", "saved", "[1]"},
		{"{\"type\":\"\",\"data\":1}", "saved", "1"},
		{"{\"type\":5,\"data\":1}", "saved", "1"},
		{"{\"text\":\"hi\"}", "saved", "{\"text\":\"hi\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct item_stored e = stored(SHAPE_V0, rows[i].body);
		struct told_event told = telling_of(&e, &text);

		assert_true(span_is(told.event, rows[i].event));
		assert_true(span_is(told.data, rows[i].data));
	}
}

/* The scratch is shared by the events of a page. */
static void event_is_not_told_by_the_name_of_the_one_before(void **state)
{
	struct item_stored v0 = stored(SHAPE_V0, "{\"type\":\"note\",\"data\":1}"),
			   native = stored(SHAPE_DATA, "2");

	(void)state;
	(void)telling_of(&v0, &text);

	assert_true(span_is(telling_of(&native, &text).event, "saved"));
}

static void event_that_just_comes_is_told_as_the_log_has_it(void **state)
{
	const struct msg_event m = {
		.room = SPAN("submission:s1"),
		.seq = 7,
		.relay = 99,
		.producer = SPAN("p"),
		.pseq = 3,
		.type = SPAN("saved"),
		.actor = SPAN("u1"),
		.at_ms = 5,
		.body = SPAN("1"),
		.name = SPAN("Ann"),
		.shape = SHAPE_DATA,
		.session = 4,
	};

	(void)state;
	struct item_stored e = telling_stored(&m);
	struct buf here, there;

	buf_init(&here, 4096);
	buf_init(&there, 4096);
	item_put_stored(&here, &e);
	item_put_stored(&there, &(struct item_stored){.seq = 7,
						      .producer = SPAN("p"),
						      .pseq = 3,
						      .type = SPAN("saved"),
						      .actor = SPAN("u1"),
						      .name = SPAN("Ann"),
						      .at_ms = 5,
						      .shape = SHAPE_DATA,
						      .body = SPAN("1")});
	assert_true(span_eq(buf_span(&here), buf_span(&there)));
	buf_fini(&here);
	buf_fini(&there);
}

/* ---- pages ---- */

static void put_page(struct buf *out, const char *body, unsigned count)
{
	struct buf items;

	buf_init(&items, 1 << 16);
	for (unsigned i = 0; i < count; i++) {
		struct item_stored e = stored(SHAPE_DATA, body);

		e.seq += i;
		item_put_stored(&items, &e);
	}
	telling_put_history(out, SPAN("submission:s1"),
			    &(struct msg_history){
				    .first = 2, .head = 20, .more = 1, .events = buf_span(&items)});
	buf_fini(&items);
}

static const char *said(void)
{
	buf_put_u8(&text, 0);
	return (const char *)text.p;
}

static void page_keeps_the_order_of_the_log(void **state)
{
	const char *at;

	(void)state;
	put_page(&text, "1", 4);

	assert_false(text.over);
	at = said();
	for (unsigned seq = 7; seq < 11; seq++) {
		char want[32];

		snprintf(want, sizeof want, "{\"seq\":%u,", seq);
		at = strstr(at, want);
		assert_non_null(at);
	}
	assert_null(strstr(at + 1, "{\"seq\":"));
	assert_non_null(strstr(at, "],\"first\":2,\"head\":20,\"more\":true}"));
}

static void empty_page_says_how_far_the_log_goes(void **state)
{
	(void)state;
	telling_put_history(&text, SPAN("submission:s1"),
			    &(struct msg_history){.first = 21, .head = 20});

	assert_string_equal(said(),
			    "{\"type\":\"history\",\"room\":\"submission:s1\",\"events\":[],"
			    "\"first\":21,\"head\":20,\"more\":false}");
}

/* Also when what is left without the longest event would fit. */
static void page_that_does_not_fit_says_so(void **state)
{
	struct buf whole, small;
	char body[512];

	(void)state;
	snprintf(body, sizeof body, "\"%0*u\"", (int)sizeof body - 3, 0);
	buf_init(&whole, 1 << 16);
	put_page(&whole, body, 2);
	assert_false(whole.over);
	for (size_t max = 0; max <= whole.len; max++) {
		buf_init(&small, max);
		put_page(&small, body, 2);
		assert_int_equal(small.over, max < whole.len);
		buf_fini(&small);
	}
	buf_fini(&whole);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_text, close_text)
	const struct CMUnitTest tests[] = {
		T(producer_is_read_as_the_session_that_it_was_written_for),
		T(what_is_no_producer_of_a_session_is_an_applications),
		T(event_says_who_what_and_when),
		T(event_of_v0_is_told_by_what_its_message_says),
		T(event_is_not_told_by_the_name_of_the_one_before),
		T(event_that_just_comes_is_told_as_the_log_has_it),
		T(page_keeps_the_order_of_the_log),
		T(empty_page_says_how_far_the_log_goes),
		T(page_that_does_not_fit_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
