/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the log, and publishes that are compared with it, asked of real shards on a stage. */
#include "roomd/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/slot.h"
#include "tests/lib/stage.h"

#define ROOM SPAN(STAGE_ROOM)

static int open_stage(void **state)
{
	struct stage *s = stage_new();

	stage_start(s, 0);
	stage_run(s, 200);
	stage_call(s, 0, 0);
	stage_turn(s);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	struct stage *s = *state;

	stage_free(&s);
	return 0;
}

static void publish(struct stage *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		stage_publish(s, 0, STAGE_ROOM, s->db.event_count + 1);
		stage_turn(s);
	}
	(void)stage_heard(s, 0);
}

static void edit(struct stage *s, uint64_t pseq, uint64_t base, const char *body)
{
	message_put_publish(stage_out(s, 0), &(struct msg_publish){.room = ROOM,
								   .producer = SPAN("p"),
								   .pseq = pseq,
								   .type = SPAN("edited"),
								   .name = SPAN("Zoe"),
								   .shape = SHAPE_DATA,
								   .field = SPAN("title"),
								   .base = base,
								   .body = span_str(body)});
	stage_say(s, 0);
}

static void ask(struct stage *s, const struct msg_read *m)
{
	message_put_read(stage_out(s, 0), m);
	stage_say(s, 0);
}

static void heard(struct stage *s, const char *expected)
{
	assert_string_equal(stage_heard_of(s, 0, "HISTORY EVENT ACK REFUSED GOODBYE"), expected);
}

static void page_of_a_room_that_nobody_attached_is_answered(void **state)
{
	struct stage *s = *state;

	publish(s, 5);
	ask(s, &(struct msg_read){.ask = 7, .room = ROOM, .after = 1, .limit = 2});
	stage_turn(s);
	heard(s, "HISTORY 7 1-5+: 2 3");
	ask(s, &(struct msg_read){.ask = 8, .room = ROOM, .before = 5, .limit = 2});
	ask(s, &(struct msg_read){.ask = 9, .room = ROOM, .after = 3});
	stage_turn(s);

	heard(s, "HISTORY 8 1-5+: 3 4; HISTORY 9 1-5: 4 5");
}

static void page_of_a_live_room_needs_no_database(void **state)
{
	struct stage *s = *state;

	stage_attach(s, 0, "1:ann!", 0);
	publish(s, 5);
	fake_store_set_up(s->shards[0].store, false);
	ask(s, &(struct msg_read){.ask = 1, .room = ROOM, .before = 5, .limit = 3});

	heard(s, "HISTORY 1 1-5+: 2 3 4");
}

static void page_of_an_empty_room_is_empty(void **state)
{
	struct stage *s = *state;

	ask(s, &(struct msg_read){.ask = 1, .room = ROOM});
	stage_turn(s);

	heard(s, "HISTORY 1 1-0:");
}

static void page_can_be_of_some_types(void **state)
{
	struct stage *s = *state;

	publish(s, 1);
	edit(s, 10, 0, "1");
	publish(s, 1);
	ask(s, &(struct msg_read){.ask = 1, .room = ROOM, .types = SPAN("left,edited")});
	stage_turn(s);

	heard(s, "HISTORY 1 1-3: 2");
}

static void page_of_a_room_of_another_shard_is_refused(void **state)
{
	struct stage *s = *state;

	fake_database_put(&s->db, &(struct view_member){.id = {77},
							.kind = MEMBER_SHARD,
							.state = MEMBER_ACTIVE,
							.name = "other"});
	s->db.slots[slot_of(ROOM)].owner.v = 77;
	s->db.slots[slot_of(ROOM)].epoch++;
	s->db.slot_versions[slot_of(ROOM)] = ++s->db.version;
	stage_run(s, 2000);
	ask(s, &(struct msg_read){.ask = 1, .room = ROOM});
	stage_turn(s);

	heard(s, "HISTORY 1 NOT_OWNER");
}

static void page_waits_for_the_database_and_not_for_long(void **state)
{
	struct stage *s = *state;

	publish(s, 1);
	fake_store_set_up(s->shards[0].store, false);
	ask(s, &(struct msg_read){.ask = 1, .room = ROOM});
	stage_run(s, 500);
	heard(s, "");
	fake_store_set_up(s->shards[0].store, true);
	shard_on_connection(s->shards[0].shard);
	stage_run(s, 200);
	heard(s, "HISTORY 1 1-1: 1");
	fake_store_set_up(s->shards[0].store, false);
	ask(s, &(struct msg_read){.ask = 2, .room = ROOM});
	stage_run(s, 1500);

	heard(s, "HISTORY 2 DB_AWAY");
}

static void too_many_pages_at_once_are_refused(void **state)
{
	struct stage *s = *state;
	unsigned refused = 0, answered = 0;

	publish(s, 1);
	for (unsigned i = 0; i < PAGES_MAX + 3; i++)
		message_put_read(stage_out(s, 0), &(struct msg_read){.ask = i, .room = ROOM});
	stage_say(s, 0);
	stage_turn(s);
	const char *all = stage_heard(s, 0);
	for (const char *at = all; (at = strstr(at, "OVERLOADED")); at++)
		refused++;
	for (const char *at = all; (at = strstr(at, "1-1: 1")); at++)
		answered++;

	assert_int_equal(refused, 3);
	assert_int_equal(answered, PAGES_MAX);
}

static void list_of_types_that_no_gateway_should_send_is_refused(void **state)
{
	struct stage *s = *state;

	ask(s, &(struct msg_read){.ask = 1, .room = ROOM, .types = SPAN("a\0b")});

	heard(s, "HISTORY 1 BAD_FIELD");
}

static void edit_that_is_late_is_refused_and_told_what_is_newer(void **state)
{
	struct stage *s = *state;

	edit(s, 1, 1, "\"one\"");
	edit(s, 2, 1, "\"two\"");
	stage_turn(s);
	heard(s, "ACK 1 1; REFUSED 2 CONFLICT 1 \"one\"");
	edit(s, 3, 2, "[3]");
	edit(s, 1, 1, "\"one\"");
	stage_turn(s);

	heard(s, "ACK 3 2; ACK 1 1");
	assert_string_equal(s->db.events[1].name, "Zoe");
	assert_string_equal(s->db.events[1].field, "title");
	assert_int_equal(s->db.events[1].shape, SHAPE_DATA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(page_of_a_room_that_nobody_attached_is_answered),
		TEST(page_of_a_live_room_needs_no_database),
		TEST(page_of_an_empty_room_is_empty),
		TEST(page_can_be_of_some_types),
		TEST(page_of_a_room_of_another_shard_is_refused),
		TEST(page_waits_for_the_database_and_not_for_long),
		TEST(too_many_pages_at_once_are_refused),
		TEST(list_of_types_that_no_gateway_should_send_is_refused),
		TEST(edit_that_is_late_is_refused_and_told_what_is_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
