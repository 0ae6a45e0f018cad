/* SPDX-License-Identifier: Apache-2.0 */
/* A link: generations, silence, gaps, and what the other end is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/fake_shards.h"

#define MS(n) ((n)*NS_PER_MS)

struct world {
	struct fake_shards shards;
	struct fake_shard *shard;
	struct link_setup setup;
	struct link *link;
	unsigned opened, shut, greetings, casts;
	int64_t cast_takes_ns;
	bool attach_on_open;
};

static int64_t clock_ns; /* goes on while a message is taken */

static void on_open(void *owner, struct link *link, int64_t now_ns)
{
	struct world *w = owner;

	(void)now_ns;
	w->opened++;
	if (w->attach_on_open)
		message_put_attach(link_out(link),
				   &(struct msg_attach){.room = SPAN("submission:s1")});
}

static void on_shut(void *owner, struct link *link, int64_t now_ns)
{
	(void)link, (void)now_ns;
	((struct world *)owner)->shut++;
}

static void on_message(void *owner, struct link *link, const struct message *m, int64_t now_ns)
{
	struct world *w = owner;

	(void)link, (void)now_ns;
	w->greetings += m->type == MESSAGE_GREETING;
	w->casts += m->type == MESSAGE_CAST_OUT;
	clock_ns += m->type == MESSAGE_CAST_OUT ? w->cast_takes_ns : 0;
}

static int world_open(void **state)
{
	struct world *w = test_calloc(1, sizeof *w);

	fake_shards_init(&w->shards);
	w->shard = &w->shards.of[0];
	w->setup = (struct link_setup){
		.self = {7},
		.name = "gateway-1",
		.bus = fake_bus(&w->shards),
		.hooks = {on_open, on_shut, on_message, w},
		.heartbeat_ns = MS(100),
		.silence_ns = MS(600),
	};
	w->link = link_new(&w->setup, (incarnation_id){100}, "fake:0", 0);
	*state = w;
	return 0;
}

static int world_close(void **state)
{
	struct world *w = *state;

	link_free(&w->link);
	fake_shards_fini(&w->shards);
	test_free(w);
	return 0;
}

static void greet(struct world *w, int64_t now_ns)
{
	message_put_greeting(fake_out(w->shard), &(struct msg_greeting){.revision = 1});
	fake_say(w->shard, now_ns);
}

static void put_cast_out(struct world *w)
{
	message_put_cast_out(fake_out(w->shard),
			     &(struct msg_cast_out){.room = SPAN("submission:s1")});
}

static void link_says_hello_first_then_what_its_owner_appends(void **state)
{
	struct world *w = *state;
	w->attach_on_open = true;

	link_open(w->link, 0);
	link_flush(w->link, 0);

	assert_string_equal(w->shard->routing_id, "0000000000000007-1");
	struct message m = fake_next(w->shard);
	assert_int_equal(m.type, MESSAGE_HELLO);
	assert_true(span_is(m.hello.name, "gateway-1"));
	assert_int_equal(fake_next(w->shard).type, MESSAGE_ATTACH);
	assert_false(link_is_up(w->link));
}

static void link_is_up_once_greeted(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);

	greet(w, MS(1));

	assert_true(link_is_up(w->link));
	assert_int_equal(w->greetings, 1);
}

static void link_heartbeats_when_it_said_nothing_else(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	uint64_t sent = w->shard->channel.received_seq;

	link_tick(w->link, MS(50));
	uint64_t early = w->shard->channel.received_seq;
	link_tick(w->link, MS(100));

	assert_int_equal(early, sent);
	assert_int_equal(w->shard->channel.received_seq, sent + 1);
}

static void tick_that_is_a_little_early_heartbeats_too(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	uint64_t sent = w->shard->channel.received_seq;

	link_tick(w->link, MS(99));

	assert_int_equal(w->shard->channel.received_seq, sent + 1);
}

static void silent_shard_is_called_anew_after_600_ms(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, 0);

	for (int64_t t = 50; t <= 600; t += 50)
		link_tick(w->link, MS(t));
	unsigned before = w->opened;
	link_tick(w->link, MS(650));

	assert_int_equal(before, 1);
	assert_int_equal(w->opened, 2);
	assert_int_equal(link_generation(w->link), 2);
	assert_false(link_is_up(w->link));
}

static void shard_that_never_greets_is_called_ever_more_rarely(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);

	for (int64_t t = 50; t <= 10000; t += 50)
		link_tick(w->link, MS(t));

	assert_in_range(w->opened, 4, 6); /* 0.6 + 1.2 + 2.4 + 2.4 ... */
}

static void gateway_that_slept_itself_does_not_blame_the_shard(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, 0);

	link_tick(w->link, MS(50));
	link_tick(w->link, MS(5000)); /* stopped meanwhile; what the shard said is still unread */

	assert_int_equal(w->opened, 1);
}

static void lost_message_opens_a_new_generation(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, 0);
	put_cast_out(w);
	fake_lose_next(w->shard);

	put_cast_out(w);
	fake_say(w->shard, MS(1));

	assert_int_equal(w->casts, 0);
	assert_int_equal(link_generation(w->link), 2);
	assert_int_equal(w->opened, 2);
}

static enum err hand_over(void *link, struct span bytes)
{
	link_on_bytes(link, bytes, MS(701));
	return OK;
}

static void message_of_an_older_generation_is_dropped(void **state)
{
	struct world *w = *state;
	struct channel old;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, 0);
	for (int64_t t = 50; t <= 700; t += 50)
		link_tick(w->link, MS(t));
	link_flush(w->link, MS(700));
	channel_init(&old, w->shard->id, (incarnation_id){7}, 1);
	message_put_cast_out(channel_out(&old),
			     &(struct msg_cast_out){.room = SPAN("submission:s1")});

	enum err e = channel_flush(&old, hand_over, w->link);

	assert_int_equal(e, OK);
	channel_fini(&old);
	assert_int_equal(w->casts, 0);
	assert_int_equal(link_generation(w->link), 2);
}

static void goodbye_shuts_the_link_for_a_second(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, 0);
	put_cast_out(w);
	message_put_goodbye(fake_out(w->shard), &(struct msg_goodbye){0});
	put_cast_out(w);

	fake_say(w->shard, 0);

	assert_int_equal(w->casts, 1); /* what follows a GOODBYE is not read */
	assert_int_equal(w->shut, 1);
	assert_false(link_is_open(w->link));
	link_tick(w->link, MS(900));
	assert_false(link_is_open(w->link));
	link_tick(w->link, MS(1000));
	assert_true(link_is_open(w->link));
	assert_int_equal(link_generation(w->link), 2);
}

static void refused_connection_is_tried_again(void **state)
{
	struct world *w = *state;
	w->shard->refuses = true;

	link_open(w->link, 0);
	bool open = link_is_open(w->link);
	w->shard->refuses = false;
	link_tick(w->link, MS(1000));

	assert_false(open);
	assert_int_equal(w->shut, 1);
	assert_true(link_is_open(w->link));
}

static void unreadable_bytes_reset_the_link(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);

	link_on_bytes(w->link, SPAN("not msgpack at all"), MS(1));

	assert_int_equal(link_generation(w->link), 2);
}

static int64_t read_clock(void)
{
	return clock_ns;
}

/* So many casts, each of which takes 2 ms. */
static void say_casts(struct world *w, unsigned count, int64_t now_ns)
{
	w->setup.clock_ns = read_clock;
	w->cast_takes_ns = MS(2);
	for (unsigned i = 0; i < count; i++)
		put_cast_out(w);
	fake_say(w->shard, now_ns);
}

static void what_takes_longer_than_a_turn_goes_on_in_the_next(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, MS(1));

	say_casts(w, 8, MS(10));
	unsigned first = w->casts;
	bool in_same_turn = link_may_go_on(w->link, MS(10));
	bool was_paused = w->shard->paused;
	link_go_on(w->link, MS(17));
	unsigned second = w->casts;
	link_go_on(w->link, MS(24));

	assert_int_equal(first, 3);
	assert_false(in_same_turn);
	assert_true(was_paused);
	assert_int_equal(second, 6);
	assert_int_equal(w->casts, 8);
	assert_false(link_is_behind(w->link));
	assert_false(w->shard->paused);
}

static void all_messages_of_a_turn_share_its_time(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, MS(1));

	say_casts(w, 2, MS(10));
	say_casts(w, 4, MS(10));

	assert_int_equal(w->casts, 3);
	assert_true(w->shard->paused);
}

static void shard_that_waits_for_us_is_not_silent(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, MS(1));
	say_casts(w, 100, MS(10));

	for (int64_t at_ms = 50; at_ms < 2000; at_ms += 50)
		link_tick(w->link, MS(at_ms));

	assert_int_equal(w->opened, 1);
	assert_in_range(link_health(w->link, MS(2000)).silent_ns, 0, MS(100));
}

static void what_was_left_over_ends_with_its_generation(void **state)
{
	struct world *w = *state;
	link_open(w->link, 0);
	link_flush(w->link, 0);
	greet(w, MS(1));
	say_casts(w, 100, MS(10));
	unsigned before = w->casts;

	link_on_broken(w->link, MS(20));

	assert_int_equal(w->opened, 2);
	assert_false(link_is_behind(w->link));
	assert_int_equal(w->casts, before);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(link_says_hello_first_then_what_its_owner_appends),
		T(link_is_up_once_greeted),
		T(link_heartbeats_when_it_said_nothing_else),
		T(tick_that_is_a_little_early_heartbeats_too),
		T(silent_shard_is_called_anew_after_600_ms),
		T(shard_that_never_greets_is_called_ever_more_rarely),
		T(gateway_that_slept_itself_does_not_blame_the_shard),
		T(lost_message_opens_a_new_generation),
		T(message_of_an_older_generation_is_dropped),
		T(goodbye_shuts_the_link_for_a_second),
		T(refused_connection_is_tried_again),
		T(unreadable_bytes_reset_the_link),
		T(what_takes_longer_than_a_turn_goes_on_in_the_next),
		T(all_messages_of_a_turn_share_its_time),
		T(shard_that_waits_for_us_is_not_silent),
		T(what_was_left_over_ends_with_its_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
