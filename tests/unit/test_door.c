/* SPDX-License-Identifier: Apache-2.0 */
/* A door with real connections: requests whole and in pieces, late, too many, gone, taken. */
#include "common/door.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/mem.h"
#include "tests/lib/caller.h"
#include "tests/lib/until.h"

#define HEAD "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"

enum { PATIENCE_MS = 10000, MANY = 20 };

/* Answers by path: /now at once, /later leaves it to the test, /take takes, /big answers a lot. */
struct house {
	struct loop *loop;
	struct door_options opt;
	struct door *door;
	struct caller caller;
	unsigned asked, gone, want;
	struct visitor *waiting;
	char body[64];
	int fd;
	struct buf bytes;
	struct span big;
};

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	struct house *h = owner;

	h->asked++;
	snprintf(h->body, sizeof h->body, "%.*s", SPAN_ARGS(r->body));
	if (span_is(r->path, "/later"))
		h->waiting = v;
	else if (span_is(r->path, "/take"))
		h->fd = door_take(v, &h->bytes);
	else if (span_is(r->path, "/big"))
		door_answer(v, 200, "text/plain", NULL, h->big);
	else if (span_is(r->path, "/shut"))
		door_close(&h->door);
	else
		door_answer(v, 200, "text/plain", "X-Extra: 1\r\n", SPAN("hello"));
}

static void on_gone(void *owner, struct visitor *v)
{
	struct house *h = owner;

	assert_ptr_equal(v, h->waiting);
	h->waiting = NULL;
	h->gone++;
}

static int setup(void **state)
{
	static struct house h;

	memset(&h, 0, sizeof h);
	h.loop = loop_new();
	h.fd = -1;
	h.opt = (struct door_options){.host = "127.0.0.1",
				      .max_body_bytes = 1000,
				      .max_visitors = MANY,
				      .head_ns = 5 * NS_PER_S,
				      .answer_ns = 5 * NS_PER_S,
				      .on_request = on_request,
				      .on_gone = on_gone,
				      .owner = &h};
	assert_int_equal(door_open(h.loop, &h.opt, &h.door), OK);
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	door_close(&h->door);
	loop_free(&h->loop);
	buf_fini(&h->bytes);
	if (h->fd >= 0)
		close(h->fd);
	return 0;
}

static void open_again(struct house *h)
{
	door_close(&h->door);
	assert_int_equal(door_open(h->loop, &h->opt, &h->door), OK);
}

static bool is_asked(void *what)
{
	const struct house *h = what;

	return h->asked >= h->want;
}

static bool is_gone(void *what)
{
	const struct house *h = what;

	return h->gone > 0;
}

static bool is_empty(void *what)
{
	const struct house *h = what;

	return door_visitors(h->door) == 0;
}

static bool is_full(void *what)
{
	const struct house *h = what;

	return door_visitors(h->door) == h->want;
}

static void await_request(struct house *h)
{
	h->want = h->asked + 1;
	assert_true(loop_until(h->loop, PATIENCE_MS, is_asked, h));
}

static void await_end(struct house *h)
{
	assert_true(loop_until(h->loop, PATIENCE_MS, caller_has_ended, &h->caller));
}

static void request_is_answered_and_the_connection_closed(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);

	assert_string_equal(h->caller.got, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
					   "Content-Length: 5\r\nConnection: close\r\n"
					   "X-Extra: 1\r\n\r\nhello");
	assert_false(h->caller.reset);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_empty, h));
}

static void head_request_gets_no_body(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door), "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_non_null(strstr(h->caller.got, "Content-Length: 5\r\n"));
	assert_null(strstr(h->caller.got, "hello"));
}

static void request_in_pieces_is_put_together(void **state)
{
	struct house *h = *state;
	static const char text[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabcdef";
	caller_open(&h->caller, door_port(h->door));

	for (size_t i = 0; i < sizeof text - 1; i++) {
		caller_say_bytes(&h->caller, span_of(text + i, 1));
		loop_for(h->loop, 1);
	}

	await_end(h);
	assert_string_equal(h->body, "abcdef");
	assert_int_equal(h->asked, 1);
	caller_close(&h->caller);
}

static void bad_request_is_told_why(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door), "GET / HTTP/1.1\r\n\r\n");

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 400 Bad Request\r\n"));
	assert_non_null(strstr(h->caller.got, "{\"error\":\"the request is not valid HTTP/1.1\"}"));
	assert_int_equal(h->asked, 0);
}

static void http_2_preface_is_refused(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 505 "));
}

static void body_that_stops_in_the_middle_is_a_timeout(void **state)
{
	struct house *h = *state;
	static uint8_t half[40000];
	memset(half, 'b', sizeof half);
	h->opt.max_body_bytes = 2 * sizeof half;
	h->opt.head_ns = 50 * NS_PER_MS;
	open_again(h);

	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 80000\r\n\r\n");
	caller_say_bytes(&h->caller, span_of(half, sizeof half));
	await_end(h);

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 408 "));
	assert_non_null(strstr(h->caller.got, "\r\n\r\n{\"error\":"));
	caller_close(&h->caller);
}

static void bodies_together_are_bounded_and_heads_pass(void **state)
{
	static const char ask[] =
		"POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n";
	struct house *h = *state;
	static struct caller first, second;
	static uint8_t body[20000];
	memset(body, 'b', sizeof body);
	h->opt.max_body_bytes = sizeof body;
	h->opt.max_held_bytes = sizeof body + 500;
	open_again(h);

	caller_open(&first, door_port(h->door));
	caller_say(&first, ask);
	caller_say_bytes(&first, span_of(body, sizeof body - 1));
	loop_for(h->loop, 20);
	caller_open(&second, door_port(h->door));
	caller_say(&second, ask);
	caller_say_bytes(&second, span_of(body, sizeof body));
	assert_true(loop_until(h->loop, PATIENCE_MS, caller_has_ended, &second));
	assert_non_null(strstr(second.got, "HTTP/1.1 503 "));
	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 200 "));

	caller_close(&second);
	caller_close(&first);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_empty, h));
	caller_open(&first, door_port(h->door));
	caller_say(&first, ask);
	caller_say_bytes(&first, span_of(body, sizeof body));
	await_request(h);
	door_answer(h->waiting, 200, NULL, NULL, SPAN_NONE);
	caller_close(&first);
}

static void body_beyond_its_bound_is_refused_before_it_comes(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door),
		   "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 413 "));
	assert_int_equal(h->asked, 0);
}

static void head_beyond_its_bound_is_refused_and_the_answer_arrives(void **state)
{
	struct house *h = *state;
	static char text[4 * REQUEST_HEAD_MAX];
	memset(text, 'x', sizeof text - 1);
	memcpy(text, "GET /", 5);

	caller_ask(&h->caller, h->loop, door_port(h->door), text);

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 431 "));
}

static void who_expects_it_is_told_to_continue(void **state)
{
	struct house *h = *state;
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
			       "Expect: 100-continue\r\n\r\n");
	h->caller.want = 25;
	assert_true(loop_until(h->loop, PATIENCE_MS, caller_has, &h->caller));
	assert_string_equal(h->caller.got, "HTTP/1.1 100 Continue\r\n\r\n");

	caller_say(&h->caller, "abc");

	await_end(h);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 200 OK\r\n"));
	assert_string_equal(h->body, "abc");
	caller_close(&h->caller);
}

static void request_that_is_not_complete_in_time_is_refused(void **state)
{
	struct house *h = *state;
	h->opt.head_ns = 60 * NS_PER_MS;
	open_again(h);

	caller_ask(&h->caller, h->loop, door_port(h->door), "GET /x HTTP/1.1\r\nHost:");

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 408 "));
}

static void visitor_that_says_nothing_is_closed_without_a_word(void **state)
{
	struct house *h = *state;
	h->opt.head_ns = 60 * NS_PER_MS;
	open_again(h);

	caller_ask(&h->caller, h->loop, door_port(h->door), "");

	assert_int_equal(h->caller.len, 0);
}

static void answer_may_come_later(void **state)
{
	struct house *h = *state;
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "GET /later?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
	await_request(h);
	visitor_set(h->waiting, h);
	loop_for(h->loop, 20);
	assert_ptr_equal(visitor_get(h->waiting), h);
	assert_true(span_is(visitor_request(h->waiting)->query, "x=1"));

	door_answer(h->waiting, 403, "text/plain", NULL, SPAN("no"));

	await_end(h);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 403 Forbidden\r\n"));
	assert_int_equal(h->gone, 0);
	caller_close(&h->caller);
}

static void hang_up_of_a_waiting_visitor_is_noticed(void **state)
{
	struct house *h = *state;
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
	await_request(h);

	caller_close(&h->caller);

	assert_true(loop_until(h->loop, PATIENCE_MS, is_gone, h));
	assert_int_equal(door_visitors(h->door), 0);
}

static void answer_that_takes_too_long_is_given_by_the_door(void **state)
{
	struct house *h = *state;
	h->opt.answer_ns = 60 * NS_PER_MS;
	open_again(h);

	caller_ask(&h->caller, h->loop, door_port(h->door),
		   "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_non_null(strstr(h->caller.got, "HTTP/1.1 503 "));
	assert_int_equal(h->gone, 1);
}

static void taken_connection_comes_with_all_bytes_and_stays_open(void **state)
{
	static const char text[] = "GET /take HTTP/1.1\r\nHost: a\r\n\r\nfirst frame";
	struct house *h = *state;
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, text);

	await_request(h);
	loop_for(h->loop, 20);

	assert_true(h->fd >= 0);
	assert_true(span_is(buf_span(&h->bytes), text));
	assert_int_equal(door_visitors(h->door), 0);
	assert_int_equal(send(h->fd, "hi", 2, 0), 2);
	h->caller.want = 2;
	assert_true(loop_until(h->loop, PATIENCE_MS, caller_has, &h->caller));
	assert_false(h->caller.ended);
	caller_close(&h->caller);
}

static void bytes_that_come_while_waiting_are_handed_over_too(void **state)
{
	struct house *h = *state;
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "GET /later HTTP/1.1\r\nHost: a\r\n\r\none ");
	await_request(h);
	caller_say(&h->caller, "two");
	loop_for(h->loop, 30);
	assert_true(span_is(visitor_request(h->waiting)->path, "/later"));

	h->fd = door_take(h->waiting, &h->bytes);

	assert_true(span_is(buf_span(&h->bytes), "GET /later HTTP/1.1\r\nHost: a\r\n\r\none two"));
	caller_close(&h->caller);
}

static void visitors_beyond_the_bound_are_sent_away(void **state)
{
	struct house *h = *state;
	static struct caller many[MANY];
	for (size_t i = 0; i < MANY; i++)
		caller_open(&many[i], door_port(h->door));
	h->want = MANY;
	assert_true(loop_until(h->loop, PATIENCE_MS, is_full, h));

	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 503 "));

	for (size_t i = 0; i < MANY; i++)
		caller_close(&many[i]);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_empty, h));
	caller_ask(&h->caller, h->loop, door_port(h->door), HEAD);
	assert_non_null(strstr(h->caller.got, "HTTP/1.1 200 "));
}

static void large_answer_reaches_a_slow_reader_whole(void **state)
{
	struct house *h = *state;
	size_t len = 6u << 20, got = 0;
	uint8_t *bytes = mem_new(len);
	static char part[1 << 16];
	h->big = span_of(bytes, len);
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
	await_request(h);

	for (;;) {
		ssize_t n = recv(h->caller.fd, part, sizeof part, MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
		else
			loop_for(h->loop, 1);
	}

	assert_true(got > len);
	caller_close(&h->caller);
	mem_free(bytes);
}

static void reader_that_resets_is_forgotten(void **state)
{
	struct house *h = *state;
	struct linger at_once = {.l_onoff = 1};
	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
	await_request(h);
	setsockopt(h->caller.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);

	caller_close(&h->caller);

	assert_true(loop_until(h->loop, PATIENCE_MS, is_gone, h));
}

static void paused_door_refuses_connections_but_serves_who_is_in(void **state)
{
	struct house *h = *state;
	struct door *second;
	caller_open(&h->caller, door_port(h->door));
	h->want = 1;
	assert_true(loop_until(h->loop, PATIENCE_MS, is_full, h));

	door_pause(h->door);
	h->opt.port = door_port(h->door);
	assert_int_equal(door_open(h->loop, &h->opt, &second), OK);
	door_close(&second);

	caller_say(&h->caller, HEAD);
	await_end(h);
	assert_non_null(strstr(h->caller.got, "hello"));
	caller_close(&h->caller);
}

static void resumed_door_listens_on_the_same_port(void **state)
{
	struct house *h = *state;
	uint16_t port = door_port(h->door);
	door_pause(h->door);

	assert_int_equal(door_resume(h->door), OK);
	assert_int_equal(door_resume(h->door), OK);

	assert_int_equal(door_port(h->door), port);
	caller_ask(&h->caller, h->loop, port, HEAD);
	assert_non_null(strstr(h->caller.got, "hello"));
}

static void door_may_be_closed_by_its_own_request(void **state)
{
	struct house *h = *state;

	caller_ask(&h->caller, h->loop, door_port(h->door),
		   "GET /shut HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_null(h->door);
}

static void port_is_shared_only_when_asked(void **state)
{
	struct house *h = *state;
	struct door *second;
	h->opt.port = door_port(h->door);
	assert_int_equal(door_open(h->loop, &h->opt, &second), ERR_IN_USE);
	assert_null(second);

	h->opt.port = 0;
	h->opt.share_port = true;
	open_again(h);
	h->opt.port = door_port(h->door);
	assert_int_equal(door_open(h->loop, &h->opt, &second), OK);
	door_close(&second);
}

static void want_of_descriptors_pauses_accepting_until_some_are_free(void **state)
{
	struct house *h = *state;
	static struct caller first;
	caller_open(&first, door_port(h->door));
	h->want = 1;
	assert_true(loop_until(h->loop, PATIENCE_MS, is_full, h));
	struct rlimit before, tight;
	getrlimit(RLIMIT_NOFILE, &before);
	caller_open(&h->caller, door_port(h->door));
	tight = before;
	tight.rlim_cur = (rlim_t)h->caller.fd + 1;
	setrlimit(RLIMIT_NOFILE, &tight);

	caller_say(&h->caller, HEAD);
	loop_for(h->loop, 250);
	assert_true(door_is_short(h->door));
	assert_int_equal(h->asked, 0);

	setrlimit(RLIMIT_NOFILE, &before);
	await_end(h);
	assert_false(door_is_short(h->door));
	assert_non_null(strstr(h->caller.got, "hello"));
	caller_close(&h->caller);
	caller_close(&first);
}

static void reserve_of_descriptors_is_left_free(void **state)
{
	struct house *h = *state;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	h->opt.fd_reserve = (int)limit.rlim_cur - 3;
	open_again(h);

	caller_open(&h->caller, door_port(h->door));
	caller_say(&h->caller, HEAD);
	loop_for(h->loop, 250);

	assert_true(door_is_short(h->door));
	assert_int_equal(h->caller.len, 0);
	assert_int_equal(h->asked, 0);
	caller_close(&h->caller);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(request_is_answered_and_the_connection_closed),
		CASE(head_request_gets_no_body),
		CASE(request_in_pieces_is_put_together),
		CASE(bad_request_is_told_why),
		CASE(http_2_preface_is_refused),
		CASE(body_that_stops_in_the_middle_is_a_timeout),
		CASE(bodies_together_are_bounded_and_heads_pass),
		CASE(body_beyond_its_bound_is_refused_before_it_comes),
		CASE(head_beyond_its_bound_is_refused_and_the_answer_arrives),
		CASE(who_expects_it_is_told_to_continue),
		CASE(request_that_is_not_complete_in_time_is_refused),
		CASE(visitor_that_says_nothing_is_closed_without_a_word),
		CASE(answer_may_come_later),
		CASE(hang_up_of_a_waiting_visitor_is_noticed),
		CASE(answer_that_takes_too_long_is_given_by_the_door),
		CASE(taken_connection_comes_with_all_bytes_and_stays_open),
		CASE(bytes_that_come_while_waiting_are_handed_over_too),
		CASE(visitors_beyond_the_bound_are_sent_away),
		CASE(large_answer_reaches_a_slow_reader_whole),
		CASE(reader_that_resets_is_forgotten),
		CASE(paused_door_refuses_connections_but_serves_who_is_in),
		CASE(resumed_door_listens_on_the_same_port),
		CASE(door_may_be_closed_by_its_own_request),
		CASE(port_is_shared_only_when_asked),
		CASE(want_of_descriptors_pauses_accepting_until_some_are_free),
		CASE(reserve_of_descriptors_is_left_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
