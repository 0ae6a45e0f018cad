/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe makes of a port that answers, of one that refuses, of one that is silent and of
 * none. */
#include "common/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct port {
	int fd;
	uint16_t number;
};

static struct port port_open(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof at;
	struct port p = {.fd = socket(AF_INET, SOCK_STREAM, 0)};

	assert_int_equal(bind(p.fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(p.fd, 1), 0);
	assert_int_equal(getsockname(p.fd, (struct sockaddr *)&at, &len), 0);
	p.number = ntohs(at.sin_port);
	return p;
}

/* The first caller must ask for `path`, and is answered this. */
static void answer_once(struct port p, const char *path, const char *answer)
{
	char asked[512] = "", want[64];
	int fd = accept(p.fd, NULL, NULL);

	snprintf(want, sizeof want, "GET %s HTTP/1.1\r\n", path);
	if (fd < 0 || recv(fd, asked, sizeof asked - 1, 0) <= 0 ||
	    strncmp(asked, want, strlen(want)))
		_exit(1);
	if (send(fd, answer, strlen(answer), 0) < 0)
		_exit(1);
	close(fd);
	_exit(0);
}

static void check(const char *answer, bool good, const char *said)
{
	struct port p = port_open();
	struct buf text;
	int status;
	pid_t child = fork();

	if (child == 0)
		answer_once(p, "/healthz", answer);
	buf_init(&text, 4096);
	assert_int_equal(probe_ask("127.0.0.1", p.number, "/healthz", &text), good);
	assert_true(span_is(buf_span(&text), said));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	buf_fini(&text);
	close(p.fd);
}

static void answer_200_is_good(void **state)
{
	(void)state;
	check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", true, "ok\n");
}

static void any_other_answer_is_bad_and_is_said(void **state)
{
	(void)state;
	check("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"ready\":false}\n", false,
	      "{\"ready\":false}\n");
	check("HTTP/1.1 2000 OK\r\n\r\n", false, "");
	check("HTTP/1.1 200 OK\r\n", false, "");
	check("SSH-2.0\r\n\r\n", false, "");
}

static void addresses_to_listen_on_mean_this_machine(void **state)
{
	static const char *const any[] = {"", "*", "0.0.0.0", "::"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(any); i++) {
		struct port p = port_open();
		struct buf text;
		pid_t child = fork();

		if (child == 0)
			answer_once(p, "/", "HTTP/1.1 200 OK\r\n\r\n");
		buf_init(&text, 4096);
		assert_true(probe_ask(any[i], p.number, "/", &text));
		assert_int_equal(waitpid(child, NULL, 0), child);
		buf_fini(&text);
		close(p.fd);
	}
}

static void nobody_there_is_bad_and_says_where(void **state)
{
	struct port p = port_open();
	struct buf text;
	char where[32];

	(void)state;
	close(p.fd);
	snprintf(where, sizeof where, "port %u", p.number);
	buf_init(&text, 4096);
	assert_false(probe_ask("127.0.0.1", p.number, "/healthz", &text));
	assert_non_null(memmem(text.p, text.len, where, strlen(where)));
	buf_fini(&text);
}

static void silence_is_bad(void **state)
{
	struct port p = port_open(); /* the kernel takes the call, nobody answers it */
	struct buf text;

	(void)state;
	buf_init(&text, 4096);
	assert_false(probe_ask("127.0.0.1", p.number, "/healthz", &text));
	assert_non_null(memmem(text.p, text.len, "no answer", 9));
	buf_fini(&text);
	close(p.fd);
}

static void answer_without_end_is_bad(void **state)
{
	struct port p = port_open();
	struct buf text;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		int fd = accept(p.fd, NULL, NULL);
		char page[4096];

		memset(page, 'x', sizeof page);
		while (send(fd, page, sizeof page, MSG_NOSIGNAL) > 0)
			;
		_exit(0);
	}
	buf_init(&text, 4096);
	assert_false(probe_ask("127.0.0.1", p.number, "/healthz", &text));
	assert_int_equal(waitpid(child, NULL, 0), child);
	buf_fini(&text);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_200_is_good),
		cmocka_unit_test(any_other_answer_is_bad_and_is_said),
		cmocka_unit_test(addresses_to_listen_on_mean_this_machine),
		cmocka_unit_test(nobody_there_is_bad_and_says_where),
		cmocka_unit_test(silence_is_bad),
		cmocka_unit_test(answer_without_end_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
