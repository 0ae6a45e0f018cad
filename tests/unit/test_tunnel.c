/* SPDX-License-Identifier: Apache-2.0 */
/* TLS before a door, with a real client: requests, what is not spoken, bytes both ways however fast
 * they are taken, bounds, and how an end at one side becomes one at the other. */
#include "common/porch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/mem.h"
#include "common/tls.h"
#include "tests/lib/tls_caller.h"
#include "tests/lib/until.h"

#define HEAD "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
#define TAKE "GET /take HTTP/1.1\r\nHost: a\r\n\r\n"

enum { PATIENCE_MS = 10000, SNDBUF = 16384, MUCH = 700000 };

/* What waits between the two sides at the most: the kernel's buffers (it doubles what it is told)
 * of both sockets and of the client's, and the pump's records. */
#define WAITS_MAX (2 * SNDBUF + 2 * SNDBUF + 64 * 1024 + 4 * 16384)

struct house {
	struct loop *loop;
	char dir[64], certificate[80], key[80];
	struct tls *tls;
	struct porch_options opt;
	struct porch *porch;
	struct door *door;
	struct tls_caller caller;
	unsigned ends[PORCH_NO_HEADER + 1];
	int fd; /* what was taken */
	struct buf early;
	uint8_t got[65536];
	size_t len;
};

static void on_request(void *owner, struct visitor *v, const struct request *r)
{
	struct house *h = owner;

	if (span_is(r->path, "/take"))
		h->fd = door_take(v, &h->early);
	else
		door_answer(v, 200, "text/plain", NULL, SPAN("hello"));
}

static void on_end(void *owner, enum porch_end why)
{
	struct house *h = owner;

	h->ends[why]++;
}

static void open_house(struct house *h)
{
	struct door_options door = {.host = "127.0.0.1",
				    .max_visitors = 20,
				    .head_ns = 5 * NS_PER_S,
				    .answer_ns = 5 * NS_PER_S,
				    .sndbuf_bytes = SNDBUF,
				    .on_request = on_request,
				    .owner = h,
				    .on_accepted = porch_take};

	h->opt.tls = h->tls;
	h->porch = porch_new(h->loop, &h->opt);
	door.before = h->porch;
	assert_int_equal(door_open(h->loop, &door, &h->door), OK);
	porch_lead_to(h->porch, h->door);
}

static struct tls_files files(const struct house *h)
{
	return (struct tls_files){h->certificate, h->key};
}

static int setup(void **state)
{
	static struct house h;

	memset(&h, 0, sizeof h);
	h.loop = loop_new();
	h.fd = -1;
	h.caller.fd = -1;
	snprintf(h.dir, sizeof h.dir, "/tmp/moot-tunnel-XXXXXX");
	assert_non_null(mkdtemp(h.dir));
	snprintf(h.certificate, sizeof h.certificate, "%s/certificate.pem", h.dir);
	snprintf(h.key, sizeof h.key, "%s/key.pem", h.dir);
	tls_make_pair(h.certificate, h.key);
	const struct tls_files both = files(&h);

	assert_int_equal(tls_open(&both, &h.tls), OK);
	h.opt = (struct porch_options){.shake_ns = 5 * NS_PER_S,
				       .max_waiting = 10,
				       .sndbuf_bytes = SNDBUF,
				       .on_end = on_end,
				       .owner = &h};
	*state = &h;
	return 0;
}

static int teardown(void **state)
{
	struct house *h = *state;

	tls_caller_close(&h->caller);
	porch_free(&h->porch);
	door_close(&h->door);
	if (h->fd >= 0)
		close(h->fd);
	buf_fini(&h->early);
	tls_close(&h->tls);
	loop_free(&h->loop);
	unlink(h->certificate);
	unlink(h->key);
	rmdir(h->dir);
	return 0;
}

static bool has_heard_all(void *what)
{
	struct house *h = what;
	size_t len;

	while ((len = tls_caller_hear(&h->caller, h->got + h->len, sizeof h->got - h->len)) > 0)
		h->len += len;
	return h->caller.ended || h->caller.failed;
}

static bool is_taken(void *what)
{
	const struct house *h = what;

	return h->fd >= 0;
}

static bool is_alone(void *what)
{
	const struct house *h = what;

	return porch_streams(h->porch) == 0;
}

static void come_in(struct house *h, const char *say)
{
	tls_caller_open(&h->caller, door_port(h->door), NULL);
	assert_true(loop_until(h->loop, PATIENCE_MS, tls_caller_is_in, &h->caller));
	assert_false(h->caller.failed);
	assert_int_equal(tls_caller_say(&h->caller, span_str(say)), strlen(say));
}

static void be_taken(struct house *h)
{
	open_house(h);
	come_in(h, TAKE);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_taken, h));
}

static void request_is_answered_and_the_end_is_said(void **state)
{
	struct house *h = *state;

	open_house(h);
	come_in(h, HEAD);
	assert_true(loop_until(h->loop, PATIENCE_MS, has_heard_all, h));

	assert_true(h->caller.ended);
	assert_non_null(strstr((char *)h->got, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr((char *)h->got, "\r\n\r\nhello"));
	assert_int_equal(h->ends[PORCH_OK], 1);
	tls_caller_end(&h->caller);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_alone, h));
}

static void client_of_http_2_alone_is_refused(void **state)
{
	struct house *h = *state;

	open_house(h);
	tls_caller_open(&h->caller, door_port(h->door), "\x02h2");
	assert_true(loop_until(h->loop, PATIENCE_MS, tls_caller_is_in, &h->caller));
	assert_true(h->caller.failed);
	assert_int_equal(h->ends[PORCH_FAILED], 1);
	tls_caller_close(&h->caller);

	tls_caller_open(&h->caller, door_port(h->door), "\x02h2\x08http/1.1");
	assert_true(loop_until(h->loop, PATIENCE_MS, tls_caller_is_in, &h->caller));
	assert_false(h->caller.failed);
}

static bool is_late(void *what)
{
	const struct house *h = what;

	return h->ends[PORCH_LATE] == 1;
}

static void handshake_that_does_not_begin_ends(void **state)
{
	struct house *h = *state;

	h->opt.shake_ns = 60 * NS_PER_MS;
	open_house(h);
	tls_caller_open(&h->caller, door_port(h->door), NULL);

	assert_true(loop_until(h->loop, PATIENCE_MS, is_late, h));
	assert_int_equal(porch_streams(h->porch), 0);
}

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

struct flow { /* from one side to the other, in uneven pieces */
	struct house *h;
	size_t said, heard;
};

static bool server_says_client_hears(void *what)
{
	struct flow *f = what;
	uint8_t bytes[20000];

	for (size_t len = 1 + f->said % sizeof bytes; f->said < MUCH;) {
		for (size_t i = 0; i < len; i++)
			bytes[i] = byte_at(f->said + i);
		ssize_t sent = send(f->h->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent <= 0)
			break;
		f->said += (size_t)sent;
	}
	size_t len = tls_caller_hear(&f->h->caller, bytes, 1 + f->heard % sizeof bytes);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], byte_at(f->heard + i));
	f->heard += len;
	return f->heard >= MUCH;
}

static bool client_says_server_hears(void *what)
{
	struct flow *f = what;
	uint8_t bytes[20000];
	size_t len = 1 + f->said % sizeof bytes;

	if (f->said < MUCH) {
		for (size_t i = 0; i < len; i++)
			bytes[i] = byte_at(f->said + i);
		f->said += tls_caller_say(&f->h->caller, span_of(bytes, len));
	}
	ssize_t got = recv(f->h->fd, bytes, 1 + f->heard % sizeof bytes, MSG_DONTWAIT);
	for (ssize_t i = 0; i < got; i++)
		assert_int_equal(bytes[i], byte_at(f->heard + (size_t)i));
	f->heard += got > 0 ? (size_t)got : 0;
	return f->heard >= MUCH;
}

static void bytes_arrive_whole_and_in_order(void **state)
{
	struct house *h = *state;
	struct flow down = {.h = h}, up = {.h = h};

	be_taken(h);

	assert_true(loop_until(h->loop, PATIENCE_MS, server_says_client_hears, &down));
	assert_true(loop_until(h->loop, PATIENCE_MS, client_says_server_hears, &up));
	assert_false(h->caller.failed);
}

static void what_a_client_does_not_take_is_bounded(void **state)
{
	static uint8_t bytes[4096];
	struct house *h = *state;
	size_t said = 0, heard = 0, len;

	be_taken(h);
	for (int quiet = 0; quiet < 30; loop_for(h->loop, 2)) {
		ssize_t sent = send(h->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

		quiet = sent > 0 ? 0 : quiet + 1;
		said += sent > 0 ? (size_t)sent : 0;
		assert_true(said <= WAITS_MAX);
	}
	assert_true(said > SNDBUF);

	for (int i = 0; i < 2000 && heard < said; i++, loop_for(h->loop, 1)) {
		while ((len = tls_caller_hear(&h->caller, h->got, sizeof h->got)) > 0)
			heard += len;
	}
	assert_int_equal(heard, said);
}

static void what_the_server_does_not_take_is_bounded(void **state)
{
	static uint8_t bytes[4096];
	struct house *h = *state;
	size_t said = 0, heard = 0;

	be_taken(h);
	for (int quiet = 0; quiet < 30; loop_for(h->loop, 2)) {
		size_t sent = tls_caller_say(&h->caller, span_of(bytes, sizeof bytes));

		quiet = sent > 0 ? 0 : quiet + 1;
		said += sent;
		assert_true(said <= 4 * WAITS_MAX); /* the kernel grows what a socket may receive */
	}
	for (int i = 0; i < 2000 && heard < said; i++, loop_for(h->loop, 1)) {
		ssize_t len;

		while ((len = recv(h->fd, h->got, sizeof h->got, MSG_DONTWAIT)) > 0)
			heard += (size_t)len;
	}
	assert_int_equal(heard, said);
}

static bool server_hears_the_end(void *what)
{
	const struct house *h = what;
	uint8_t byte;

	return recv(h->fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void end_of_the_client_is_that_of_the_server(void **state)
{
	struct house *h = *state;

	be_taken(h);
	tls_caller_end(&h->caller);
	assert_true(loop_until(h->loop, PATIENCE_MS, server_hears_the_end, h));

	assert_int_equal(send(h->fd, "still", 5, MSG_NOSIGNAL), 5);
	close(h->fd);
	h->fd = -1;
	assert_true(loop_until(h->loop, PATIENCE_MS, has_heard_all, h));
	assert_true(h->caller.ended);
	assert_memory_equal(h->got, "still", 5);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_alone, h));
}

static void client_that_is_lost_is_noticed(void **state)
{
	struct house *h = *state;

	be_taken(h);
	tls_caller_close(&h->caller); /* no close_notify */

	assert_true(loop_until(h->loop, PATIENCE_MS, server_hears_the_end, h));
}

static void what_a_server_said_last_arrives_though_it_has_gone(void **state)
{
	static uint8_t bytes[100000];
	struct house *h = *state;
	ssize_t said;

	be_taken(h);
	assert_int_equal(tls_caller_say(&h->caller, SPAN("unread")), 6);
	loop_for(h->loop, 20);
	said = send(h->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_true(said > 0);
	close(h->fd);
	h->fd = -1;
	loop_for(h->loop, 50);
	assert_true(loop_until(h->loop, PATIENCE_MS, has_heard_all, h));

	assert_true(h->caller.ended);
	assert_int_equal(h->len, (size_t)said);
	assert_true(loop_until(h->loop, PATIENCE_MS, is_alone, h)); /* though it says no end */
}

static void new_pair_is_that_of_the_handshakes_to_come(void **state)
{
	struct house *h = *state;
	const struct tls_files both = files(h);

	be_taken(h);
	tls_make_pair(h->certificate, h->key);
	assert_int_equal(tls_load(h->tls, &both), OK);
	assert_int_equal(send(h->fd, "on", 2, MSG_NOSIGNAL), 2);
	loop_for(h->loop, 20);
	assert_int_equal(tls_caller_hear(&h->caller, h->got, sizeof h->got), 2);
}

static void pair_that_is_none_changes_nothing(void **state)
{
	struct house *h = *state;
	struct tls_files both = files(h);
	int64_t expires = tls_expires_unix_s(h->tls);
	char other[80];

	snprintf(other, sizeof other, "%s/other", h->dir);
	tls_make_pair(other, h->key);
	assert_int_equal(tls_load(h->tls, &both), ERR_SYSTEM);
	unlink(other);
	both.certificate = "/nowhere/certificate.pem";
	assert_int_equal(tls_load(h->tls, &both), ERR_SYSTEM);
	both = (struct tls_files){h->key, h->key};
	assert_int_equal(tls_load(h->tls, &both), ERR_SYSTEM);
	assert_int_equal(tls_expires_unix_s(h->tls), expires);
	open_house(h);
	come_in(h, HEAD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(request_is_answered_and_the_end_is_said),
		TEST(client_of_http_2_alone_is_refused),
		TEST(handshake_that_does_not_begin_ends),
		TEST(bytes_arrive_whole_and_in_order),
		TEST(what_a_client_does_not_take_is_bounded),
		TEST(what_the_server_does_not_take_is_bounded),
		TEST(end_of_the_client_is_that_of_the_server),
		TEST(client_that_is_lost_is_noticed),
		TEST(what_a_server_said_last_arrives_though_it_has_gone),
		TEST(new_pair_is_that_of_the_handshakes_to_come),
		TEST(pair_that_is_none_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
