/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation in the v0 dialect: every line of a client reads as is said beside it, and every
 * line of the server is what the writers make of the values it shows, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "proto/v0.h"
#include "tests/golden/transcript.h"

static const char *path;
static struct buf last_frames[V0_TYPES]; /* what a client said last of each type */

static struct v0_identity identity_of(struct span message)
{
	struct v0_identity who = {
		.kind = member_of(message, "submissionId").len ? ROOM_SUBMISSION : ROOM_DOCUMENT,
		.user = text_of(message, "userId"),
		.name = text_of(message, "userName"),
		.email = text_of(message, "userEmail"),
	};

	who.room_id = text_of(message, who.kind == ROOM_DOCUMENT ? "documentId" : "submissionId");
	return who;
}

static void fill_roster(struct roster *roster, struct span users)
{
	struct span user;
	uint64_t session = 0;
	size_t at = 0;
	bool first;

	while (json_element(users, &at, &user)) {
		struct item_member m = {
			.session = ++session,
			.conn_gen = 1,
			.user = text_of(user, "userId"),
			.name = text_of(user, "userName"),
			.email = text_of(user, "userEmail"),
			.since_ms = (uint64_t)time_of(user, "connectedAt"),
		};

		(void)roster_put(roster, &m, (incarnation_id){0}, &first);
	}
}

static void write_list_again(struct span text, const struct v0_identity *who, struct buf *out)
{
	struct roster roster;

	roster_init(&roster);
	fill_roster(&roster, member_of(text, "users"));
	v0_put_room_state(out, who->kind, who->room_id, &roster, time_of(text, "timestamp"),
			  number_of(text, "seq"));
	roster_fini(&roster);
}

static void write_relayed_again(struct span text, enum v0_type type, const struct v0_identity *who,
				struct buf *out)
{
	struct buf stamped;

	buf_init(&stamped, LINE_BYTES);
	assert_true(last_frames[type].len > 0);
	v0_put_stamped(&stamped, buf_span(&last_frames[type]), who, time_of(text, "timestamp"));
	v0_put_seq(out, buf_span(&stamped), number_of(text, "seq"));
	buf_fini(&stamped);
}

static void write_again(struct span text, struct buf *out)
{
	struct v0_identity who = identity_of(text);
	int64_t at_ms = time_of(text, "timestamp");
	struct span name = text_of(text, "type");
	enum v0_type type = V0_UNKNOWN;

	while (!span_is(name, v0_rows[type].name))
		assert_true(++type < V0_TYPES);
	if (type == V0_ROOM_STATE)
		write_list_again(text, &who, out);
	else if (type == V0_ERROR)
		v0_put_error(out, err_of(member_of(text, "data"), "code"), at_ms);
	else if (v0_rows[type].action == V0_DO_RELAY)
		write_relayed_again(text, type, &who, out);
	else
		v0_put_simple(out, type, &who, at_ms, number_of(text, "seq"));
}

static void check_frame(struct span line, struct span text)
{
	enum err expected = err_of(line, "error");
	enum v0_type type;
	enum err e = v0_read(text, &type);

	if (e != expected)
		fail_msg("%s: %.*s", err_name(e), SPAN_ARGS(line));
	if (e)
		return;
	assert_true(span_is(text_of(line, "read"), v0_rows[type].name));
	buf_clear(&last_frames[type]);
	buf_put_span(&last_frames[type], text);
}

static void check_line(struct span line)
{
	struct span text = text_of(line, "text");
	struct buf again;

	if (member_of(line, "from").len) {
		check_frame(line, text);
		return;
	}
	buf_init(&again, LINE_BYTES);
	write_again(text, &again);
	if (!span_eq(buf_span(&again), text))
		fail_msg("written as %.*s: %.*s", SPAN_ARGS(buf_span(&again)), SPAN_ARGS(text));
	buf_fini(&again);
}

static void released_lines_are_read_and_written_as_they_always_were(void **state)
{
	(void)state;
	for (enum v0_type t = 0; t < V0_TYPES; t++)
		buf_init(&last_frames[t], LINE_BYTES);
	assert_true(transcript_check(path, check_line) > 50);
	for (enum v0_type t = 0; t < V0_TYPES; t++)
		buf_fini(&last_frames[t]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_lines_are_read_and_written_as_they_always_were),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: %s transcript_v0.jsonl\n", argv[0]);
		return 2;
	}
	path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
