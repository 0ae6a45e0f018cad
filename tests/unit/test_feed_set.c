/* SPDX-License-Identifier: Apache-2.0 */
/* The shard's ends of links: who gets in, what is dropped, when a gateway is lost and when it is
 * gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/limits.h"
#include "roomd/feed_set.h"

#define SHARD ((incarnation_id){0x51})
#define GATEWAY ((incarnation_id){0x6a})
#define MS NS_PER_MS

struct desk {
	struct feed_set *feeds;
	struct channel gateway;
	struct buf wire; /* the last message, either way */
	unsigned sent;   /* messages by the shard */
	unsigned opened, gone;
	bool bus_is_full;
	int64_t now_ns;
};

static enum err send(void *owner, struct span route, struct span bytes)
{
	struct desk *d = owner;

	assert_true(span_is(route, "route"));
	if (d->bus_is_full)
		return ERR_NO_CREDIT;
	d->sent++;
	buf_clear(&d->wire);
	buf_put_span(&d->wire, bytes);
	return OK;
}

static void on_open(void *owner, struct feed *f)
{
	(void)f;
	((struct desk *)owner)->opened++;
}

static void on_doubt(void *owner, struct feed *f, bool last, int64_t now_ns)
{
	(void)owner, (void)f, (void)last, (void)now_ns;
}

static void on_gone(void *owner, struct feed *f, int64_t now_ns)
{
	(void)f, (void)now_ns;
	((struct desk *)owner)->gone++;
}

static int open_desk(void **state)
{
	struct desk *d = mem_new(sizeof *d);

	d->now_ns = NS_PER_S;
	d->feeds = feed_set_new(&(struct feed_setup){.self = SHARD,
						     .name = "shard",
						     .heartbeat_ns = 100 * MS,
						     .silence_ns = 3000 * MS,
						     .grace_ns = 10000 * MS,
						     .send = send,
						     .send_owner = d,
						     .hooks = {on_open, on_doubt, on_gone, d}},
				d->now_ns);
	channel_init(&d->gateway, GATEWAY, SHARD, 1);
	buf_init(&d->wire, LINK_BATCH_MAX);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	feed_set_free(&d->feeds);
	channel_fini(&d->gateway);
	buf_fini(&d->wire);
	mem_free(d);
	return 0;
}

static enum err collect(void *owner, struct span bytes)
{
	struct desk *d = owner;

	buf_clear(&d->wire);
	buf_put_span(&d->wire, bytes);
	return OK;
}

/* What the gateway has appended becomes one message. */
static struct span message_of(struct desk *d)
{
	assert_int_equal(channel_flush(&d->gateway, collect, d), OK);
	return buf_span(&d->wire);
}

static enum err receive(struct desk *d, struct feed_input *in)
{
	return feed_set_receive(d->feeds, SPAN("route"), message_of(d), d->now_ns, in);
}

static void put_hello(struct desk *d, uint64_t revision_min, uint64_t revision_max)
{
	message_put_hello(channel_out(&d->gateway),
			  &(struct msg_hello){revision_min, revision_max, SPAN("gateway-1")});
}

static void put_heartbeat(struct desk *d)
{
	message_put_heartbeat(channel_out(&d->gateway), &(struct msg_heartbeat){0});
}

static struct feed *call(struct desk *d)
{
	struct feed_input in = {0};

	put_hello(d, 1, 1);
	assert_int_equal(receive(d, &in), OK);
	return in.feed;
}

static void pass(struct desk *d, int64_t ms)
{
	for (int64_t i = 0; i < ms; i += 50) {
		d->now_ns += 50 * MS;
		feed_set_tick(d->feeds, d->now_ns);
	}
}

static void flush(struct desk *d)
{
	feed_set_flush(d->feeds, &(struct feed_facts){.view = 3, .database_ok = true}, d->now_ns);
}

static void feed_set_greets_who_says_hello(void **state)
{
	struct desk *d = *state;
	struct span records;
	struct message m;

	struct feed *f = call(d);
	flush(d);

	assert_int_equal(f->state, FEED_LIVE);
	assert_string_equal(f->name, "gateway-1");
	assert_int_equal(channel_take(&d->gateway, buf_span(&d->wire), &records), OK);
	assert_int_equal(message_next(&records, &m), OK);
	assert_int_equal(m.type, MESSAGE_GREETING);
	assert_int_equal(m.greeting.revision, 1);
}

static void feed_set_keeps_nothing_of_who_does_not_begin_with_hello(void **state)
{
	struct desk *d = *state;
	struct feed_input in;

	put_heartbeat(d);

	assert_int_equal(receive(d, &in), ERR_BAD_MESSAGE);
	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_refuses_who_shares_no_revision(void **state)
{
	struct desk *d = *state;
	struct feed_input in;

	put_hello(d, MESSAGE_REVISION_MAX + 1, MESSAGE_REVISION_MAX + 5);

	assert_int_equal(receive(d, &in), ERR_BAD_REVISION);
	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_takes_records_before_the_greeting(void **state)
{
	struct desk *d = *state;
	struct feed_input in;
	struct message m;

	put_hello(d, 1, 9);
	put_heartbeat(d);

	assert_int_equal(receive(d, &in), OK);
	assert_int_equal(message_next(&in.records, &m), OK);
	assert_int_equal(m.type, MESSAGE_HEARTBEAT);
}

static void feed_set_drops_what_is_meant_for_another_incarnation(void **state)
{
	struct desk *d = *state;
	struct feed_input in;

	channel_init(&d->gateway, GATEWAY, (incarnation_id){0x52}, 1);
	put_hello(d, 1, 1);

	assert_int_equal(receive(d, &in), ERR_WRONG_PEER);
}

static void feed_set_drops_what_is_no_message(void **state)
{
	struct desk *d = *state;
	struct feed_input in;

	assert_int_equal(
		feed_set_receive(d->feeds, SPAN("route"), SPAN("\xdd\xff\0\0\0"), d->now_ns, &in),
		ERR_BAD_MESSAGE);
}

static void feed_set_drops_an_older_generation(void **state)
{
	struct desk *d = *state;
	struct feed_input in;

	channel_init(&d->gateway, GATEWAY, SHARD, 5);
	struct feed *f = call(d);
	channel_fini(&d->gateway);
	channel_init(&d->gateway, GATEWAY, SHARD, 4);
	put_hello(d, 1, 1);

	assert_int_equal(receive(d, &in), ERR_WRONG_PEER);
	assert_int_equal(f->generation, 5);
	assert_int_equal(f->state, FEED_LIVE);
}

static void feed_set_replaces_a_feed_by_a_newer_generation(void **state)
{
	struct desk *d = *state;
	struct feed *old = call(d);

	channel_fini(&d->gateway);
	channel_init(&d->gateway, GATEWAY, SHARD, 2);
	struct feed *f = call(d);

	assert_ptr_equal(f, old);
	assert_int_equal(f->generation, 2);
	assert_int_equal(d->opened, 2);
}

static void feed_set_loses_a_feed_when_a_message_is_missing(void **state)
{
	struct desk *d = *state;
	struct feed_input in;
	struct feed *f = call(d);

	put_heartbeat(d);
	message_of(d); /* never arrives */
	put_heartbeat(d);

	assert_int_equal(receive(d, &in), ERR_GAP);
	assert_int_equal(f->state, FEED_AWAY);
	put_heartbeat(d); /* the generation is over for good */
	assert_int_equal(receive(d, &in), ERR_WRONG_PEER);
}

static void feed_set_loses_who_is_silent_and_forgets_it_after_the_grace(void **state)
{
	struct desk *d = *state;
	struct feed *f = call(d);

	pass(d, 2950);
	assert_int_equal(f->state, FEED_LIVE);
	pass(d, 100);
	assert_int_equal(f->state, FEED_AWAY);
	pass(d, 9900);
	assert_int_equal(d->gone, 0);
	pass(d, 150);
	assert_int_equal(d->gone, 1);
	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_does_not_blame_others_for_its_own_sleep(void **state)
{
	struct desk *d = *state;
	struct feed *f = call(d);

	d->now_ns += 20 * NS_PER_S; /* stopped by a debugger, say */
	feed_set_tick(d->feeds, d->now_ns);

	assert_int_equal(f->state, FEED_LIVE);
}

/* What had come meanwhile is read first, and dates from the waking already. */
static void feed_set_does_not_hear_later_than_now(void **state)
{
	struct desk *d = *state;
	struct feed *f = call(d);

	d->now_ns += 20 * NS_PER_S;
	put_heartbeat(d);
	assert_int_equal(receive(d, &(struct feed_input){0}), OK);
	feed_set_tick(d->feeds, d->now_ns);
	assert_int_equal(f->state, FEED_LIVE);

	pass(d, 3100);
	assert_int_equal(f->state, FEED_AWAY);
}

static void feed_set_expects_gateways_that_the_view_lists(void **state)
{
	struct desk *d = *state;

	feed_set_list_begin(d->feeds);
	feed_set_list(d->feeds, GATEWAY, d->now_ns);
	feed_set_list_end(d->feeds);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_AWAY);

	pass(d, 22800);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_AWAY);
	pass(d, 300);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_GONE);
	feed_set_list_begin(d->feeds);
	feed_set_list_end(d->feeds);
	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_waits_for_a_stranger_until_the_grace_after_its_death(void **state)
{
	struct desk *d = *state;

	feed_set_list_begin(d->feeds);
	feed_set_list(d->feeds, GATEWAY, d->now_ns);
	feed_set_list_end(d->feeds);
	pass(d, 12000);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_AWAY);

	feed_set_list_begin(d->feeds);
	feed_set_list_dead(d->feeds, GATEWAY, 1000 * MS, d->now_ns);
	feed_set_list_end(d->feeds);
	pass(d, 8900);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_AWAY);
	pass(d, 200);

	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_remembers_the_dead_for_the_rest_of_the_grace(void **state)
{
	struct desk *d = *state;

	feed_set_list_begin(d->feeds);
	feed_set_list_dead(d->feeds, GATEWAY, 4000 * MS, d->now_ns);
	feed_set_list_end(d->feeds);

	pass(d, 5900);
	assert_int_equal(feed_set_find(d->feeds, GATEWAY)->state, FEED_AWAY);
	pass(d, 200);
	assert_null(feed_set_find(d->feeds, GATEWAY));
}

static void feed_set_says_something_every_100_ms(void **state)
{
	struct desk *d = *state;

	call(d);
	flush(d);
	assert_int_equal(d->sent, 1);
	flush(d);
	assert_int_equal(d->sent, 1);
	d->now_ns += 100 * MS;
	flush(d);
	assert_int_equal(d->sent, 2);
}

static void feed_set_keeps_for_later_what_the_bus_does_not_take(void **state)
{
	struct desk *d = *state;
	struct feed *f = call(d);

	d->bus_is_full = true;
	flush(d);
	assert_int_equal(f->state, FEED_LIVE);
	d->bus_is_full = false;
	flush(d);

	assert_int_equal(d->sent, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_desk, close_desk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(feed_set_greets_who_says_hello),
		TEST(feed_set_keeps_nothing_of_who_does_not_begin_with_hello),
		TEST(feed_set_refuses_who_shares_no_revision),
		TEST(feed_set_takes_records_before_the_greeting),
		TEST(feed_set_drops_what_is_meant_for_another_incarnation),
		TEST(feed_set_drops_what_is_no_message),
		TEST(feed_set_drops_an_older_generation),
		TEST(feed_set_replaces_a_feed_by_a_newer_generation),
		TEST(feed_set_loses_a_feed_when_a_message_is_missing),
		TEST(feed_set_loses_who_is_silent_and_forgets_it_after_the_grace),
		TEST(feed_set_does_not_blame_others_for_its_own_sleep),
		TEST(feed_set_does_not_hear_later_than_now),
		TEST(feed_set_expects_gateways_that_the_view_lists),
		TEST(feed_set_waits_for_a_stranger_until_the_grace_after_its_death),
		TEST(feed_set_remembers_the_dead_for_the_rest_of_the_grace),
		TEST(feed_set_says_something_every_100_ms),
		TEST(feed_set_keeps_for_later_what_the_bus_does_not_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
