/* SPDX-License-Identifier: Apache-2.0 */
/* Two channels back to back: numbering, credit, batching, and what a broken link looks like. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/channel.h"
#include "proto/limits.h"
#include "proto/message.h"

#define GATEWAY ((incarnation_id){0x1111})
#define SHARD ((incarnation_id){0x2222})

/* The bus between them: keeps what was sent, until it is full. */
struct wire {
	struct buf messages[64];
	size_t count, cap;
};

struct ends {
	struct channel gateway, shard;
	struct wire wire;
};

static enum err wire_send(void *owner, struct span bytes)
{
	struct wire *w = owner;

	if (w->count == w->cap)
		return ERR_NO_CREDIT;
	struct buf *b = &w->messages[w->count++];
	buf_clear(b);
	buf_put_span(b, bytes);
	return OK;
}

static int open_ends(void **state)
{
	struct ends *e = mem_new(sizeof(*e));

	channel_init(&e->gateway, GATEWAY, SHARD, 4);
	channel_init(&e->shard, SHARD, (incarnation_id){0}, 4);
	e->wire.cap = ARRAY_LEN(e->wire.messages);
	for (size_t i = 0; i < e->wire.cap; i++)
		buf_init(&e->wire.messages[i], LINK_BATCH_MAX);
	*state = e;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *e = *state;

	channel_fini(&e->gateway);
	channel_fini(&e->shard);
	for (size_t i = 0; i < ARRAY_LEN(e->wire.messages); i++)
		buf_fini(&e->wire.messages[i]);
	mem_free(e);
	return 0;
}

static void put_body(struct channel *ch, size_t len)
{
	static uint8_t body[LINK_BATCH_MAX];

	message_put_cast(channel_out(ch), &(struct msg_cast){
						  .session = 1,
						  .body = span_of(body, len),
					  });
}

static struct span sent(struct ends *e, size_t at)
{
	return buf_span(&e->wire.messages[at]);
}

static enum err flush(struct ends *e, struct channel *ch)
{
	return channel_flush(ch, wire_send, &e->wire);
}

/* Everything on the wire arrives at `to`; the wire is empty then. */
static void deliver(struct ends *e, struct channel *to)
{
	struct span records;

	for (size_t i = 0; i < e->wire.count; i++)
		assert_int_equal(channel_take(to, sent(e, i), &records), OK);
	e->wire.count = 0;
}

static void records_of_one_turn_travel_in_one_message(void **state)
{
	struct ends *e = *state;
	struct span records;
	struct message m;

	message_put_solicit_done(channel_out(&e->gateway),
				 &(struct msg_solicit_done){SPAN("document:1")});
	message_put_held(channel_out(&e->gateway), &(struct msg_held){9});
	assert_int_equal(flush(e, &e->gateway), OK);

	assert_int_equal(e->wire.count, 1);
	assert_int_equal(channel_take(&e->shard, sent(e, 0), &records), OK);
	assert_int_equal(message_next(&records, &m), OK);
	assert_int_equal(m.type, MESSAGE_SOLICIT_DONE);
	assert_int_equal(message_next(&records, &m), OK);
	assert_int_equal(m.held.move, 9);
	assert_int_equal(records.len, 0);
}

static void nothing_to_say_sends_nothing(void **state)
{
	struct ends *e = *state;

	(void)channel_out(&e->gateway);
	assert_int_equal(channel_queued(&e->gateway), 0);
	assert_int_equal(flush(e, &e->gateway), OK);
	assert_int_equal(e->wire.count, 0);
}

static void head_tells_who_speaks_to_whom(void **state)
{
	struct ends *e = *state;
	struct channel_head head;

	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);

	assert_int_equal(channel_peek(sent(e, 0), &head), OK);
	assert_int_equal(head.revision, MESSAGE_REVISION_MAX);
	assert_int_equal(head.source.v, GATEWAY.v);
	assert_int_equal(head.destination.v, SHARD.v);
	assert_int_equal(head.generation, 4);
	assert_int_equal(head.seq, 1);
	assert_int_equal(head.consumed_bytes, 0);
}

/* The release before and the one after must read this, whatever else they disagree on: it is how
 * they find out what they share. Only the two revisions in it may ever change. */
static void what_a_link_begins_with_is_frozen(void **state)
{
	static const uint8_t hello[] = {
		0x97,                                                 /* the head: 7 fields */
		0xcf, 'M',  'o',  'o',  't',  'L',  'i',  'n',  'k',  /* magic */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 1,    /* revision */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x11, /* source */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x22, 0x22, /* destination */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 4,    /* generation */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 1,    /* seq */
		0xcf, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0,    /* consumed */
		0x94, 1,    1,    1,    0xa2, 'g',  '1', /* HELLO, from and to revision, name */
	};
	struct ends *e = *state;

	message_put_hello(
		channel_out(&e->gateway),
		&(struct msg_hello){MESSAGE_REVISION_MIN, MESSAGE_REVISION_MAX, SPAN("g1")});
	assert_int_equal(flush(e, &e->gateway), OK);

	assert_int_equal(sent(e, 0).len, sizeof hello);
	assert_memory_equal(sent(e, 0).p, hello, sizeof hello);
}

static void first_message_fixes_the_peer(void **state)
{
	struct ends *e = *state;
	struct span records;

	put_body(&e->shard, 10);
	assert_int_equal(flush(e, &e->shard), OK);
	assert_int_equal(e->wire.count, 0); /* does not know to whom yet */
	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	deliver(e, &e->shard);
	assert_int_equal(flush(e, &e->shard), OK);

	assert_int_equal(e->shard.peer.v, GATEWAY.v);
	assert_int_equal(e->wire.count, 1);
	assert_int_equal(channel_take(&e->gateway, sent(e, 0), &records), OK);
}

static void message_for_somebody_else_is_stale(void **state)
{
	struct ends *e = *state;
	struct channel stranger;
	struct span records;

	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	channel_init(&stranger, (incarnation_id){0x3333}, GATEWAY, 4);
	assert_int_equal(channel_take(&stranger, sent(e, 0), &records), ERR_WRONG_PEER);
	channel_init(&stranger, SHARD, GATEWAY, 5);
	assert_int_equal(channel_take(&stranger, sent(e, 0), &records), ERR_WRONG_PEER);
	channel_init(&stranger, SHARD, (incarnation_id){0x3333}, 4);
	assert_int_equal(channel_take(&stranger, sent(e, 0), &records), ERR_WRONG_PEER);
	assert_int_equal(stranger.received_seq, 0);
}

static void lost_or_doubled_message_is_a_gap(void **state)
{
	struct ends *e = *state;
	struct span records;

	for (int i = 0; i < 2; i++) {
		put_body(&e->gateway, 10);
		assert_int_equal(flush(e, &e->gateway), OK);
	}
	assert_int_equal(channel_take(&e->shard, sent(e, 1), &records), ERR_GAP);
	assert_int_equal(channel_take(&e->shard, sent(e, 0), &records), OK);
	assert_int_equal(channel_take(&e->shard, sent(e, 0), &records), ERR_GAP);
	assert_int_equal(channel_take(&e->shard, sent(e, 1), &records), OK);
}

static void full_batch_is_sealed_within_the_turn(void **state)
{
	struct ends *e = *state;

	for (int i = 0; i < 5; i++)
		put_body(&e->gateway, LINK_BATCH_AIM / 2);
	assert_int_equal(flush(e, &e->gateway), OK);

	assert_int_equal(e->wire.count, 3);
	deliver(e, &e->shard);
	assert_int_equal(e->shard.received_seq, 3);
}

static void batch_that_the_bus_refused_goes_first_next_time(void **state)
{
	struct ends *e = *state;
	struct span records;

	e->wire.cap = 0;
	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	assert_true(channel_queued(&e->gateway) > 0);

	e->wire.cap = 8;
	put_body(&e->gateway, 200);
	assert_int_equal(flush(e, &e->gateway), OK);

	assert_int_equal(e->wire.count, 2);
	assert_int_equal(channel_queued(&e->gateway), 0);
	assert_int_equal(channel_take(&e->shard, sent(e, 0), &records), OK);
	assert_true(records.len < 100);
	assert_int_equal(channel_take(&e->shard, sent(e, 1), &records), OK);
}

static void window_is_never_exceeded_and_opens_with_credit(void **state)
{
	struct ends *e = *state;
	const size_t mib = 1 << 20;

	for (size_t i = 0; i < LINK_WINDOW / mib + 4; i++)
		put_body(&e->gateway, mib);
	assert_int_equal(flush(e, &e->gateway), OK);
	assert_true(e->gateway.sent_bytes <= LINK_WINDOW);
	assert_true(e->gateway.sent_bytes > LINK_WINDOW - 2 * mib);
	size_t queued = channel_queued(&e->gateway);
	assert_true(queued >= 4 * mib);

	deliver(e, &e->shard);
	assert_true(channel_owes_credit(&e->shard));
	assert_int_equal(flush(e, &e->shard), OK); /* nothing to say but the credit */
	assert_false(channel_owes_credit(&e->shard));
	assert_int_equal(e->wire.count, 1);
	assert_true(e->wire.messages[0].len < 100);
	deliver(e, &e->gateway);
	assert_int_equal(flush(e, &e->gateway), OK);
	assert_int_equal(channel_queued(&e->gateway), 0);
	deliver(e, &e->shard);
}

static void two_full_windows_do_not_block_each_other(void **state)
{
	struct ends *e = *state;
	const size_t mib = 1 << 20;
	struct wire to_gateway = e->wire;
	struct span records;

	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	deliver(e, &e->shard);
	for (size_t i = 0; i < LINK_WINDOW / mib + 4; i++) {
		put_body(&e->gateway, mib);
		put_body(&e->shard, mib);
	}
	for (size_t i = 0; i < to_gateway.cap; i++)
		buf_init(&to_gateway.messages[i], LINK_BATCH_MAX);
	assert_int_equal(flush(e, &e->gateway), OK);
	assert_int_equal(channel_flush(&e->shard, wire_send, &to_gateway), OK);

	deliver(e, &e->shard);
	for (size_t i = 0; i < to_gateway.count; i++)
		assert_int_equal(
			channel_take(&e->gateway, buf_span(&to_gateway.messages[i]), &records), OK);
	to_gateway.count = 0;
	assert_int_equal(flush(e, &e->gateway), OK);
	deliver(e, &e->shard);
	assert_int_equal(channel_flush(&e->shard, wire_send, &to_gateway), OK);

	assert_int_equal(channel_queued(&e->shard), 0);
	for (size_t i = 0; i < to_gateway.cap; i++)
		buf_fini(&to_gateway.messages[i]);
}

static void queue_without_end_resets_the_link(void **state)
{
	struct ends *e = *state;
	enum err err = OK;

	e->wire.cap = 0;
	for (size_t i = 0; i < LINK_QUEUE_MAX / (4u << 20); i++) {
		assert_int_equal(err, OK);
		put_body(&e->gateway, 4u << 20);
		err = flush(e, &e->gateway);
	}
	assert_int_equal(err, ERR_NO_CREDIT);
}

static void record_larger_than_a_batch_is_left_out_and_said(void **state)
{
	struct ends *e = *state;
	struct span records;
	struct message m;

	message_put_held(channel_out(&e->gateway), &(struct msg_held){9});
	put_body(&e->gateway, LINK_BATCH_MAX);

	assert_int_equal(flush(e, &e->gateway), ERR_TOO_BIG);
	assert_int_equal(channel_take(&e->shard, sent(e, 0), &records), OK);
	assert_int_equal(message_next(&records, &m), OK);
	assert_int_equal(m.type, MESSAGE_HELD);
	assert_int_equal(records.len, 0);
	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
}

static void peer_that_consumed_more_than_was_sent_is_a_liar(void **state)
{
	struct ends *e = *state;
	struct span records;

	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	deliver(e, &e->shard);
	e->shard.consumed_bytes += 1;
	put_body(&e->shard, 10);
	assert_int_equal(flush(e, &e->shard), OK);
	assert_int_equal(channel_take(&e->gateway, sent(e, 0), &records), ERR_BAD_MESSAGE);
}

static void bytes_that_are_no_head_are_refused(void **state)
{
	struct ends *e = *state;
	struct channel_head head;
	struct span records;

	put_body(&e->gateway, 10);
	assert_int_equal(flush(e, &e->gateway), OK);
	struct buf *b = &e->wire.messages[0];
	for (size_t len = 0; len < 64; len++)
		assert_int_equal(channel_peek(span_of(b->p, len), &head), ERR_BAD_MESSAGE);
	b->p[2] ^= 1; /* the magic */
	assert_int_equal(channel_take(&e->shard, buf_span(b), &records), ERR_BAD_MESSAGE);
	b->p[2] ^= 1;
	b->p[0] = 0x96; /* six fields */
	assert_int_equal(channel_take(&e->shard, buf_span(b), &records), ERR_BAD_MESSAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ends, close_ends)
	const struct CMUnitTest tests[] = {
		TEST(records_of_one_turn_travel_in_one_message),
		TEST(nothing_to_say_sends_nothing),
		TEST(head_tells_who_speaks_to_whom),
		TEST(what_a_link_begins_with_is_frozen),
		TEST(first_message_fixes_the_peer),
		TEST(message_for_somebody_else_is_stale),
		TEST(lost_or_doubled_message_is_a_gap),
		TEST(full_batch_is_sealed_within_the_turn),
		TEST(batch_that_the_bus_refused_goes_first_next_time),
		TEST(window_is_never_exceeded_and_opens_with_credit),
		TEST(two_full_windows_do_not_block_each_other),
		TEST(queue_without_end_resets_the_link),
		TEST(record_larger_than_a_batch_is_left_out_and_said),
		TEST(peer_that_consumed_more_than_was_sent_is_a_liar),
		TEST(bytes_that_are_no_head_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
