/* SPDX-License-Identifier: Apache-2.0 */
/* Buses over real TCP on the loopback, and over a Unix socket: delivery without a lost edge,
 * high-water marks, strangers. */
#include "common/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>
#include <cmocka.h>

#include "common/mem.h"
#include "common/mono.h"
#include "proto/limits.h"
#include "tests/lib/until.h"

_Static_assert(BUS_MESSAGE_MAX == LINK_BATCH_MAX, "a batch must fit into a message");
_Static_assert(BUS_HIGH_WATER == LINK_HIGH_WATER, "one high-water mark");

enum { MANY = 5000 };

static char on_tcp[] = "tcp://127.0.0.1:*", on_path[80]; /* on_path: set in main */

struct end {
	struct bus *bus;
	unsigned got;
	size_t last_len, max_len;
	char peer[65];
	bool echo, close_now;
	struct loop *stop; /* with the first message */
	unsigned order_errors;
	uint32_t expected;
};

struct net {
	struct loop *loop;
	struct bus_context *context;
	struct end shard, gateway;
	unsigned want;
};

static void on_message(void *owner, struct span peer, struct span body)
{
	struct end *e = owner;

	e->got++;
	e->last_len = body.len;
	if (body.len == sizeof e->expected) {
		e->order_errors += memcmp(body.p, &e->expected, sizeof e->expected) != 0;
		e->expected++;
	}
	snprintf(e->peer, sizeof e->peer, "%.*s", SPAN_ARGS(peer));
	if (e->echo)
		assert_int_equal(bus_send(e->bus, peer, body), OK);
	if (e->stop)
		loop_stop(e->stop);
	if (e->close_now)
		bus_close(&e->bus);
}

static enum err dial(struct bus_context *c, const char *endpoint, const char *id, void *owner,
		     struct bus **out)
{
	return bus_connect(
		c,
		&(struct bus_call){
			.endpoint = endpoint, .id = span_str(id), .fn = on_message, .owner = owner},
		out);
}

static int setup(void **state)
{
	static struct net n;
	const char *endpoint = *state;

	n = (struct net){.loop = loop_new()};
	n.context = bus_context_new(n.loop);
	assert_int_equal(bus_listen(n.context, endpoint, on_message, &n.shard, &n.shard.bus), OK);
	assert_int_equal(
		dial(n.context, bus_endpoint(n.shard.bus), "ab-1", &n.gateway, &n.gateway.bus), OK);
	*state = &n;
	return 0;
}

static int teardown(void **state)
{
	struct net *n = *state;

	bus_close(&n->gateway.bus);
	bus_close(&n->shard.bus);
	bus_context_free(&n->context);
	loop_free(&n->loop);
	return 0;
}

static bool can_send(void *what)
{
	struct net *n = what;

	return bus_send(n->gateway.bus, SPAN_NONE, SPAN("hello")) == OK;
}

static bool shard_got(void *what)
{
	struct net *n = what;

	return n->shard.got >= n->want;
}

static bool gateway_got(void *what)
{
	struct net *n = what;

	return n->gateway.got >= n->want;
}

/* Both sides know each other; nothing is on its way. */
static void meet(struct net *n)
{
	assert_true(loop_until(n->loop, 5000, can_send, n));
	n->want = 1;
	assert_true(loop_until(n->loop, 5000, shard_got, n));
	n->shard.got = 0;
}

static void dealer_has_no_credit_before_it_is_connected(void **state)
{
	struct net *n = *state;
	struct bus *lonely;
	assert_int_equal(dial(n->context, "tcp://127.0.0.1:1", "x", &n->gateway, &lonely), OK);

	assert_int_equal(bus_send(lonely, SPAN_NONE, SPAN("hello")), ERR_NO_CREDIT);

	bus_close(&lonely);
}

static void router_sees_the_routing_id_and_can_answer(void **state)
{
	struct net *n = *state;
	meet(n);
	assert_string_equal(n->shard.peer, "ab-1");

	assert_int_equal(bus_send(n->shard.bus, SPAN("ab-1"), SPAN("welcome")), OK);

	assert_true(loop_until(n->loop, 5000, gateway_got, n));
	assert_int_equal(n->gateway.last_len, 7);
}

static void router_knows_that_a_peer_is_not_there(void **state)
{
	struct net *n = *state;

	assert_int_equal(bus_send(n->shard.bus, SPAN("nobody"), SPAN("x")), ERR_NO_PEER);
}

static void every_message_of_a_burst_arrives_in_order(void **state)
{
	struct net *n = *state;
	meet(n);

	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(bus_send(n->gateway.bus, SPAN_NONE, span_of(&i, sizeof i)), OK);

	n->want = MANY;
	assert_true(loop_until(n->loop, 10000, shard_got, n));
	assert_int_equal(n->shard.order_errors, 0);
}

struct rest {
	struct loop *loop;
	struct bus *from;
	struct span to;
	int64_t ns; /* 0: it is over */
};

/* A message leaves just before it. */
static bool rest_once(void *owner, int64_t now_ns)
{
	struct rest *r = owner;

	if (r->ns == 0)
		return false;
	assert_int_equal(bus_send(r->from, r->to, SPAN("x")), OK);
	loop_rest(r->loop, now_ns + r->ns);
	r->ns = 0;
	return false;
}

/* How long after `r` began what was sent is heard by `e`. */
static int64_t heard_after_ns(struct net *n, struct end *e, struct rest *r)
{
	int64_t start_ns = mono_now_ns();

	e->stop = n->loop;
	loop_on_turn(n->loop, rest_once, r);
	loop_run(n->loop);
	loop_off_turn(n->loop, r);
	return mono_now_ns() - start_ns;
}

static void what_comes_to_a_dealer_ends_a_rest(void **state)
{
	struct net *n = *state;
	meet(n);
	struct rest r = {n->loop, n->shard.bus, SPAN("ab-1"), 60 * NS_PER_S};

	assert_true(heard_after_ns(n, &n->gateway, &r) < 30 * NS_PER_S);
}

static void what_comes_to_a_router_waits_for_its_end(void **state)
{
	struct net *n = *state;
	meet(n);
	struct rest r = {n->loop, n->gateway.bus, SPAN_NONE, 300 * NS_PER_MS};

	assert_true(heard_after_ns(n, &n->shard, &r) >= 300 * NS_PER_MS);
}

struct stream {
	struct net *net;
	uint32_t sent;
};

/* Ten per turn, from a turn function that runs after the bus's own: each send may use up the edge.
 */
static bool send_some(void *owner, int64_t now_ns)
{
	struct stream *s = owner;

	(void)now_ns;
	for (int i = 0; i < 10 && s->sent < MANY; i++, s->sent++)
		assert_int_equal(
			bus_send(s->net->gateway.bus, SPAN_NONE, span_of(&s->sent, sizeof s->sent)),
			OK);
	return s->sent < MANY;
}

static void no_edge_is_lost_when_both_ends_send(void **state)
{
	struct net *n = *state;
	struct stream s = {n, 0};
	meet(n);
	n->shard.echo = true;
	loop_on_turn(n->loop, send_some, &s);

	n->want = MANY;
	assert_true(loop_until(n->loop, 20000, gateway_got, n));

	assert_int_equal(n->shard.got, MANY);
	assert_int_equal(n->gateway.order_errors, 0);
	loop_off_turn(n->loop, &s);
}

static void bus_may_be_closed_in_its_own_callback(void **state)
{
	struct net *n = *state;
	meet(n);
	n->shard.close_now = true;
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(bus_send(n->gateway.bus, SPAN_NONE, span_of(&i, sizeof i)), OK);

	n->want = 1;
	assert_true(loop_until(n->loop, 5000, shard_got, n));
	loop_for(n->loop, 50);

	assert_int_equal(n->shard.got, 1);
	assert_null(n->shard.bus);
}

static void large_message_passes_and_one_beyond_the_maximum_does_not(void **state)
{
	struct net *n = *state;
	size_t len = BUS_MESSAGE_MAX;
	uint8_t *bytes = mem_new(len + 1);
	meet(n);

	assert_int_equal(bus_send(n->gateway.bus, SPAN_NONE, span_of(bytes, len)), OK);
	n->want = 1;
	assert_true(loop_until(n->loop, 10000, shard_got, n));
	assert_int_equal(n->shard.last_len, len);

	assert_int_equal(bus_send(n->gateway.bus, SPAN_NONE, span_of(bytes, len + 1)), OK);
	loop_for(n->loop, 200);
	assert_int_equal(n->shard.got, 1);
	mem_free(bytes);
}

static void newer_connection_takes_over_the_routing_id(void **state)
{
	struct net *n = *state;
	struct end second = {0};
	meet(n);
	assert_int_equal(dial(n->context, bus_endpoint(n->shard.bus), "ab-1", &second, &second.bus),
			 OK);
	struct bus *first = n->gateway.bus;
	n->gateway.bus = second.bus;
	meet(n);

	assert_int_equal(bus_send(n->shard.bus, SPAN("ab-1"), SPAN("x")), OK);
	loop_for(n->loop, 100);

	assert_int_equal(second.got, 1);
	assert_int_equal(n->gateway.got, 0);
	bus_close(&first);
}

static void message_of_several_parts_is_dropped_whole(void **state)
{
	struct net *n = *state;
	meet(n);
	void *context = zmq_ctx_new();
	void *stranger = zmq_socket(context, ZMQ_DEALER);
	int linger = 1000;
	zmq_setsockopt(stranger, ZMQ_LINGER, &linger, sizeof linger);
	assert_int_equal(zmq_connect(stranger, bus_endpoint(n->shard.bus)), 0);
	zmq_send(stranger, "one", 3, ZMQ_SNDMORE);
	zmq_send(stranger, "two", 3, ZMQ_SNDMORE);
	zmq_send(stranger, "three", 5, 0);
	zmq_send(stranger, "whole", 5, 0);

	n->want = 1;
	assert_true(loop_until(n->loop, 5000, shard_got, n));
	loop_for(n->loop, 50);

	assert_int_equal(n->shard.got, 1);
	assert_int_equal(n->shard.last_len, 5);
	zmq_close(stranger);
	zmq_ctx_term(context);
}

/* What a shard hears of two gateways, one of which has much to say. */
struct crowd {
	struct bus *bus, *hot, *quiet;
	size_t turn_bytes, most_bytes; /* of one turn */
	unsigned hot_count, hot_before_quiet, quiet_count;
};

static void on_either(void *owner, struct span peer, struct span body)
{
	struct crowd *c = owner;

	c->turn_bytes += body.len;
	if (c->turn_bytes > c->most_bytes)
		c->most_bytes = c->turn_bytes;
	if (span_is(peer, "hot")) {
		c->hot_count++;
		return;
	}
	if (c->quiet_count++ == 0)
		c->hot_before_quiet = c->hot_count;
}

static bool end_turn(void *owner, int64_t now_ns)
{
	(void)now_ns;
	((struct crowd *)owner)->turn_bytes = 0;
	return false;
}

static bool all_came(void *what)
{
	const struct crowd *c = what;

	return c->hot_count == 200 && c->quiet_count == 1;
}

static bool both_sent(void *what)
{
	struct crowd *c = what;

	return bus_send(c->quiet, SPAN_NONE, SPAN("hello")) == OK;
}

static void backlog_of_one_peer_holds_up_neither_another_nor_the_loop(void **state)
{
	struct net *n = *state;
	struct crowd c = {0};
	uint8_t *batch = mem_new(LINK_BATCH_AIM);
	assert_int_equal(bus_listen(n->context, on_tcp, on_either, &c, &c.bus), OK);
	assert_int_equal(dial(n->context, bus_endpoint(c.bus), "hot", &c, &c.hot), OK);
	assert_int_equal(dial(n->context, bus_endpoint(c.bus), "quiet", &c, &c.quiet), OK);
	loop_on_turn(n->loop, end_turn, &c);
	bus_pause(c.bus, true);
	for (int i = 0; i < 200; i++)
		while (bus_send(c.hot, SPAN_NONE, span_of(batch, LINK_BATCH_AIM)) != OK)
			loop_for(n->loop, 1);
	assert_true(loop_until(n->loop, 5000, both_sent, &c));
	loop_for(n->loop, 300); /* until it is there */
	unsigned while_paused = c.hot_count + c.quiet_count;

	bus_pause(c.bus, false);
	assert_true(loop_until(n->loop, 10000, all_came, &c));

	assert_int_equal(while_paused, 0);
	assert_in_range(c.hot_before_quiet, 0, 2);
	assert_in_range(c.most_bytes, LINK_BATCH_AIM, BUS_TURN_BYTES + LINK_BATCH_AIM);
	assert_in_range(bus_full_turns(c.bus), 40, 200);
	loop_off_turn(n->loop, &c);
	bus_close(&c.hot);
	bus_close(&c.quiet);
	bus_close(&c.bus);
	mem_free(batch);
}

static void port_in_use_is_said_so(void **state)
{
	struct net *n = *state;
	struct bus *second;

	assert_int_equal(
		bus_listen(n->context, bus_endpoint(n->shard.bus), on_message, &n->shard, &second),
		ERR_IN_USE);

	assert_null(second);
}

/* As one that was killed leaves it. */
static void path_that_was_left_behind_is_taken_over(void **state)
{
	struct net *n = *state;
	char aside[sizeof on_path + 8];
	const char *path = on_path + strlen("ipc://");
	struct stat was, is;

	snprintf(aside, sizeof aside, "%s.aside", path);
	assert_int_equal(link(path, aside), 0);
	bus_close(&n->shard.bus);
	loop_for(n->loop, 100);
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(lstat(path, &was), 0);

	assert_int_equal(bus_listen(n->context, on_path, on_message, &n->shard, &n->shard.bus), OK);

	assert_int_equal(lstat(path, &is), 0);
	assert_true(was.st_ino != is.st_ino || was.st_ctim.tv_nsec != is.st_ctim.tv_nsec);
	meet(n);
}

static void file_that_is_no_socket_stays(void **state)
{
	struct net *n = *state;
	char file[] = "/tmp/moot-bus-XXXXXX", endpoint[64];
	struct bus *none;
	int fd = mkstemp(file);

	assert_true(fd >= 0);
	snprintf(endpoint, sizeof endpoint, "ipc://%s", file);
	assert_int_equal(bus_listen(n->context, endpoint, on_message, &n->shard, &none),
			 ERR_SYSTEM);

	assert_int_equal(access(file, F_OK), 0);
	close(fd);
	unlink(file);
}

static void endpoint_that_is_none_is_an_error(void **state)
{
	struct net *n = *state;
	struct bus *none;

	assert_int_equal(dial(n->context, "nonsense", "x", n, &none), ERR_SYSTEM);
}

static void dealer_comes_back_when_the_router_does(void **state)
{
	struct net *n = *state;
	meet(n);
	char endpoint[128];
	snprintf(endpoint, sizeof endpoint, "%s", bus_endpoint(n->shard.bus));
	bus_close(&n->shard.bus);
	loop_for(n->loop, 200);
	assert_int_equal(bus_send(n->gateway.bus, SPAN_NONE, SPAN("x")), ERR_NO_CREDIT);

	assert_int_equal(bus_listen(n->context, endpoint, on_message, &n->shard, &n->shard.bus),
			 OK);

	meet(n);
}

struct changes {
	struct net *net;
	struct bus *bus;
	unsigned count[3];
	enum bus_change want, close_at;
	bool may_close;
};

static void ignore(void *owner, struct span peer, struct span body)
{
	(void)owner, (void)peer, (void)body;
}

static void on_change(void *owner, enum bus_change change)
{
	struct changes *c = owner;

	c->count[change]++;
	if (c->may_close && change == c->close_at)
		bus_close(&c->bus);
}

static bool has_changed(void *what)
{
	struct changes *c = what;

	return c->count[c->want] > 0;
}

static void told(struct changes *c, const char *endpoint)
{
	const struct bus_call call = {endpoint, SPAN("told"), ignore, on_change, c};

	assert_int_equal(bus_connect(c->net->context, &call, &c->bus), OK);
}

static void without_descriptors_nobody_is_told_and_nothing_breaks(void **state)
{
	struct net *n = *state;
	struct changes c = {.net = n};
	struct rlimit limit, none;
	const struct bus_call call = {bus_endpoint(n->shard.bus), SPAN("told"), ignore, on_change,
				      &c};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum err e = bus_connect(n->context, &call, &c.bus);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

	assert_int_equal(e, ERR_SYSTEM);
	assert_null(c.bus);
	assert_int_equal(bus_connect(n->context, &call, &c.bus), OK);
	bus_close(&c.bus);
}

static void dealer_is_told_when_it_is_connected_and_when_that_breaks(void **state)
{
	struct net *n = *state;
	struct changes c = {.net = n, .want = BUS_UP};
	told(&c, bus_endpoint(n->shard.bus));

	assert_true(loop_until(n->loop, 5000, has_changed, &c));
	assert_int_equal(c.count[BUS_REFUSED], 0);
	c.want = BUS_BROKEN;
	bus_close(&n->shard.bus);
	assert_true(loop_until(n->loop, 5000, has_changed, &c));
	c.want = BUS_REFUSED;
	assert_true(loop_until(n->loop, 5000, has_changed, &c));

	bus_close(&c.bus);
}

static void dealer_is_told_again_and_again_that_nobody_is_there(void **state)
{
	struct net *n = *state;
	struct changes c = {.net = n, .want = BUS_REFUSED};
	told(&c, "tcp://127.0.0.1:1");

	for (int i = 0; i < 3; i++) {
		assert_true(loop_until(n->loop, 5000, has_changed, &c));
		c.count[BUS_REFUSED] = 0;
	}

	assert_int_equal(c.count[BUS_UP] + c.count[BUS_BROKEN], 0);
	bus_close(&c.bus);
}

static void dealer_may_be_closed_when_it_is_told(void **state)
{
	struct net *n = *state;
	struct changes c = {.net = n, .want = BUS_UP, .close_at = BUS_UP, .may_close = true};
	told(&c, bus_endpoint(n->shard.bus));

	assert_true(loop_until(n->loop, 5000, has_changed, &c));
	loop_for(n->loop, 50);

	assert_null(c.bus);
}

int main(void)
{
#define CASE(f)                                                                                    \
	cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, on_tcp),                      \
		cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, on_path)
	char dir[] = "/tmp/moot-bus-XXXXXX";
	const struct CMUnitTest tests[] = {
		CASE(dealer_has_no_credit_before_it_is_connected),
		CASE(router_sees_the_routing_id_and_can_answer),
		CASE(router_knows_that_a_peer_is_not_there),
		CASE(what_comes_to_a_dealer_ends_a_rest),
		CASE(what_comes_to_a_router_waits_for_its_end),
		CASE(every_message_of_a_burst_arrives_in_order),
		CASE(no_edge_is_lost_when_both_ends_send),
		CASE(bus_may_be_closed_in_its_own_callback),
		CASE(large_message_passes_and_one_beyond_the_maximum_does_not),
		CASE(newer_connection_takes_over_the_routing_id),
		CASE(message_of_several_parts_is_dropped_whole),
		CASE(backlog_of_one_peer_holds_up_neither_another_nor_the_loop),
		CASE(port_in_use_is_said_so),
		CASE(endpoint_that_is_none_is_an_error),
		CASE(dealer_comes_back_when_the_router_does),
		CASE(without_descriptors_nobody_is_told_and_nothing_breaks),
		CASE(dealer_is_told_when_it_is_connected_and_when_that_breaks),
		CASE(dealer_is_told_again_and_again_that_nobody_is_there),
		CASE(dealer_may_be_closed_when_it_is_told),
		cmocka_unit_test_prestate_setup_teardown(path_that_was_left_behind_is_taken_over,
							 setup, teardown, on_path),
		cmocka_unit_test_prestate_setup_teardown(file_that_is_no_socket_stays, setup,
							 teardown, on_path),
	};

	must(mkdtemp(dir));
	snprintf(on_path, sizeof on_path, "ipc://%s/shard", dir);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(on_path + strlen("ipc://"));
	rmdir(dir);
	return failed;
}
