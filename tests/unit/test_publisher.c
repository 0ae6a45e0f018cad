/* SPDX-License-Identifier: Apache-2.0 */
/* What a native client publishes: in order, each stored once and answered once, whatever happens to
 * the owner of the room and to the connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/debts.h"
#include "tests/lib/guest.h"

#define IN "\"room\":\"submission:s1\""

static void publish(struct guest *c, uint64_t n)
{
	char text[128];

	snprintf(text, sizeof text,
		 "{\"type\":\"publish\"," IN ",\"n\":%u,\"event\":\"saved\",\"data\":[%u]}",
		 (unsigned)n, (unsigned)n);
	guest_say(c, text);
}

static void publish_bytes(struct guest *c, uint64_t n, unsigned bytes)
{
	char text[128 << 10];

	snprintf(text, sizeof text,
		 "{\"type\":\"publish\"," IN ",\"n\":%u,\"event\":\"saved\",\"data\":\"%0*u\"}",
		 (unsigned)n, (int)bytes - 2, 0);
	guest_say(c, text);
}

/* The numbers that the owner has heard since the last look: "1 2 ". */
static void expect_heard(struct gateway *g, const char *expected)
{
	char all[512] = "";
	struct message m;

	while ((m = fake_next(g->shard)).type) {
		size_t len = strlen(all);

		if (m.type == MESSAGE_PUBLISH)
			snprintf(all + len, sizeof all - len, "%u ", (unsigned)m.publish.pseq);
	}
	assert_string_equal(all, expected);
}

static void ack(struct guest *c, uint64_t n, uint64_t seq)
{
	owner_say_ack(c->gateway, guest_session(c), n, seq);
}

static void refuse(struct guest *c, uint64_t n, enum err why)
{
	owner_say_refused(c->gateway, guest_session(c),
			  &(struct msg_refused){.pseq = n, .code = why, .retry_after_ms = 300});
}

static void pass_5_s(struct gateway *g)
{
	for (unsigned i = 0; i < 100; i++)
		lobby_pass(g, MS(50));
}

/* ---- as it should be ---- */

static void publish_tells_the_owner_who_what_and_under_which_number(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	publish(&ann, 4);

	struct msg_publish m = owner_next(g, MESSAGE_PUBLISH).publish;
	assert_true(span_eq(m.room, ROOM));
	assert_true(span_is(m.producer, "s0000000500000001"));
	assert_int_equal(m.pseq, 4);
	assert_true(span_is(m.type, "saved"));
	assert_true(span_is(m.actor, "u1"));
	assert_true(span_is(m.name, "u1"));
	assert_true(span_is(m.body, "[4]"));
	assert_int_equal(m.shape, SHAPE_DATA);
}

/* In the record 0 says that there is none. */
static void base_is_compared_only_when_it_is_given(void **state)
{
	static const struct {
		const char *more;
		uint64_t base;
		const char *field;
	} rows[] = {
		{"\"data\":{}", 0, ""},
		{"\"data\":{\"field\":\"title\"},\"base\":0", 1, "title"},
		{"\"data\":{\"field\":\"title\"},\"base\":16", 17, "title"},
		{"\"data\":{\"field\":7},\"base\":16", 17, ""},
	};
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char text[128];

		snprintf(text, sizeof text,
			 "{\"type\":\"publish\"," IN ",\"n\":%u,\"event\":\"a\",%s}", i + 1,
			 rows[i].more);
		guest_say(&ann, text);
		struct msg_publish m = owner_next(g, MESSAGE_PUBLISH).publish;
		assert_int_equal(m.base, rows[i].base);
		assert_true(span_is(m.field, rows[i].field));
		ack(&ann, i + 1, i + 8);
	}
}

static void publishes_of_a_room_go_out_one_after_the_other(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	for (uint64_t n = 1; n <= 3; n++)
		publish(&ann, n);
	expect_heard(g, "1 ");
	ack(&ann, 1, 8);
	guest_expect(&ann, "ack n=1 seq=8");
	expect_heard(g, "2 ");
	ack(&ann, 2, 9);
	expect_heard(g, "3 ");
	ack(&ann, 3, 10);

	guest_expect(&ann, "ack n=2 seq=9; ack n=3 seq=10");
	expect_heard(g, "");
}

static void publish_that_is_said_twice_is_answered_once_for_each_time_it_ended(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	publish(&ann, 1);
	publish(&ann, 1);
	expect_heard(g, "1 ");
	ack(&ann, 1, 8);
	guest_expect(&ann, "ack n=1 seq=8");
	publish(&ann, 1);
	expect_heard(g, "1 ");
	ack(&ann, 1, 8);

	guest_expect(&ann, "ack n=1 seq=8");
}

/* ---- the owner ---- */

static void publish_is_said_again_to_the_new_owner_and_acknowledged_once(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	publish(&ann, 2);
	expect_heard(g, "1 ");

	lobby_move(g, g->second->id, 2);
	g->shard = g->second;
	expect_heard(g, "1 ");
	ack(&ann, 1, 8);
	ack(&ann, 1, 8);

	guest_expect(&ann, "ack n=1 seq=8");
	expect_heard(g, "2 ");
}

static void publish_is_said_again_over_the_next_link(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	g->shard->cut = true;
	publish(&ann, 2);
	expect_heard(g, "1 ");
	uint64_t generation = g->shard->generation;
	g->shard->cut = false;

	for (unsigned i = 0; i < 8; i++) { /* it is not heard */
		router_tick(g->router, g->now_ns);
		lobby_pass(g, MS(100));
	}

	assert_int_equal(g->shard->generation, generation + 1);
	expect_heard(g, "1 ");
	ack(&ann, 1, 8);
	expect_heard(g, "2 ");
	guest_expect(&ann, "ack n=1 seq=8");
}

static void
what_the_owner_cannot_store_just_now_is_refused_for_now_and_so_is_what_follows(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	publish(&ann, 2);

	refuse(&ann, 1, ERR_DB_AWAY);
	guest_expect(&ann, ""); /* said again, for 5 s */
	pass_5_s(g);
	guest_expect(&ann, "refused request=publish n=1 code=db_away retry_after_ms=300; "
			   "refused request=publish n=2 code=out_of_order retry_after_ms=500");
	fake_skip(g->shard);
	publish(&ann, 3);
	guest_expect(&ann, "refused request=publish n=3 code=out_of_order retry_after_ms=500");
	for (uint64_t n = 1; n <= 3; n++) {
		publish(&ann, n);
		ack(&ann, n, n + 7);
	}

	expect_heard(g, "1 2 3 ");
	guest_expect(&ann, "ack n=1 seq=8; ack n=2 seq=9; ack n=3 seq=10");
}

static void who_knows_of_a_refusal_and_goes_on_without_it_has_given_it_up(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	refuse(&ann, 1, ERR_DB_AWAY);
	pass_5_s(g);
	(void)guest_told(&ann);
	fake_skip(g->shard);

	publish(&ann, 2); /* may have been under way */
	guest_expect(&ann, "refused request=publish n=2 code=out_of_order retry_after_ms=500");
	publish(&ann, 2);

	guest_expect(&ann, "");
	expect_heard(g, "2 ");
}

static void owner_that_never_answers_is_refused_as_away(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);

	lobby_pass(g, MS(4950));
	guest_expect(&ann, "");
	lobby_pass(g, MS(50));

	guest_expect(&ann, "refused request=publish n=1 code=shard_away retry_after_ms=1000");
}

static void conflict_is_for_good_and_says_what_is_newer(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	publish(&ann, 2);

	owner_say_refused(
		g, guest_session(&ann),
		&(struct msg_refused){
			.pseq = 1, .code = ERR_CONFLICT, .seq = 6, .body = SPAN("{\"b\":1}")});

	guest_expect(&ann, "refused request=publish n=1 code=conflict seq=6 data={\"b\":1}");
	expect_heard(g, "1 2 ");
}

/* ---- what is not taken ---- */

static void number_too_far_ahead_is_refused(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	ack(&ann, 1, 8);

	publish(&ann, 1 + PENDING_PER_CONNECTION);
	guest_expect(&ann, "ack n=1 seq=8");
	publish(&ann, 2 + 2 * PENDING_PER_CONNECTION);

	guest_expect(&ann, "refused request=publish n=130 code=out_of_order retry_after_ms=500");
	expect_heard(g, "1 65 ");
}

static void publishes_that_wait_are_bounded_by_their_number(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	g->opt.limits_rate = 0;
	guest_enter(&ann, g, "u1", 7);
	for (uint64_t n = 1; n <= PENDING_PER_CONNECTION; n++)
		publish(&ann, n);
	guest_expect(&ann, "");

	publish(&ann, PENDING_PER_CONNECTION + 1);
	guest_expect(&ann, "refused request=publish n=65 code=overloaded retry_after_ms=500");
	ack(&ann, 1, 8);
	publish(&ann, PENDING_PER_CONNECTION + 1);

	guest_expect(&ann, "ack n=1 seq=8");
}

static void publishes_that_wait_are_bounded_by_their_bytes(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);

	publish_bytes(&ann, 1, PENDING_BYTES_MAX + 1); /* alone it may be larger */
	expect_heard(g, "1 ");
	publish(&ann, 2);
	guest_expect(&ann, "refused request=publish n=2 code=overloaded retry_after_ms=500");
	ack(&ann, 1, 8);
	publish_bytes(&ann, 2, PENDING_BYTES_MAX - 3);
	publish(&ann, 3); /* three bytes */
	guest_expect(&ann, "ack n=1 seq=8");
	publish(&ann, 4);

	guest_expect(&ann, "refused request=publish n=4 code=overloaded retry_after_ms=500");
}

static void client_that_owes_too_much_is_closed(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	ann.socket.session->rate.paid_ns = g->now_ns + SECONDS(2);

	for (uint64_t n = 1; n <= DEBTS_MAX; n++) {
		publish(&ann, n);
		assert_non_null(strstr(guest_told(&ann), "code=too_fast"));
	}
	enum err early = ann.socket.closed_for;
	publish(&ann, DEBTS_MAX + 1);

	assert_int_equal(early, OK);
	assert_int_equal(ann.socket.closed_for, ERR_TOO_FAST);
	guest_expect(&ann, "error code=too_fast");
}

/* ---- the connection, and the room ---- */

static void publish_under_way_is_answered_over_the_next_connection_once(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	publish(&ann, 2);
	guest_come_back(&again, &ann);
	guest_join(&again, ",\"since\":7", 7);
	lobby_pass(g, MS(50));
	(void)guest_told(&again);

	publish(&again, 1);
	publish(&again, 2);
	ack(&again, 1, 8);
	ack(&again, 2, 9);

	expect_heard(g, "1 2 ");
	guest_expect(&again, "ack n=1 seq=8; ack n=2 seq=9");
	guest_expect(&ann, "");
}

static void next_connection_owes_nothing_and_counts_from_where_it_likes(void **state)
{
	struct gateway *g = *state;
	struct guest ann, again;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	refuse(&ann, 1, ERR_DB_AWAY);
	pass_5_s(g);
	fake_skip(g->shard);
	guest_come_back(&again, &ann);
	guest_join(&again, ",\"since\":7", 7);
	lobby_pass(g, MS(50));
	(void)guest_told(&again);

	publish(&again, 500);

	guest_expect(&again, "");
	expect_heard(g, "500 ");
}

static void who_has_left_is_told_no_more_and_may_ask_again(void **state)
{
	struct gateway *g = *state;
	struct guest ann;
	guest_enter(&ann, g, "u1", 7);
	publish(&ann, 1);
	publish(&ann, 2);
	guest_say(&ann, "{\"type\":\"leave\"," IN "}");
	guest_expect(&ann, "left");

	ack(&ann, 1, 8);
	guest_expect(&ann, "");
	guest_join(&ann, ",\"since\":7", 7);
	(void)guest_told(&ann);
	publish(&ann, 1);
	publish(&ann, 2);
	ack(&ann, 1, 8);
	ack(&ann, 2, 9);

	guest_expect(&ann, "ack n=1 seq=8; ack n=2 seq=9");
	expect_heard(g, "1 1 2 ");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lobby_open, lobby_close)
	const struct CMUnitTest tests[] = {
		T(publish_tells_the_owner_who_what_and_under_which_number),
		T(base_is_compared_only_when_it_is_given),
		T(publishes_of_a_room_go_out_one_after_the_other),
		T(publish_that_is_said_twice_is_answered_once_for_each_time_it_ended),
		T(publish_is_said_again_to_the_new_owner_and_acknowledged_once),
		T(publish_is_said_again_over_the_next_link),
		T(what_the_owner_cannot_store_just_now_is_refused_for_now_and_so_is_what_follows),
		T(who_knows_of_a_refusal_and_goes_on_without_it_has_given_it_up),
		T(owner_that_never_answers_is_refused_as_away),
		T(conflict_is_for_good_and_says_what_is_newer),
		T(number_too_far_ahead_is_refused),
		T(publishes_that_wait_are_bounded_by_their_number),
		T(publishes_that_wait_are_bounded_by_their_bytes),
		T(client_that_owes_too_much_is_closed),
		T(publish_under_way_is_answered_over_the_next_connection_once),
		T(next_connection_owes_nothing_and_counts_from_where_it_likes),
		T(who_has_left_is_told_no_more_and_may_ask_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
