/* SPDX-License-Identifier: Apache-2.0 */
/* What the gateways of one room are told, record by record. See tests/lib/stage.h for the notation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/stage.h"

#define heard(s, g, text) assert_string_equal(stage_heard((s), (g)), (text))

static int open_stage(void **state)
{
	struct stage *s = stage_new();

	stage_start(s, 0);
	stage_run(s, 50);
	assert_int_equal(stage_slots(s, 0), SLOTS);
	*state = s;
	return 0;
}

static int close_stage(void **state)
{
	stage_free((struct stage **)state);
	return 0;
}

/* Two gateways with links, one tab at each: A:ann at 0, B:bob at 1, and all is quiet. */
static int open_pair(void **state)
{
	open_stage(state);
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann!", 0);
	stage_run(s, 10);
	message_put_solicit_done(stage_out(s, 1), &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_attach(s, 1, "2:bob!", 0);
	stage_run(s, 200);
	stage_heard(s, 0);
	stage_heard(s, 1);
	return 0;
}

static void solicit_done(struct stage *s, unsigned gateway)
{
	message_put_solicit_done(stage_out(s, gateway),
				 &(struct msg_solicit_done){SPAN(STAGE_ROOM)});
	stage_say(s, gateway);
}

static void room_the_first_to_come_is_welcomed_at_once(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann!", 0);

	heard(s, 0, "ATTACHED 0; ROSTER 0 []; JOINED 0 [1:ann]; WELCOMED 1+2 1");
}

static void room_the_second_is_shown_to_the_first(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann!", 0);
	stage_run(s, 100);
	stage_heard(s, 0);
	stage_join(s, 0, "2:bob!");

	heard(s, 0, "JOINED 3 [2:bob]; WELCOMED 4+2 2; STATE 6");
}

static void room_a_second_tab_is_no_new_user(void **state)
{
	struct stage *s = *state;

	stage_join(s, 1, "3:ann!");
	heard(s, 1, "JOINED 0 [3:ann]; WELCOMED 7+2 3");
	heard(s, 0, "JOINED 0 [3:ann]");

	stage_run(s, 100);
	stage_leave(s, 1, 3);
	heard(s, 0, "LEFT 0 3");
}

/* The list says since when he is connected, and where in it he stands. */
static void room_the_first_of_two_tabs_changes_the_list(void **state)
{
	struct stage *s = *state;

	stage_join(s, 1, "3:ann!");
	stage_run(s, 100);
	heard(s, 1, "JOINED 0 [3:ann]; WELCOMED 7+2 3");

	stage_leave(s, 0, 1);
	heard(s, 1, "LEFT 0 1; STATE 9");
}

static void room_the_last_tab_is_shown_as_left(void **state)
{
	struct stage *s = *state;

	stage_leave(s, 1, 2);

	heard(s, 0, "LEFT 7 2; STATE 8");
	heard(s, 1, "");
}

static void room_an_old_leave_is_ignored(void **state)
{
	struct stage *s = *state;

	message_put_leave(stage_out(s, 1),
			  &(struct msg_leave){.room = SPAN(STAGE_ROOM), .session = 2});
	stage_say(s, 1);

	heard(s, 0, "");
}

/* bob's gateway lost its link with what he said last, and attaches anew with it. */
static void attach_with_state(struct stage *s, const char *body)
{
	struct buf kept, members;

	buf_init(&kept, 1024);
	buf_init(&members, 1024);
	item_put_kept(&kept, &(struct item_kept){.key = SPAN("cursor"), .body = span_str(body)});
	item_put_member(&members, &(struct item_member){.session = 2,
							.conn_gen = 1,
							.user = SPAN("bob"),
							.since_ms = 2,
							.kept = buf_span(&kept)});
	message_put_attach(
		stage_out(s, 1),
		&(struct msg_attach){.room = SPAN(STAGE_ROOM),
				     .epoch = s->db.slots[slot_of(SPAN(STAGE_ROOM))].epoch,
				     .members = buf_span(&members)});
	stage_say(s, 1);
	buf_fini(&members);
	buf_fini(&kept);
}

static void room_tells_others_of_a_state_that_comes_with_an_attach(void **state)
{
	struct stage *s = *state;

	attach_with_state(s, "{\"line\":1}");
	heard(s, 0, "JOINED 0 [2:bob]");
	attach_with_state(s, "{\"line\":1}");
	heard(s, 0, "");
	attach_with_state(s, "{\"line\":2}");
	heard(s, 0, "JOINED 0 [2:bob]");
}

/* bob has moved to the first gateway; the second keeps his old connection for a while. */
static void room_an_old_connection_brings_nobody_home(void **state)
{
	struct stage *s = *state;
	stage_join(s, 0, "2.2:bob!");
	stage_run(s, 100);
	stage_heard(s, 0);

	stage_attach(s, 1, "2:bob", 0);
	stage_attach(s, 1, "", 0);
	stage_run(s, 100);

	heard(s, 0, "");
}

/* bob was moving when the owner died; the gateway he moves to attaches first. */
static void room_who_moves_between_gateways_is_no_news_to_a_new_owner(void **state)
{
	struct stage *s = *state;
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);

	stage_attach(s, 1, "2.2:bob!", 0);
	stage_attach(s, 0, "1:ann 2:bob", 0);

	heard(s, 0, "SOLICIT; ATTACHED 0; ROSTER 1 [1:ann 2:bob]");
	heard(s, 1, "ATTACHED 0; PARTIAL 0 []; ROSTER 1 [1:ann 2:bob]; WELCOMED 2+2 2");
}

/* The gateway he moves to has him in its copy, from the old owner: the new one says that he came,
 * and it sees by its copy that this is no news. */
static void room_who_moves_is_not_listed_before_the_new_owner_says_so(void **state)
{
	struct stage *s = *state;
	stage_list_gateway(s, 0);
	stage_run(s, 1100);
	stage_call(s, 1, 0);

	stage_attach(s, 1, "1:ann 2.2:bob!", 0);
	stage_run(s, 300);

	heard(s, 1,
	      "ATTACHED 0; PARTIAL 0 [1:ann]; PARTIAL 0 [1:ann]; JOINED 1001401 [2:bob]; WELCOMED "
	      "1001402+2 2; "
	      "STATE 1001404");
}

/* bob's first connection is still open there, and is shown what changes. */
static void room_a_list_for_an_old_connection_has_a_number(void **state)
{
	struct stage *s = *state;
	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);

	stage_attach(s, 0, "1:ann 2.2:bob", 5);
	stage_attach(s, 1, "2:bob", 5);

	heard(s, 1, "SOLICIT; ATTACHED 5; ROSTER 6 [1:ann 2:bob]");
}

/* A gateway that is away may have bob too: nobody says that he went. */
static void room_who_leaves_before_all_have_spoken_is_missing_in_the_list_of_all(void **state)
{
	struct stage *s = *state;
	stage_list_gateway(s, 1);
	stage_run(s, 1100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann 2:bob", 5);
	stage_run(s, 300);
	heard(s, 0, "ATTACHED 5; PARTIAL 0 [1:ann 2:bob]; PARTIAL 0 [1:ann 2:bob]");

	stage_leave(s, 0, 2);
	stage_run(s, 1000);
	heard(s, 0, "");
	stage_run(s, 22000);

	heard(s, 0, "ROSTER 1001401 [1:ann]");
}

/* It died before this shard began, and whom it had may come back for another seven seconds. */
static void room_a_gateway_that_died_is_remembered_and_not_waited_for(void **state)
{
	struct stage *s = *state;
	stage_list_dead_gateway(s, 1, 3000);
	stage_run(s, 1100);
	stage_call(s, 0, 0);

	stage_attach(s, 0, "1:ann 2:bob 3:cy!", 5);
	message_put_inspect(stage_out(s, 0), &(struct msg_inspect){9, SPAN(STAGE_ROOM)});
	stage_leave(s, 0, 2);
	heard(s, 0,
	      "ATTACHED 5; PARTIAL 0 [1:ann 2:bob]; JOINED 1001151 [3:cy]; WELCOMED 1001152+2 3; "
	      "STATE 1001154; "
	      "ANSWER 9 0 [1:ann 2:bob 3:cy]");
	stage_run(s, 5000);
	heard(s, 0, "");
	stage_run(s, 2000);

	heard(s, 0, "ROSTER 1001155 [1:ann 3:cy]");
}

static void room_a_gateway_that_died_long_ago_is_forgotten(void **state)
{
	struct stage *s = *state;
	stage_list_dead_gateway(s, 1, 10000);
	stage_run(s, 1100);
	stage_call(s, 0, 0);

	stage_attach(s, 0, "1:ann", 5);

	heard(s, 0, "ATTACHED 5; ROSTER 6 [1:ann]");
}

static void room_lists_are_coalesced(void **state)
{
	struct stage *s = *state;

	stage_join(s, 1, "3:cy!");
	stage_join(s, 1, "4:di!");
	stage_join(s, 1, "5:ed!");
	heard(s, 0, "JOINED 7 [3:cy]; STATE 10; JOINED 11 [4:di]; JOINED 14 [5:ed]");

	stage_run(s, 60);
	heard(s, 0, "STATE 17");
	stage_run(s, 200);
	heard(s, 0, "");
}

static void room_above_200_users_lists_are_not_repeated(void **state)
{
	struct stage *s = *state;
	char member[32];

	for (unsigned i = 3; i <= 201; i++) {
		snprintf(member, sizeof member, "%u:u%u!", i, i);
		stage_join(s, 1, member);
		stage_run(s, 60);
	}
	stage_heard(s, 0);
	stage_join(s, 1, "900:one-more!");
	stage_run(s, 200);

	assert_null(strstr(stage_heard(s, 0), "STATE"));
}

static void room_a_cast_reaches_all_but_its_sender(void **state)
{
	struct stage *s = *state;

	stage_cast(s, 0, 1, "", 0);
	heard(s, 0, "");
	heard(s, 1, "CAST 7 1");

	stage_join(s, 0, "3:cy!");
	stage_run(s, 100);
	stage_heard(s, 0);
	stage_cast(s, 0, 1, "", 0);
	heard(s, 0, "CAST 12 1");
}

static void room_a_cast_that_nobody_hears_takes_no_number(void **state)
{
	struct stage *s = *state;

	stage_leave(s, 1, 2);
	stage_run(s, 100);
	stage_heard(s, 0);
	stage_cast(s, 0, 1, "", 0);
	stage_join(s, 0, "3:cy!");

	heard(s, 0, "JOINED 9 [3:cy]; WELCOMED 10+2 3; STATE 12");
}

static void room_a_late_joiner_gets_what_was_kept(void **state)
{
	struct stage *s = *state;

	stage_cast(s, 0, 1, "typing", 1);
	stage_cast(s, 0, 1, "editing", 1);
	stage_cast(s, 0, 1, "typing", 2);
	stage_heard(s, 1);
	stage_join(s, 1, "3:cy!");

	heard(s, 1, "JOINED 10 [3:cy]; WELCOMED 11+3 3; STATE 14");
}

static void room_an_event_reaches_everybody_and_is_acked_after_that(void **state)
{
	struct stage *s = *state;

	stage_publish(s, 0, STAGE_ROOM, 5);
	stage_turn(s);

	heard(s, 0, "EVENT 7 1:5; ACK 5 1");
	heard(s, 1, "EVENT 7 1:5");
}

static void room_inspect_of_an_empty_room_waits_for_every_gateway(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	message_put_inspect(stage_out(s, 0), &(struct msg_inspect){9, SPAN(STAGE_ROOM)});
	stage_say(s, 0);
	heard(s, 0, "SOLICIT");
	heard(s, 1, "SOLICIT");

	solicit_done(s, 0);
	heard(s, 0, "");
	solicit_done(s, 1);
	heard(s, 0, "ANSWER 9 0 []");
}

static void room_inspect_does_not_wait_for_ever(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	message_put_inspect(stage_out(s, 0), &(struct msg_inspect){9, SPAN(STAGE_ROOM)});
	stage_say(s, 0);
	stage_heard(s, 0);
	stage_run(s, 900);
	heard(s, 0, "");
	stage_run(s, 200);
	heard(s, 0, "ANSWER 9 0 []");
}

static void kick(struct stage *s, unsigned gateway, const char *user, uint64_t session)
{
	message_put_kick(stage_out(s, gateway), &(struct msg_kick){.ask = 9,
								   .room = SPAN(STAGE_ROOM),
								   .user = span_str(user),
								   .session = session,
								   .why = SPAN("spam")});
	stage_say(s, gateway);
}

static void room_kick_is_told_to_every_gateway_that_shows_the_room(void **state)
{
	struct stage *s = *state;

	for (unsigned i = 0; i < 3; i++)
		stage_call(s, i, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann 2:bob", 0);
	stage_attach(s, 1, "3:ann", 0);
	solicit_done(s, 2);
	for (unsigned i = 0; i < 3; i++)
		stage_heard(s, i);

	kick(s, 2, "ann", 0);

	heard(s, 0, "KICKED ann 0 spam; LEFT 0 1; STATE 2; LEFT 3 3");
	heard(s, 1, "KICKED ann 0 spam; LEFT 0 1; STATE 2"); /* nobody is left to hear there */
	heard(s, 2, "ANSWER 9 0 [] of 2");
	kick(s, 2, "ann", 0); /* before their gateways have said that they went */
	heard(s, 2, "ANSWER 9 0 []");
	heard(s, 0, "");
}

static void room_kick_of_nobody_who_is_there_tells_nobody(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann 2:bob", 0);
	stage_heard(s, 0);

	kick(s, 0, "eve", 0);
	heard(s, 0, "ANSWER 9 0 []");
	kick(s, 0, "ann", 2);
	heard(s, 0, "ANSWER 9 0 []");
	kick(s, 0, "", 0);
	heard(s, 0, "ANSWER 9 0 []");
	kick(s, 0, "", 2);
	heard(s, 0, "KICKED  2 spam; LEFT 2 2; STATE 3; ANSWER 9 0 [] of 1");
}

static void room_kick_waits_until_every_gateway_has_said_who_is_there(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	kick(s, 0, "ann", 0);
	heard(s, 0, "SOLICIT");
	solicit_done(s, 0);
	heard(s, 0, "");
	stage_attach(s, 1, "3:ann", 0);

	heard(s, 0, "ANSWER 9 0 [] of 1");
	heard(s, 1, "SOLICIT; ATTACHED 0; ROSTER 1 [3:ann]; KICKED ann 0 spam");
}

static void room_joining_waits_for_the_other_gateways(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann!", 0);
	heard(s, 0, "ATTACHED 0; PARTIAL 0 []");
	heard(s, 1, "SOLICIT");

	solicit_done(s, 1);
	heard(s, 0, "ROSTER 0 []; JOINED 0 [1:ann]; WELCOMED 1+2 1");
}

static void room_joining_waits_at_most_250_ms(void **state)
{
	struct stage *s = *state;

	stage_list_gateway(s, 1);
	stage_run(s, 1100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann!", 0);
	heard(s, 0, "ATTACHED 0; PARTIAL 0 []");
	stage_run(s, 240);
	heard(s, 0, "");
	stage_run(s, 30);
	heard(s, 0, "PARTIAL 0 []; JOINED 0 [1:ann]; WELCOMED 1001401+2 1");

	stage_call(s, 1, 0); /* the missing one appears, with somebody */
	stage_attach(s, 1, "2:bob", 7);
	heard(s, 0, "JOINED 0 [2:bob]; STATE 1001403; ROSTER 1001404 [1:ann 2:bob]");
}

static void room_a_gateway_that_does_not_answer_is_asked_again(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann", 5);
	stage_turn(s);
	heard(s, 1, "SOLICIT");
	stage_run(s, 900);
	heard(s, 1, "");

	stage_run(s, 200);
	heard(s, 1, "SOLICIT");
	solicit_done(s, 1);
	stage_run(s, 2000);
	heard(s, 1, "");
}

static void room_a_gateway_that_never_comes_is_waited_for_while_it_may_not_know_us(void **state)
{
	struct stage *s = *state;

	stage_list_gateway(s, 1);
	stage_run(s, 1100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann!", 0);
	stage_run(s, 21000);
	assert_null(strstr(stage_heard(s, 0), "ROSTER"));
	stage_run(s, 3000);
	heard(s, 0, "ROSTER 1001403 [1:ann]");
}

static void room_casts_wait_until_everybody_can_hear_them(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann", 3); /* after a move: nobody is fresh */
	stage_cast(s, 0, 1, "", 0);
	heard(s, 0, "ATTACHED 3; PARTIAL 0 [1:ann]");
	stage_attach(s, 1, "2:bob", 3);

	heard(s, 1, "SOLICIT; ATTACHED 3; ROSTER 4 [1:ann 2:bob]; CAST 5 1");
}

static void room_casts_wait_longer_than_joining_for_a_busy_gateway(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann", 3);
	stage_heard(s, 0);
	stage_heard(s, 1);
	stage_cast(s, 0, 1, "", 0);
	stage_run(s, 600); /* the room is open to people */
	stage_join(s, 0, "3:cy!");
	assert_non_null(strstr(stage_heard(s, 0), "WELCOMED"));
	stage_cast(s, 0, 3, "", 0);
	stage_attach(s, 1, "2:bob", 3);

	const char *seen = stage_heard(s, 1);
	const char *first = strstr(seen, "CAST");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "CAST"));
	assert_memory_equal(strchr(first + 5, ' '), " 1", 2);
}

static void room_a_leave_does_not_overtake_the_casts_before_it(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann 4:dan", 3);
	stage_cast(s, 0, 4, "", 0);
	stage_run(s, 600);
	stage_leave(s, 0, 4);
	stage_attach(s, 1, "2:bob", 3);

	const char *seen = stage_heard(s, 1);
	assert_non_null(strstr(seen, "CAST"));
	assert_non_null(strstr(strstr(seen, "CAST"), "LEFT"));
}

static void room_casts_wait_for_a_busy_gateway_at_most_a_second(void **state)
{
	struct stage *s = *state;

	stage_call(s, 0, 0);
	stage_call(s, 1, 0);
	stage_turn(s);
	stage_attach(s, 0, "1:ann 2:bob", 3);
	stage_cast(s, 0, 1, "", 0);
	stage_run(s, 950);
	assert_null(strstr(stage_heard(s, 0), "CAST"));
	stage_run(s, 100);

	assert_non_null(strstr(stage_heard(s, 0), "CAST"));
}

static void room_casts_do_not_wait_longer_for_a_gateway_that_is_away(void **state)
{
	struct stage *s = *state;

	stage_list_gateway(s, 1);
	stage_run(s, 1100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann 2:bob", 3);
	stage_cast(s, 0, 1, "", 0);
	stage_run(s, 300);

	assert_non_null(strstr(stage_heard(s, 0), "CAST"));
}

static void room_an_attach_replaces_what_was_known_from_there(void **state)
{
	struct stage *s = *state;

	stage_attach(s, 1, "4:di", 6);

	heard(s, 0, "JOINED 0 [4:di]; STATE 7; LEFT 8 2");
	stage_run(s, 60);
	heard(s, 0, "STATE 10");
}

static void room_who_left_over_a_newer_connection_is_not_taken_up_over_the_older_one(void **state)
{
	struct stage *s = *state;
	stage_attach(s, 0, "1:ann 2.2:bob", 6);
	stage_attach(s, 0, "1:ann", 6);
	(void)stage_heard(s, 0);

	stage_attach(s, 1, "2:bob 4:di", 8);

	const char *all = stage_heard(s, 0);
	assert_null(strstr(all, "2:bob"));
	assert_non_null(strstr(all, "4:di"));
	stage_leave(s, 1, 2);
	assert_null(strstr(stage_heard(s, 0), "LEFT"));
}

static void room_an_attach_from_before_the_slot_was_ours_is_refused(void **state)
{
	struct stage *s = *state;
	(void)stage_heard(s, 1);

	message_put_attach(stage_out(s, 1), &(struct msg_attach){.room = SPAN(STAGE_ROOM)});
	stage_say(s, 1);

	assert_non_null(strstr(stage_heard(s, 1), "NOT_OWNER"));
	assert_string_equal(stage_heard(s, 0), ""); /* nobody left because of it */
}

static void room_a_welcome_that_was_lost_is_said_again(void **state)
{
	struct stage *s = *state;

	stage_call(s, 1, 0);
	stage_attach(s, 1, "2:bob!", 0);
	heard(s, 1, "ATTACHED 6; ROSTER 0 [1:ann 2:bob]; WELCOMED 7+2 2");
	/* Crossed with the WELCOMED, or it came under an ATTACH that was given up. */
	stage_attach(s, 1, "2:bob!", 0);
	heard(s, 1, "ATTACHED 8; ROSTER 9 [1:ann 2:bob]; WELCOMED 10+2 2");
	heard(s, 0, "");
}

static void room_detaching_leaves_and_is_told_nothing_more(void **state)
{
	struct stage *s = *state;

	stage_attach(s, 1, "", 6);
	heard(s, 0, "LEFT 7 2; STATE 8");
	stage_join(s, 0, "3:cy!");

	heard(s, 1, "");
}

static void room_a_join_after_the_last_leave_brings_the_roster_up_to_date(void **state)
{
	struct stage *s = *state;

	stage_leave(s, 1, 2);
	stage_join(s, 0, "3:cy!");
	stage_run(s, 100);
	heard(s, 1, "");
	stage_join(s, 1, "4:bob!");

	assert_non_null(strstr(stage_heard(s, 1), "ROSTER 13 [1:ann 3:cy]; JOINED"));
}

static void room_is_forgotten_when_empty_and_its_number_comes_back(void **state)
{
	struct stage *s = *state;
	struct shard_figures f;

	stage_attach(s, 0, "", 6);
	stage_attach(s, 1, "", 6);
	shard_figures(s->shards[0].shard, &f);
	assert_int_equal(f.rooms, 0);

	stage_heard(s, 0);
	stage_attach(s, 0, "1:ann", 41);
	assert_string_equal(stage_heard(s, 0), "ATTACHED 41; PARTIAL 0 [1:ann]");
}

static void room_with_too_much_waiting_goes_on_with_what_is_known(void **state)
{
	struct stage *s = *state;

	stage_list_gateway(s, 1);
	stage_run(s, 1100);
	stage_call(s, 0, 0);
	stage_attach(s, 0, "1:ann 2:bob", 0);
	for (unsigned i = 0; i < 1024; i++)
		stage_cast(s, 0, 1, "", 0);
	assert_null(strstr(stage_heard(s, 0), "CAST"));
	stage_cast(s, 0, 1, "", 0);

	assert_non_null(strstr(stage_heard(s, 0), "CAST 1002175 1"));
}

static void room_a_cast_from_a_gateway_that_has_not_attached_is_refused(void **state)
{
	struct stage *s = *state;

	stage_call(s, 2, 0);
	stage_cast(s, 2, 9, "", 0);

	heard(s, 2, "NOT_OWNER");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)
#define PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ALONE(room_the_first_to_come_is_welcomed_at_once),
		ALONE(room_who_moves_between_gateways_is_no_news_to_a_new_owner),
		ALONE(room_who_moves_is_not_listed_before_the_new_owner_says_so),
		ALONE(room_a_list_for_an_old_connection_has_a_number),
		ALONE(room_who_leaves_before_all_have_spoken_is_missing_in_the_list_of_all),
		ALONE(room_a_gateway_that_died_is_remembered_and_not_waited_for),
		ALONE(room_a_gateway_that_died_long_ago_is_forgotten),
		ALONE(room_the_second_is_shown_to_the_first),
		PAIR(room_a_second_tab_is_no_new_user),
		PAIR(room_the_first_of_two_tabs_changes_the_list),
		PAIR(room_tells_others_of_a_state_that_comes_with_an_attach),
		PAIR(room_the_last_tab_is_shown_as_left),
		PAIR(room_an_old_leave_is_ignored),
		PAIR(room_an_old_connection_brings_nobody_home),
		PAIR(room_lists_are_coalesced),
		PAIR(room_above_200_users_lists_are_not_repeated),
		PAIR(room_a_cast_reaches_all_but_its_sender),
		PAIR(room_a_cast_that_nobody_hears_takes_no_number),
		PAIR(room_a_late_joiner_gets_what_was_kept),
		PAIR(room_an_event_reaches_everybody_and_is_acked_after_that),
		ALONE(room_inspect_of_an_empty_room_waits_for_every_gateway),
		ALONE(room_inspect_does_not_wait_for_ever),
		ALONE(room_kick_is_told_to_every_gateway_that_shows_the_room),
		ALONE(room_kick_of_nobody_who_is_there_tells_nobody),
		ALONE(room_kick_waits_until_every_gateway_has_said_who_is_there),
		ALONE(room_joining_waits_for_the_other_gateways),
		ALONE(room_joining_waits_at_most_250_ms),
		ALONE(room_a_gateway_that_does_not_answer_is_asked_again),
		ALONE(room_a_gateway_that_never_comes_is_waited_for_while_it_may_not_know_us),
		ALONE(room_casts_wait_until_everybody_can_hear_them),
		ALONE(room_casts_wait_longer_than_joining_for_a_busy_gateway),
		ALONE(room_a_leave_does_not_overtake_the_casts_before_it),
		ALONE(room_casts_wait_for_a_busy_gateway_at_most_a_second),
		ALONE(room_casts_do_not_wait_longer_for_a_gateway_that_is_away),
		PAIR(room_an_attach_replaces_what_was_known_from_there),
		PAIR(room_who_left_over_a_newer_connection_is_not_taken_up_over_the_older_one),
		PAIR(room_an_attach_from_before_the_slot_was_ours_is_refused),
		PAIR(room_a_welcome_that_was_lost_is_said_again),
		PAIR(room_detaching_leaves_and_is_told_nothing_more),
		PAIR(room_a_join_after_the_last_leave_brings_the_roster_up_to_date),
		PAIR(room_is_forgotten_when_empty_and_its_number_comes_back),
		ALONE(room_with_too_much_waiting_goes_on_with_what_is_known),
		PAIR(room_a_cast_from_a_gateway_that_has_not_attached_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
