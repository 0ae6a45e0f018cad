/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation, and how a bug of ours ends. */
#include "common/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/span.h"

static void mem_new_is_zeroed(void **state)
{
	static const uint8_t zero[333];
	uint8_t *p = mem_new(sizeof(zero));

	(void)state;
	assert_memory_equal(p, zero, sizeof(zero));
	mem_free(p);
	mem_free(NULL);
}

static void mem_copies_are_independent_and_never_null(void **state)
{
	char text[] = "text";
	char *copy = mem_str(text);
	void *nothing = mem_copy(NULL, 0);

	(void)state;
	text[0] = 'n';
	assert_string_equal(copy, "text");
	assert_non_null(nothing);
	copy = mem_grow(copy, 1000);
	assert_string_equal(copy, "text");
	mem_free(copy);
	mem_free(nothing);
}

static void violated_must_aborts_and_says_where(void **state)
{
	char said[256] = "";
	int pipe_fds[2];

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(pipe_fds[1], STDERR_FILENO);
		must(1 + 1 == 3);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_true(read(pipe_fds[0], said, sizeof(said) - 1) > 0);
	assert_non_null(strstr(said, "must=\"1 + 1 == 3\" at="));
	assert_non_null(strstr(said, "test_mem.c:"));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mem_new_is_zeroed),
		cmocka_unit_test(mem_copies_are_independent_and_never_null),
		cmocka_unit_test(violated_must_aborts_and_says_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
