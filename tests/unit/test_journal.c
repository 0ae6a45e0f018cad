/* SPDX-License-Identifier: Apache-2.0 */
/* The journal over a database in memory: what is told, in which order, and what becomes of it when
 * answers are lost, slots are moved, or the database is away. */
#include "roomd/journal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/mem.h"
#include "proto/slot.h"
#include "tests/lib/fake_store.h"

#define ROOM "submission:r"
#define SELF ((incarnation_id){1})
#define OTHER ((incarnation_id){2})
#define MS(n) ((n)*NS_PER_MS)

struct desk {
	struct fake_database db;
	struct store *store;
	struct journal *journal;
	struct buf told;
	char text[4096];
	int64_t now_ns;
	unsigned slot;
};

static void note(struct desk *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void note(struct desk *d, const char *fmt, ...)
{
	char line[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	if (d->told.len > 0)
		buf_put_str(&d->told, "; ");
	buf_put_str(&d->told, line);
}

static void on_event(void *owner, struct span room, const struct store_event *e)
{
	(void)room;
	note(owner, "event %" PRIu64 ":%" PRIu64, e->seq, e->pseq);
}

static void on_ack(void *owner, const struct journal_asker *a)
{
	note(owner, "ack %" PRIu64 ":%" PRIu64, a->event->seq, a->event->pseq);
}

static void on_refused(void *owner, const struct journal_asker *a, enum err why)
{
	note(owner, "refused %" PRIu64 " %s", a->event->pseq, err_name(why));
}

static void on_conflict(void *owner, const struct journal_asker *a, const struct store_newer *newer)
{
	note(owner, "conflict %" PRIu64 " with %" PRIu64 " %.*s", a->event->pseq, newer->seq,
	     SPAN_ARGS(newer->body));
}

static void on_head(void *owner, struct span room, const struct store_head *head)
{
	(void)room;
	note(owner, "head %" PRIu64, head->seq);
}

static void on_fenced(void *owner, unsigned slot)
{
	struct desk *d = owner;

	assert_int_equal(slot, d->slot);
	note(owner, "fenced");
}

static void on_retaken(void *owner, uint64_t version, const struct store_slot *slots, size_t count)
{
	(void)version, (void)slots;
	note(owner, "retaken %zu", count);
}

static int open_desk(void **state)
{
	struct desk *d = mem_new(sizeof *d);

	d->now_ns = NS_PER_S;
	d->slot = slot_of(SPAN(ROOM));
	buf_init(&d->told, sizeof d->text - 1);
	fake_database_init(&d->db);
	d->db.slots[d->slot] = (struct view_slot){SELF, 1};
	d->store = fake_store_new(&d->db);
	d->journal = journal_new(&(struct journal_setup){
		.self = SELF,
		.store = d->store,
		.hooks = {on_event, on_ack, on_refused, on_conflict, on_head, on_fenced, on_retaken,
			  d},
	});
	journal_gain(d->journal, d->slot, 1);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	journal_free(&d->journal);
	fake_store_free(&d->store);
	buf_fini(&d->told);
	mem_free(d);
	return 0;
}

static enum err stage(struct desk *d, const char *room, uint64_t pseq)
{
	return journal_stage(d->journal,
			     &(struct journal_asker){{9},
						     span_str(room),
						     &(struct store_event){.producer = SPAN("p"),
									   .pseq = pseq,
									   .body = SPAN("{}")}},
			     d->now_ns);
}

/* The author of which has seen all up to `seen`. */
static void stage_edit(struct desk *d, uint64_t pseq, const char *field, uint64_t seen)
{
	const struct store_event e = {.producer = SPAN("p"),
				      .pseq = pseq,
				      .type = SPAN("edited"),
				      .field = span_str(field),
				      .base = seen + 1,
				      .body = span_str(field)};

	assert_int_equal(
		journal_stage(d->journal, &(struct journal_asker){{9}, SPAN(ROOM), &e}, d->now_ns),
		OK);
}

static void turn(struct desk *d)
{
	journal_turn(d->journal, d->db.version, d->now_ns);
}

/* As long as the store has answers. */
static void run(struct desk *d)
{
	turn(d);
	while (fake_store_run(d->store))
		turn(d);
}

static void wait(struct desk *d, int64_t ms)
{
	for (int64_t until_ns = d->now_ns + MS(ms); d->now_ns < until_ns;) {
		d->now_ns += MS(50);
		run(d);
	}
}

static void told(struct desk *d, const char *expected)
{
	memcpy(d->text, d->told.p ? d->told.p : (const uint8_t *)"", d->told.len);
	d->text[d->told.len] = '\0';
	buf_clear(&d->told);
	assert_string_equal(d->text, expected);
}

static void events_are_told_and_acked_once_they_are_stored(void **state)
{
	struct desk *d = *state;

	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(stage(d, ROOM, 2), OK);
	turn(d);
	told(d, "");
	run(d);

	told(d, "event 1:1; ack 1:1; event 2:2; ack 2:2");
	assert_int_equal(d->db.event_count, 2);
	assert_int_equal(journal_staged(d->journal), 0);
}

static void event_that_was_stored_before_is_acked_with_its_first_number(void **state)
{
	struct desk *d = *state;

	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);
	assert_int_equal(stage(d, ROOM, 2), OK);
	run(d);
	told(d, "event 1:1; ack 1:1; event 2:2; ack 2:2");

	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);

	told(d, "ack 1:1");
	assert_int_equal(d->db.event_count, 2);
}

static void event_said_twice_while_it_is_staged_is_one(void **state)
{
	struct desk *d = *state;

	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(journal_staged(d->journal), 1);
	run(d);

	told(d, "event 1:1; ack 1:1");
}

static void event_of_a_watched_room_comes_after_its_head(void **state)
{
	struct desk *d = *state;
	struct store_head head;

	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);
	told(d, "event 1:1; ack 1:1");
	assert_false(journal_watch(d->journal, SPAN(ROOM), &head));
	assert_int_equal(stage(d, ROOM, 2), OK);
	run(d);

	told(d, "head 1; event 2:2; ack 2:2");
	assert_true(journal_watch(d->journal, SPAN(ROOM), &head));
	assert_int_equal(head.seq, 2);
	assert_int_equal(head.first, 1);
}

static void two_edits_of_one_field_that_knew_nothing_of_each_other_are_one(void **state)
{
	struct desk *d = *state;

	stage_edit(d, 1, "title", 0);
	stage_edit(d, 2, "title", 0);
	run(d);

	told(d, "event 1:1; ack 1:1; conflict 2 with 1 title");
	assert_int_equal(d->db.event_count, 1);
}

static void edits_of_other_fields_go_in_one_batch(void **state)
{
	struct desk *d = *state;

	stage_edit(d, 1, "title", 0);
	stage_edit(d, 2, "body", 0);
	turn(d);
	fake_store_run(d->store); /* the head */
	turn(d);
	fake_store_run(d->store);

	told(d, "event 1:1; ack 1:1; event 2:2; ack 2:2");
}

/* It must wait for the batch after, and nothing of its room may overtake it. */
static void edit_that_waits_for_a_batch_keeps_its_place(void **state)
{
	struct desk *d = *state;

	stage_edit(d, 1, "title", 0);
	stage_edit(d, 2, "title", 1);
	assert_int_equal(stage(d, ROOM, 3), OK);
	run(d);

	told(d, "event 1:1; ack 1:1; event 2:2; ack 2:2; event 3:3; ack 3:3");
}

static void edit_whose_answer_was_lost_is_not_its_own_conflict(void **state)
{
	struct desk *d = *state;

	stage_edit(d, 1, "title", 0);
	turn(d);
	fake_store_run(d->store); /* the head */
	fake_store_lose_answers(d->store);
	turn(d);
	fake_store_run(d->store);
	fake_store_lose_answers(d->store);
	run(d);

	told(d, "retaken 1; ack 1:1");
	assert_int_equal(d->db.event_count, 1);
}

static bool shows(struct desk *d, uint64_t epoch, uint64_t expected)
{
	uint64_t most;

	return journal_shows(d->journal, SPAN(ROOM), epoch, &most) && most == expected;
}

static void page_may_show_what_is_known_to_be_stored(void **state)
{
	struct desk *d = *state;

	assert_true(shows(d, 1, UINT64_MAX));
	assert_int_equal(stage(d, ROOM, 1), OK);
	turn(d);
	fake_store_run(d->store); /* the head */
	turn(d);

	assert_true(shows(d, 1, 0));
	run(d);
	assert_true(shows(d, 1, UINT64_MAX));
	journal_on_connection(d->journal);
	assert_false(shows(d, 1, UINT64_MAX));
	run(d);
	assert_false(shows(d, 1, UINT64_MAX));
	assert_true(shows(d, 2, UINT64_MAX));
}

static void lost_answer_is_settled_after_the_slot_was_taken_again(void **state)
{
	struct desk *d = *state;
	struct store_head head;

	(void)journal_watch(d->journal, SPAN(ROOM), &head);
	run(d);
	told(d, "head 0");
	fake_store_lose_answers(d->store);
	assert_int_equal(stage(d, ROOM, 1), OK);
	turn(d);
	fake_store_run(d->store);
	told(d, "");
	fake_store_lose_answers(d->store);
	run(d);

	told(d, "retaken 1; head 1; ack 1:1");
	assert_int_equal(d->db.event_count, 1);
	assert_int_equal(d->db.slots[d->slot].epoch, 2);
}

static void new_connection_takes_the_slots_again_before_anything_is_written(void **state)
{
	struct desk *d = *state;

	journal_on_connection(d->journal);
	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);

	told(d, "retaken 1; event 1:1; ack 1:1");
	assert_int_equal(d->db.slots[d->slot].epoch, 2);
}

/* The answer to an earlier TAKE was lost, so the view tells of its epoch first. */
static void slot_that_is_being_taken_is_written_under_the_epoch_to_come(void **state)
{
	struct desk *d = *state;
	d->db.slots[d->slot].epoch = 2;
	journal_on_connection(d->journal);
	turn(d);

	journal_gain(d->journal, d->slot, 2);
	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);

	told(d, "retaken 1; event 1:1; ack 1:1");
}

static void former_owner_is_fenced_and_says_so(void **state)
{
	struct desk *d = *state;

	d->db.slots[d->slot] = (struct view_slot){OTHER, 2};
	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(stage(d, ROOM, 2), OK);
	run(d);

	told(d, "refused 1 NOT_OWNER; refused 2 NOT_OWNER; fenced");
	assert_false(journal_holds(d->journal, d->slot));
	assert_int_equal(d->db.event_count, 0);
}

static void former_owner_that_takes_its_slots_again_gets_none(void **state)
{
	struct desk *d = *state;

	assert_int_equal(stage(d, ROOM, 1), OK);
	d->db.slots[d->slot] = (struct view_slot){OTHER, 2};
	journal_on_connection(d->journal);
	run(d);

	told(d, "refused 1 NOT_OWNER; fenced");
}

static void slot_lost_while_a_batch_is_under_way_answers_its_publishers_at_once(void **state)
{
	struct desk *d = *state;

	assert_int_equal(stage(d, ROOM, 1), OK);
	turn(d);
	fake_store_run(d->store); /* the head */
	turn(d);
	assert_true(journal_is_writing(d->journal, d->slot));
	journal_lose(d->journal, d->slot);
	told(d, "refused 1 NOT_OWNER");
	run(d);

	told(d, "");
	assert_int_equal(journal_staged(d->journal), 0);
}

static void slot_on_hold_writes_nothing_until_it_is_lost(void **state)
{
	struct desk *d = *state;

	journal_hold(d->journal, d->slot);
	assert_int_equal(stage(d, ROOM, 1), OK);
	run(d);
	assert_false(journal_is_writing(d->journal, d->slot));
	told(d, "");
	journal_lose(d->journal, d->slot);

	told(d, "refused 1 NOT_OWNER");
	assert_int_equal(d->db.event_count, 0);
}

static void slot_whose_hand_over_failed_goes_on_under_a_new_epoch(void **state)
{
	struct desk *d = *state;

	journal_hold(d->journal, d->slot);
	assert_int_equal(stage(d, ROOM, 1), OK);
	journal_resume(d->journal, d->slot);
	run(d);

	told(d, "retaken 1; event 1:1; ack 1:1");
}

static void without_the_database_events_wait_and_are_refused(void **state)
{
	struct desk *d = *state;

	fake_store_set_up(d->store, false);
	assert_int_equal(stage(d, ROOM, 1), OK);
	wait(d, 4400);
	told(d, "");
	wait(d, 200);

	told(d, "refused 1 DB_AWAY");
	assert_int_equal(journal_staged(d->journal), 0);
}

/* As a gateway does that has no answer: nobody would ever be told why. */
static void what_is_said_again_meanwhile_waits_no_longer_for_it(void **state)
{
	struct desk *d = *state;

	fake_store_set_up(d->store, false);
	assert_int_equal(stage(d, ROOM, 1), OK);
	for (int i = 0; i < 4; i++) {
		wait(d, 1000);
		assert_int_equal(stage(d, ROOM, 1), OK);
	}
	told(d, "");
	wait(d, 600);

	told(d, "refused 1 DB_AWAY");
}

static void database_that_comes_back_in_time_loses_nothing(void **state)
{
	struct desk *d = *state;

	fake_store_set_up(d->store, false);
	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(stage(d, ROOM, 2), OK);
	wait(d, 3000);
	fake_store_set_up(d->store, true);
	journal_on_connection(d->journal);
	run(d);

	told(d, "retaken 1; event 1:1; ack 1:1; event 2:2; ack 2:2");
}

/* Asked again now and then, not at every turn: the database is there, and has enough to do. */
static void full_disk_of_the_database_loses_nothing(void **state)
{
	struct desk *d = *state;

	fake_store_fill(d->store, true);
	assert_int_equal(stage(d, ROOM, 1), OK);
	assert_int_equal(stage(d, ROOM, 2), OK);
	wait(d, 3000);
	told(d, "");
	assert_in_range(fake_store_appends(d->store), 5, 20);
	fake_store_fill(d->store, false);
	wait(d, 300);

	told(d, "event 1:1; ack 1:1; event 2:2; ack 2:2");
}

static void room_takes_no_more_than_its_share(void **state)
{
	struct desk *d = *state;

	for (uint64_t n = 1; n <= JOURNAL_ROOM_EVENTS; n++)
		assert_int_equal(stage(d, ROOM, n), OK);
	assert_int_equal(stage(d, ROOM, 1000), ERR_OVERLOADED);
	assert_int_equal(stage(d, ROOM, 1), OK); /* known */
	run(d);
	buf_clear(&d->told);

	assert_int_equal(stage(d, ROOM, 1000), OK);
	assert_int_equal(d->db.event_count, JOURNAL_ROOM_EVENTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_are_told_and_acked_once_they_are_stored),
		TEST(event_that_was_stored_before_is_acked_with_its_first_number),
		TEST(event_said_twice_while_it_is_staged_is_one),
		TEST(event_of_a_watched_room_comes_after_its_head),
		TEST(two_edits_of_one_field_that_knew_nothing_of_each_other_are_one),
		TEST(edits_of_other_fields_go_in_one_batch),
		TEST(edit_that_waits_for_a_batch_keeps_its_place),
		TEST(edit_whose_answer_was_lost_is_not_its_own_conflict),
		TEST(page_may_show_what_is_known_to_be_stored),
		TEST(lost_answer_is_settled_after_the_slot_was_taken_again),
		TEST(new_connection_takes_the_slots_again_before_anything_is_written),
		TEST(slot_that_is_being_taken_is_written_under_the_epoch_to_come),
		TEST(former_owner_is_fenced_and_says_so),
		TEST(former_owner_that_takes_its_slots_again_gets_none),
		TEST(slot_lost_while_a_batch_is_under_way_answers_its_publishers_at_once),
		TEST(slot_on_hold_writes_nothing_until_it_is_lost),
		TEST(slot_whose_hand_over_failed_goes_on_under_a_new_epoch),
		TEST(without_the_database_events_wait_and_are_refused),
		TEST(what_is_said_again_meanwhile_waits_no_longer_for_it),
		TEST(database_that_comes_back_in_time_loses_nothing),
		TEST(full_disk_of_the_database_loses_nothing),
		TEST(room_takes_no_more_than_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
