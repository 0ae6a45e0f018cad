/* SPDX-License-Identifier: Apache-2.0 */
/* What requests to the HTTP API say, and what they are answered, as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/api.h"
#include "gateway/telling.h"

struct world {
	struct buf scratch, out;
	const char *wrong;
	struct api_publish publish;
	struct api_kick kick;
	struct msg_read page;
};

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	buf_init(&w->scratch, API_SCRATCH_BYTES);
	buf_init(&w->out, 1 << 16);
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	buf_fini(&w->scratch);
	buf_fini(&w->out);
	test_free(w);
	return 0;
}

static enum err read_publish(struct world *w, const char *body)
{
	w->wrong = NULL;
	return api_read_publish(span_str(body), &w->scratch, &w->publish, &w->wrong);
}

static enum err read_kick(struct world *w, const char *body)
{
	w->wrong = NULL;
	return api_read_kick(span_str(body), &w->scratch, &w->kick, &w->wrong);
}

static enum err read_page(struct world *w, const char *query)
{
	buf_fini(&w->scratch);
	buf_init(&w->scratch, EVENT_TYPES_MAX);
	w->wrong = NULL;
	return api_read_page(span_str(query), &w->scratch, &w->page, &w->wrong);
}

static const char *said(struct world *w)
{
	buf_put_u8(&w->out, '\0');
	assert_false(w->out.over);
	return (const char *)w->out.p;
}

static void publish_is_read_whole(void **state)
{
	struct world *w = *state;

	enum err e =
		read_publish(w, " {\"event\":\"saved\",\"data\":{\"field\":\"title\", \"v\":1},"
				"\"actor\":\"u1\",\"name\":\"\\u00c5sa\",\"base\":7,\"x\":0}\n");

	assert_int_equal(e, OK);
	assert_true(span_is(w->publish.event, "saved"));
	assert_true(span_is(w->publish.data, "{\"field\":\"title\", \"v\":1}"));
	assert_true(span_is(w->publish.actor, "u1"));
	assert_true(span_is(w->publish.name, "\xc3\x85sa"));
	assert_true(span_is(w->publish.field, "title"));
	assert_int_equal(w->publish.base, 8);
}

static void publish_needs_a_name_and_data_only(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_publish(w, "{\"event\":\"a\",\"data\":null}"), OK);

	assert_true(span_is(w->publish.data, "null"));
	assert_int_equal(w->publish.base, 0);
	assert_int_equal(w->publish.actor.len + w->publish.name.len + w->publish.field.len, 0);
}

static void bad_publish_says_what_is_wrong(void **state)
{
	static const struct {
		const char *body;
		enum err err;
		const char *wrong;
	} rows[] = {
		{"", ERR_BAD_JSON, NULL},
		{"{", ERR_BAD_JSON, NULL},
		{"[]", ERR_BAD_TYPE, NULL},
		{"{\"event\":\"\xff\"}", ERR_BAD_UTF8, NULL},
		{"{\"data\":1}", ERR_BAD_FIELD, "event"},
		{"{\"event\":\"a,b\",\"data\":1}", ERR_BAD_FIELD, "event"},
		{"{\"event\":1,\"data\":1}", ERR_BAD_FIELD, "event"},
		{"{\"event\":\"a\"}", ERR_BAD_FIELD, "data"},
		{"{\"event\":\"a\",\"data\":1,\"actor\":7}", ERR_BAD_FIELD, "actor"},
		{"{\"event\":\"a\",\"data\":1,\"name\":\"\\u0001\"}", ERR_BAD_FIELD, "name"},
		{"{\"event\":\"a\",\"data\":1,\"base\":-1}", ERR_BAD_FIELD, "base"},
		{"{\"event\":\"a\",\"data\":1,\"base\":\"1\"}", ERR_BAD_FIELD, "base"},
		{"{\"event\":\"a\",\"data\":1,\"data\":2}", ERR_BAD_FIELD, "data"},
		{"{\"event\":\"a\",\"data\":{\"field\":\"\\n\"}}", ERR_BAD_FIELD, "data.field"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_publish(w, rows[i].body), rows[i].err);
		if (rows[i].wrong)
			assert_string_equal(w->wrong, rows[i].wrong);
	}
}

static void kick_names_a_user_or_a_session(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_kick(w, "{\"user\":\"u1\",\"reason\":\"spam\"}"), OK);
	assert_true(span_is(w->kick.user, "u1"));
	assert_true(span_is(w->kick.reason, "spam"));
	assert_int_equal(w->kick.session, 0);
	assert_int_equal(read_kick(w, "{\"session\":\"00000001000000fe\"}"), OK);
	assert_int_equal(w->kick.session, 0x1000000fe);
	assert_int_equal(w->kick.user.len, 0);
}

static void bad_kick_says_what_is_wrong(void **state)
{
	static const struct {
		const char *body, *wrong;
	} rows[] = {
		{"{}", "user"},
		{"{\"user\":\"u1\",\"session\":\"00000001000000fe\"}", "user"},
		{"{\"user\":\"\"}", "user"},
		{"{\"session\":\"fe\"}", "session"},
		{"{\"session\":\"00000001000000FE\"}", "session"},
		{"{\"session\":\"0000000000000000\"}", "session"},
		{"{\"session\":5}", "session"},
		{"{\"user\":\"u1\",\"reason\":5}", "reason"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_kick(w, rows[i].body), ERR_BAD_FIELD);
		assert_string_equal(w->wrong, rows[i].wrong);
	}
}

static void page_is_read_from_the_query(void **state)
{
	struct world *w = *state;

	assert_int_equal(read_page(w, ""), OK);
	assert_int_equal(w->page.after + w->page.before + w->page.types.len, 0);
	assert_int_equal(w->page.limit, READ_LIMIT_DEFAULT);
	assert_int_equal(read_page(w, "after=5&type=a,b&limit=2&type=c%20d&x=1"), OK);
	assert_int_equal(w->page.after, 5);
	assert_int_equal(w->page.limit, 2);
	assert_true(span_is(w->page.types, "a,b,c d"));
	assert_int_equal(read_page(w, "before=9"), OK);
	assert_int_equal(w->page.before, 9);
}

static void bad_page_says_what_is_wrong(void **state)
{
	static const struct {
		const char *query, *wrong;
	} rows[] = {
		{"after=x", "after"},           {"after=", "after"},
		{"after=-1", "after"},          {"before=0", "before"},
		{"after=1&before=5", "before"}, {"limit=0", "limit"},
		{"limit=501", "limit"},         {"type=", "type"},
		{"type=a,,b", "type"},          {"type=a,", "type"},
		{"type=%00", "type"},           {"type=%ff", "type"},
		{"type=%zz", "type"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_page(w, rows[i].query), ERR_BAD_FIELD);
		assert_string_equal(w->wrong, rows[i].wrong);
	}
}

static void idempotency_key_is_visible_and_bounded(void **state)
{
	char longest[API_IDEMPOTENCY_MAX + 1];

	(void)state;
	memset(longest, 'k', sizeof longest);
	assert_true(api_is_idempotency_key(SPAN("8e03978e-40d5-43dd-bc93-6894a57f9324")));
	assert_true(api_is_idempotency_key(span_of(longest, API_IDEMPOTENCY_MAX)));
	assert_false(api_is_idempotency_key(span_of(longest, API_IDEMPOTENCY_MAX + 1)));
	assert_false(api_is_idempotency_key(SPAN("")));
	assert_false(api_is_idempotency_key(SPAN("a b")));
	assert_false(api_is_idempotency_key(SPAN("\xc3\xa9")));
}

static void problem_says_its_code_in_lower_case(void **state)
{
	struct world *w = *state;

	api_put_problem(&w->out, &(struct api_problem){
					 .err = ERR_BAD_FIELD, .field = "base", .trace = 0xab});
	buf_put_u8(&w->out, '\n');
	api_put_problem(&w->out, &(struct api_problem){.err = ERR_CONFLICT,
						       .seq = 9,
						       .body = SPAN("{\"v\":1}"),
						       .trace = 1});
	buf_put_u8(&w->out, '\n');
	api_put_problem(&w->out, &(struct api_problem){.err = ERR_OVERLOADED,
						       .retry_after_ns = 250 * NS_PER_MS,
						       .trace = 1});

	assert_string_equal(
		said(w),
		"{\"error\":{\"code\":\"bad_field\",\"reason\":\"a field of the message is missing "
		"or "
		"not what it has to be\",\"field\":\"base\",\"trace\":\"00000000000000ab\"}}\n"
		"{\"error\":{\"code\":\"conflict\",\"reason\":\"something newer is stored than "
		"what "
		"this was based "
		"on\",\"trace\":\"0000000000000001\",\"seq\":9,\"data\":{\"v\":1}}}\n"
		"{\"error\":{\"code\":\"overloaded\",\"reason\":\"this server is full: try again "
		"later\",\"retry_after_ms\":250,\"trace\":\"0000000000000001\"}}");
}

static void history_shows_events_of_both_shapes_alike(void **state)
{
	struct world *w = *state;
	struct buf items;

	buf_init(&items, 4096);
	item_put_stored(&items, &(struct item_stored){.seq = 1,
						      .type = SPAN("saved"),
						      .actor = SPAN("u1"),
						      .name = SPAN("Ann"),
						      .at_ms = 1000,
						      .shape = SHAPE_DATA,
						      .body = SPAN("[1]")});
	item_put_stored(&items, &(struct item_stored){.seq = 2,
						      .type = SPAN("broadcast"),
						      .shape = SHAPE_V0,
						      .body = SPAN("{\"type\":\"x\",\"data\":5,"
								   "\"type\":\"note\"}")});
	item_put_stored(&items, &(struct item_stored){.seq = 3,
						      .type = SPAN("broadcast"),
						      .shape = SHAPE_V0,
						      .body = SPAN("{\"text\":\"hi\"}")});

	telling_put_history(&w->out, SPAN("submission:s1"),
			    &(struct msg_history){
				    .first = 1, .head = 3, .more = 1, .events = buf_span(&items)});

	assert_string_equal(
		said(w), "{\"type\":\"history\",\"room\":\"submission:s1\",\"events\":["
			 "{\"seq\":1,\"event\":\"saved\",\"from\":{\"id\":\"u1\",\"name\":\"Ann\"},"
			 "\"data\":[1],\"at\":\"1970-01-01T00:00:01.000Z\"},"
			 "{\"seq\":2,\"event\":\"note\",\"from\":{\"id\":\"\",\"name\":\"\"},"
			 "\"data\":5,\"at\":\"1970-01-01T00:00:00.000Z\"},"
			 "{\"seq\":3,\"event\":\"broadcast\",\"from\":{\"id\":\"\",\"name\":\"\"},"
			 "\"data\":{\"text\":\"hi\"},\"at\":\"1970-01-01T00:00:00.000Z\"}],"
			 "\"first\":1,\"head\":3,\"more\":true}");
	buf_fini(&items);
}

static void members_are_users_with_their_connections(void **state)
{
	struct world *w = *state;
	struct roster roster;
	bool first;

	roster_init(&roster);
	(void)roster_put(
		&roster,
		&(struct item_member){.session = 1, .user = SPAN("u1"), .name = SPAN("Ann")},
		(incarnation_id){0}, &first);
	(void)roster_put(&roster, &(struct item_member){.session = 2, .user = SPAN("u2")},
			 (incarnation_id){0}, &first);
	(void)roster_put(&roster, &(struct item_member){.session = 3, .user = SPAN("u1")},
			 (incarnation_id){0}, &first);

	api_put_members(&w->out, &roster);

	const char *text = said(w);
	assert_non_null(strstr(text,
			       "{\"id\":\"u1\",\"name\":\"Ann\",\"email\":\"\",\"connections\":"
			       "[{\"id\":\"0000000000000001\""));
	assert_non_null(strstr(text, "{\"id\":\"0000000000000003\""));
	assert_non_null(strstr(text, "},{\"id\":\"u2\""));
	assert_null(strstr(strstr(text, "\"u2\""), "\"u1\""));
	roster_fini(&roster);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(publish_is_read_whole),
		T(publish_needs_a_name_and_data_only),
		T(bad_publish_says_what_is_wrong),
		T(kick_names_a_user_or_a_session),
		T(bad_kick_says_what_is_wrong),
		T(page_is_read_from_the_query),
		T(bad_page_says_what_is_wrong),
		T(idempotency_key_is_visible_and_bounded),
		T(problem_says_its_code_in_lower_case),
		T(history_shows_events_of_both_shapes_alike),
		T(members_are_users_with_their_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
