/* SPDX-License-Identifier: Apache-2.0 */
/* Which part of the HTTP interface a path names. */
#include "gateway/paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "common/base.h"

static void paths_are_the_same_with_and_without_api(void **state)
{
	static const struct {
		const char *path;
		enum path_target target;
		enum room_kind kind;
		const char *id;
	} rows[] = {
		{"/ws/test", PATH_TEST, ROOM_SUBMISSION, ""},
		{"/api/ws/test", PATH_TEST, ROOM_SUBMISSION, ""},
		{"/ws/submissions/s1", PATH_SOCKET, ROOM_SUBMISSION, "s1"},
		{"/api/ws/documents/d%20x", PATH_SOCKET, ROOM_DOCUMENT, "d%20x"},
		{"/api/ws/submissions/test/broadcast", PATH_BROADCAST, ROOM_SUBMISSION, "test"},
		{"/ws/documents/broadcast/broadcast", PATH_BROADCAST, ROOM_DOCUMENT, "broadcast"},
		{"/ws/documents/room", PATH_SOCKET, ROOM_DOCUMENT, "room"},
		{"/api/ws/documents/d/room", PATH_ROOM, ROOM_DOCUMENT, "d"},
		{"/auth/session", PATH_SESSION, ROOM_SUBMISSION, ""},
		{"/api/auth/session", PATH_SESSION, ROOM_SUBMISSION, ""},
		{"/v1/rooms/document%3Ad", PATH_V1_ROOM, ROOM_SUBMISSION, "document%3Ad"},
		{"/api/v1/rooms/submission:s/events", PATH_V1_EVENTS, ROOM_SUBMISSION,
		 "submission:s"},
		{"/v1/rooms/submission:s/kick", PATH_V1_KICK, ROOM_SUBMISSION, "submission:s"},
		{"/v1/sessions/abc/revoke", PATH_V1_REVOKE, ROOM_SUBMISSION, "abc"},
		{"/v1/rooms", PATH_V1_NONE, ROOM_SUBMISSION, ""},
		{"/v1/rooms/", PATH_V1_NONE, ROOM_SUBMISSION, ""},
		{"/v1/", PATH_V1_NONE, ROOM_SUBMISSION, ""},
		{"/v1/rooms/a/b", PATH_V1_NONE, ROOM_SUBMISSION, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path p = path_read(span_str(rows[i].path));

		assert_int_equal(p.target, rows[i].target);
		assert_int_equal(p.kind, rows[i].kind);
		assert_true(span_is(p.id, rows[i].id));
	}
}

static void paths_that_are_not_in_the_table_are_the_page(void **state)
{
	static const char *const paths[] = {
		"/",
		"",
		"/api",
		"/api/",
		"/ws",
		"/ws/",
		"/ws/test/",
		"/ws/submissions",
		"/apiws/test",
		"/api/api/ws/test",
		"/ws/submissions/",
		"/ws/submissions//room",
		"/ws//test",
		"//ws/test",
		"/ws/documents/a/b/c",
		"/ws/submissions/a/b",
		"/ws/rooms/a",
		"ws/test",
		"/auth/session/x",
		"/v1",
		"/v2/rooms/a",
		"*",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_int_equal(path_read(span_str(paths[i])).target, PATH_PAGE);
}

static void paths_take_the_methods_of_their_row(void **state)
{
	struct path room = path_read(SPAN("/ws/submissions/s/room"));
	struct path broadcast = path_read(SPAN("/ws/submissions/s/broadcast"));
	struct path page = path_read(SPAN("/page.js"));

	struct path events = path_read(SPAN("/v1/rooms/r/events"));
	struct path nothing = path_read(SPAN("/v1/x"));

	(void)state;
	assert_true(path_takes(&events, SPAN("GET")));
	assert_true(path_takes(&events, SPAN("POST")));
	assert_false(path_takes(&nothing, SPAN("GET")));
	assert_true(path_is_v1(&events));
	assert_true(path_is_v1(&nothing));
	assert_false(path_is_v1(&room));
	assert_true(path_takes(&room, SPAN("GET")));
	assert_true(path_takes(&room, SPAN("OPTIONS")));
	assert_false(path_takes(&room, SPAN("POST")));
	assert_true(path_takes(&broadcast, SPAN("POST")));
	assert_false(path_takes(&broadcast, SPAN("GET")));
	assert_true(path_takes(&page, SPAN("HEAD")));
	assert_false(path_takes(&page, SPAN("get")));
	assert_false(path_takes(&page, SPAN("")));
	assert_false(path_takes(&page, SPAN("GET, HEAD")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_the_same_with_and_without_api),
		cmocka_unit_test(paths_that_are_not_in_the_table_are_the_page),
		cmocka_unit_test(paths_take_the_methods_of_their_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
