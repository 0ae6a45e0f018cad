/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that are read again while a process runs. */
#include "common/options_reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/buf.h"
#include "common/options_man.h"
#include "tests/unit/options_sample.h"

static const struct option_table table = {
	.program = "moot-sample",
	.summary = "An imaginary process.",
	.version = "1.2.3",
	.live = "public.sndbuf drain.spread database.url",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct sample),
};

static char path[] = "/tmp/moot-reload-XXXXXX";
static char program[] = "moot-sample", config[] = "-c", flag[] = "--drain-ask-twice=false";
static char *argv[] = {program, config, path, flag, NULL};
static char *environment[] = {NULL};

static void write_file(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void reload_changes_what_is_live_and_nothing_else(void **state)
{
	struct sample opt;

	(void)state;
	write_file("[public]\nsndbuf = 8k\nport = 1000\n");
	options_load(&table, 4, argv, environment, &opt);
	struct options_reload *r = options_reload_new(&table, 4, argv, environment, &opt);

	write_file("[public]\nsndbuf = 16k\nport = 2000\n[database]\nurl = other\n");
	assert_true(options_reload_run(r));

	assert_int_equal(opt.public_sndbuf, 16384);
	assert_int_equal(opt.public_port, 1000);
	assert_string_equal(opt.database_url, "other");
	assert_false(opt.drain_ask_twice);
	options_reload_free(&r);
	options_fini(&table, &opt);
}

static void reload_of_settings_that_are_no_good_changes_nothing(void **state)
{
	struct sample opt;

	(void)state;
	write_file("[public]\nsndbuf = 8k\n");
	options_load(&table, 4, argv, environment, &opt);
	struct options_reload *r = options_reload_new(&table, 4, argv, environment, &opt);

	write_file("[public]\nsndbuf = 16k\n[drain]\nspread = soon\n");
	assert_false(options_reload_run(r));
	assert_int_equal(opt.public_sndbuf, 8192);

	write_file("[public]\nsndbuf = 16k\n");
	assert_true(options_reload_run(r));
	assert_int_equal(opt.public_sndbuf, 16384);
	options_reload_free(&r);
	options_fini(&table, &opt);
}

/* What a process has set by itself is not in the file: it stays. */
static void reload_goes_by_what_was_read_last(void **state)
{
	struct sample opt;

	(void)state;
	write_file("[public]\nsndbuf = 8k\n");
	options_load(&table, 4, argv, environment, &opt);
	struct options_reload *r = options_reload_new(&table, 4, argv, environment, &opt);

	opt.public_sndbuf = 5000;
	assert_true(options_reload_run(r));

	assert_int_equal(opt.public_sndbuf, 5000);
	options_reload_free(&r);
	options_fini(&table, &opt);
}

static void manual_has_every_option_and_says_what_is_live(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1 << 20);
	options_put_man(&table, &out);
	buf_put_u8(&out, 0);
	const char *text = (const char *)out.p;
	assert_non_null(strstr(text, ".TH moot\\-sample 8 \"\" \"Moothall 1.2.3\"\n"));
	assert_non_null(strstr(text, ".BR \\-\\-public\\-sndbuf \" (MOOT_PUBLIC_SNDBUF)\"\n"
				     "Kernel buffer per client. Default: 64k. SIGHUP.\n"));
	assert_non_null(strstr(text, "TCP port; 0: any free one. Default: 8080.\n"));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_changes_what_is_live_and_nothing_else),
		cmocka_unit_test(reload_of_settings_that_are_no_good_changes_nothing),
		cmocka_unit_test(reload_goes_by_what_was_read_last),
		cmocka_unit_test(manual_has_every_option_and_says_what_is_live),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
