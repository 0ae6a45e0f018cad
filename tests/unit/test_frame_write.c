/* SPDX-License-Identifier: Apache-2.0 */
/* What native clients are told: the exact text of every row, with and without what may be left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/frame.h"

#define AT_MS INT64_C(1764003931123)
#define AT "2025-11-24T17:05:31.123Z"
#define ROOM SPAN("submission:s-1")
#define ROOM_TEXT "\"room\":\"submission:s-1\""
#define ANN ((struct told_from){.id = SPAN("u1"), .name = SPAN("Ann \"B\""), .session = 0xabc})
#define ANN_TEXT                                                                                   \
	"\"from\":{\"id\":\"u1\",\"name\":\"Ann \\\"B\\\"\",\"session\":\"0000000000000abc\"}"

static struct buf text;

static int set_up(void **state)
{
	(void)state;
	buf_init(&text, 1 << 16);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_fini(&text);
	return 0;
}

static void assert_text(const char *expected)
{
	enum json_kind kind;

	assert_int_equal(json_check(buf_span(&text), &kind), OK);
	assert_int_equal(kind, JSON_OBJECT);
	buf_put_u8(&text, 0);
	assert_false(text.over);
	assert_string_equal((const char *)text.p, expected);
	buf_clear(&text);
}

static void welcome_tells_who_and_how_much(void **state)
{
	(void)state;
	struct told_welcome m = {
		.session = UINT64_C(0xfedcba9876543210),
		.resume = SPAN("r-1"),
		.user = {.id = SPAN("u1"), .name = SPAN("Ann"), .email = SPAN("a@x.org")},
		.ping_ms = 30000,
		.limits = {.message = 2097152, .rate = 50, .rooms = 64, .pending = 64},
	};

	frame_put_welcome(&text, &m);
	assert_text(
		"{\"type\":\"welcome\",\"session\":\"fedcba9876543210\",\"resume\":\"r-1\","
		"\"user\":{\"id\":\"u1\",\"name\":\"Ann\",\"email\":\"a@x.org\"},\"ping_ms\":30000,"
		"\"limits\":{\"message\":2097152,\"rate\":50,\"rooms\":64,\"pending\":64},"
		"\"resumed\":false}");
}

static void joined_has_a_gap_only_when_there_is_one(void **state)
{
	(void)state;
	struct told_joined m = {.room = ROOM, .role = SPAN("editor")};

	frame_put_joined(&text, &m);
	assert_text("{\"type\":\"joined\"," ROOM_TEXT
		    ",\"role\":\"editor\",\"members\":[],\"count\":0}");
	m.seq = 9;
	m.gap = (struct told_gap){.from = 1, .to = 4};
	frame_put_joined(&text, &m);
	assert_text("{\"type\":\"joined\"," ROOM_TEXT
		    ",\"seq\":9,\"role\":\"editor\",\"members\":[],\"count\":0,"
		    "\"gap\":{\"from\":1,\"to\":4}}");
}

static void left_and_refused_leave_out_what_there_is_not(void **state)
{
	(void)state;
	frame_put_left(&text, &(struct told_left){.room = ROOM});
	assert_text("{\"type\":\"left\"," ROOM_TEXT "}");
	frame_put_left(&text, &(struct told_left){
				      .room = ROOM, .code = ERR_KICKED, .reason = SPAN("out")});
	assert_text("{\"type\":\"left\"," ROOM_TEXT ",\"code\":\"kicked\",\"reason\":\"out\"}");

	struct told_refused m = {.code = ERR_BAD_JSON, .reason = SPAN("no"), .trace = 1};
	frame_put_refused(&text, &m);
	assert_text("{\"type\":\"refused\",\"code\":\"bad_json\",\"reason\":\"no\","
		    "\"trace\":\"0000000000000001\"}");
}

static void conflict_says_what_is_newer(void **state)
{
	(void)state;
	struct told_refused m = {.request = SPAN("publish"),
				 .room = ROOM,
				 .n = 3,
				 .code = ERR_CONFLICT,
				 .reason = SPAN("newer"),
				 .retry_after_ms = 250,
				 .trace = 1,
				 .seq = 8,
				 .data = SPAN("{\"field\":\"title\"}")};

	frame_put_refused(&text, &m);
	assert_text("{\"type\":\"refused\",\"request\":\"publish\"," ROOM_TEXT
		    ",\"n\":3,\"code\":\"conflict\",\"reason\":\"newer\",\"retry_after_ms\":250,"
		    "\"trace\":\"0000000000000001\",\"seq\":8,\"data\":{\"field\":\"title\"}}");
}

static void event_names_its_author_n_and_replay_only_when_asked(void **state)
{
	(void)state;
	struct told_event m = {.room = ROOM,
			       .seq = 7,
			       .event = SPAN("saved"),
			       .from = ANN,
			       .data = SPAN("[1.0, 2]"),
			       .at = AT_MS};

	frame_put_event(&text, &m);
#define EVENT_TEXT                                                                                 \
	"{\"type\":\"event\"," ROOM_TEXT ",\"seq\":7,\"event\":\"saved\"," ANN_TEXT                \
	",\"data\":[1.0, 2],\"at\":\"" AT "\""
	assert_text(EVENT_TEXT "}");
	m.n = 3;
	frame_put_event(&text, &m);
	assert_text(EVENT_TEXT ",\"n\":3}");
	m.n = 0;
	m.replay = true;
	frame_put_event(&text, &m);
	assert_text(EVENT_TEXT ",\"replay\":true}");
}

static void cast_of_the_application_has_no_session(void **state)
{
	(void)state;
	struct told_cast m = {
		.room = ROOM, .key = SPAN("cursor"), .from = ANN, .data = SPAN("null")};

	frame_put_cast(&text, &m);
	assert_text("{\"type\":\"cast\"," ROOM_TEXT ",\"key\":\"cursor\"," ANN_TEXT
		    ",\"data\":null,\"after\":0}");
	m.from.session = 0;
	m.after = 5;
	frame_put_cast(&text, &m);
	assert_text(
		"{\"type\":\"cast\"," ROOM_TEXT ",\"key\":\"cursor\","
		"\"from\":{\"id\":\"u1\",\"name\":\"Ann \\\"B\\\"\"},\"data\":null,\"after\":5}");
}

static void put(struct roster *r, const char *user, uint64_t session, struct span kept)
{
	bool first;
	struct item_member m = {.session = session,
				.conn_gen = 1,
				.user = span_str(user),
				.name = span_str(user),
				.email = SPAN("e@x"),
				.since_ms = (uint64_t)AT_MS + session};
	struct roster_entry *e = roster_put(r, &m, (incarnation_id){1}, &first);

	kept_put(&e->kept, SPAN("typing"), SPAN("{\"type\":\"typing_start\",\"data\":{\"on\":1}}"));
	if (kept.len)
		kept_put(&e->kept, SPAN(ROSTER_STATE_KEY), kept);
}

static void presence_lists_users_with_their_connections(void **state)
{
	(void)state;
	struct roster roster;
	struct buf joined, left;

	roster_init(&roster);
	buf_init(&joined, 1 << 12);
	buf_init(&left, 1 << 12);
	put(&roster, "ann", 1, SPAN("{\"mode\":\"edit\"}"));
	put(&roster, "ann", 2, SPAN_NONE);
	put(&roster, "bo", 3, SPAN_NONE);
	frame_add_roster_user(&joined, roster_find(&roster, (session_id){1})->user);
	frame_add_roster_user(&joined, roster_find(&roster, (session_id){3})->user);
	frame_add_gone(&left, &(struct told_gone){.id = SPAN("c\"1")});
	frame_add_gone(&left, &(struct told_gone){.id = SPAN("d")});
	frame_put_presence(&text, &(struct told_presence){.room = ROOM,
							  .joined = buf_span(&joined),
							  .left = buf_span(&left)});
	assert_text("{\"type\":\"presence\"," ROOM_TEXT ",\"joined\":["
		    "{\"id\":\"ann\",\"name\":\"ann\",\"email\":\"e@x\",\"connections\":["
		    "{\"id\":\"0000000000000001\",\"since\":\"2025-11-24T17:05:31.124Z\","
		    "\"state\":{\"mode\":\"edit\",\"typing\":{\"on\":1}}},"
		    "{\"id\":\"0000000000000002\",\"since\":\"2025-11-24T17:05:31.125Z\",\"state\":"
		    "{\"typing\":{\"on\":1}}}]},"
		    "{\"id\":\"bo\",\"name\":\"bo\",\"email\":\"e@x\",\"connections\":["
		    "{\"id\":\"0000000000000003\",\"since\":\"2025-11-24T17:05:31.126Z\",\"state\":"
		    "{\"typing\":{\"on\":1}}}]}],"
		    "\"left\":[{\"id\":\"c\\\"1\"},{\"id\":\"d\"}],\"changed\":[]}");
	buf_fini(&joined);
	buf_fini(&left);
	roster_fini(&roster);
}

static bool has(const struct buf *list, const char *part)
{
	return memmem(list->p, list->len, part, strlen(part));
}

/* Its editor keeps the old client's marks and its own state at once. */
static void what_state_and_a_kept_message_both_name_comes_once(void **state)
{
	(void)state;
	struct roster roster;
	struct buf list;

	roster_init(&roster);
	buf_init(&list, 1 << 12);
	put(&roster, "ann", 1, SPAN("{\"typin\\u0067\":2,\"k\":{\"typing\":3}}"));
	put(&roster, "bo", 2, SPAN("{\"k\":{\"typing\":3}}"));
	frame_add_roster_user(&list, roster_find(&roster, (session_id){1})->user);
	assert_true(has(&list, "\"state\":{\"typin\\u0067\":2,\"k\":{\"typing\":3}}}"));
	buf_clear(&list);
	frame_add_roster_user(&list, roster_find(&roster, (session_id){2})->user);
	assert_true(has(&list, "\"state\":{\"k\":{\"typing\":3},\"typing\":{\"on\":1}}}"));
	buf_fini(&list);
	roster_fini(&roster);
}

static void a_list_that_is_too_long_says_so(void **state)
{
	(void)state;
	struct roster roster;
	struct buf list;

	roster_init(&roster);
	buf_init(&list, 60);
	put(&roster, "ann", 1, SPAN_NONE);
	frame_add_roster_user(&list, roster_find(&roster, (session_id){1})->user);
	assert_true(list.over);
	buf_fini(&list);
	roster_fini(&roster);
}

static void history_lists_events_without_their_room(void **state)
{
	(void)state;
	struct buf events;
	struct told_stored one = {
		.seq = 4, .event = SPAN("saved"), .from = ANN, .data = SPAN("1"), .at = AT_MS};

	buf_init(&events, 1 << 12);
	frame_add_stored(&events, &one);
	one.seq = 5;
	frame_add_stored(&events, &one);
	frame_put_history(&text, &(struct told_history){.room = ROOM,
							.events = buf_span(&events),
							.first = 1,
							.head = 9,
							.more = true});
#define STORED_TEXT(seq)                                                                           \
	"{\"seq\":" seq ",\"event\":\"saved\"," ANN_TEXT ",\"data\":1,\"at\":\"" AT "\"}"
	assert_text("{\"type\":\"history\"," ROOM_TEXT ",\"events\":[" STORED_TEXT(
		"4") "," STORED_TEXT("5") "],\"first\":1,\"head\":9,\"more\":true}");
	buf_fini(&events);
}

static void the_small_ones_are_written(void **state)
{
	(void)state;
	frame_put_ack(&text, &(struct told_ack){.room = ROOM, .n = 3, .seq = 8});
	assert_text("{\"type\":\"ack\"," ROOM_TEXT ",\"n\":3,\"seq\":8}");
	frame_put_ok(&text, &(struct told_ok){0});
	assert_text("{\"type\":\"ok\"}");
	frame_put_pong(&text, &(struct told_pong){0});
	assert_text("{\"type\":\"pong\"}");
	frame_put_draining(&text, &(struct told_draining){.deadline_ms = 20000});
	assert_text("{\"type\":\"draining\",\"deadline_ms\":20000}");
	frame_put_error(&text, &(struct told_error){.code = ERR_TOO_FAST,
						    .reason = span_str(err_text(ERR_TOO_FAST)),
						    .trace = UINT64_MAX});
	assert_text("{\"type\":\"error\",\"code\":\"too_fast\",\"reason\":\"messages come faster "
		    "than this "
		    "server accepts\",\"trace\":\"ffffffffffffffff\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(welcome_tells_who_and_how_much),
		cmocka_unit_test(joined_has_a_gap_only_when_there_is_one),
		cmocka_unit_test(left_and_refused_leave_out_what_there_is_not),
		cmocka_unit_test(conflict_says_what_is_newer),
		cmocka_unit_test(event_names_its_author_n_and_replay_only_when_asked),
		cmocka_unit_test(cast_of_the_application_has_no_session),
		cmocka_unit_test(presence_lists_users_with_their_connections),
		cmocka_unit_test(what_state_and_a_kept_message_both_name_comes_once),
		cmocka_unit_test(a_list_that_is_too_long_says_so),
		cmocka_unit_test(history_lists_events_without_their_room),
		cmocka_unit_test(the_small_ones_are_written),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
