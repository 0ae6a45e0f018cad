/* SPDX-License-Identifier: Apache-2.0 */
/* The options of an imaginary process: parsing, precedence, and what is said when they are wrong.
 * What ends the process runs in a child. */
#include "common/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/mem.h"
#include "tests/unit/options_sample.h"

static const struct option_table table = {
	.program = "moot-sample",
	.summary = "An imaginary process.",
	.version = "1.2.3",
	.rows = rows,
	.count = ARRAY_LEN(rows),
	.struct_size = sizeof(struct sample),
};

/* What a process with these arguments and variables prints, both streams together, and its status.
 */
struct run {
	char text[16384];
	int status;
};

static void load_in_child(const char *const *args, const char *const *variables)
{
	struct sample s;
	int count = 0;

	while (args[count])
		count++;
	options_load(&table, count, (char **)(uintptr_t)args, (char **)(uintptr_t)variables, &s);
	printf("host=%s port=%lld sndbuf=%zu spread=%lldms twice=%d url=%s\n", s.public_host,
	       (long long)s.public_port, s.public_sndbuf,
	       (long long)(s.drain_spread_ns / NS_PER_MS), s.drain_ask_twice, s.database_url);
	options_fini(&table, &s);
	exit(0);
}

static void run(struct run *r, const char *const *args, const char *const *variables)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		dup2(fileno(f), STDOUT_FILENO);
		dup2(fileno(f), STDERR_FILENO);
		load_in_child(args, variables);
	}
	assert_int_equal(waitpid(child, &r->status, 0), child);
	assert_true(WIFEXITED(r->status));
	r->status = WEXITSTATUS(r->status);
	rewind(f);
	r->text[fread(r->text, 1, sizeof(r->text) - 1, f)] = 0;
	fclose(f);
}

/* lists that end in NULL */
#define ARGS(...) ((const char *const[12]){"moot-sample", __VA_ARGS__})
#define VARIABLES(...) ((const char *const[12]){"HOME=/", __VA_ARGS__})

static void check(const char *const *args, const char *const *variables, int status,
		  const char *part)
{
	struct run r;

	run(&r, args, variables);
	if (!strstr(r.text, part) || r.status != status)
		print_message("said: %s(status %d)\n", r.text, r.status);
	assert_non_null(strstr(r.text, part));
	assert_int_equal(r.status, status);
}

static char *file_with(const char *text)
{
	static char path[64];
	snprintf(path, sizeof(path), "/tmp/moot-options-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void defaults_come_from_the_table(void **state)
{
	(void)state;
	check(ARGS(), VARIABLES(), 0,
	      "host=0.0.0.0 port=8080 sndbuf=65536 spread=20000ms twice=1 url=\n");
}

static void flag_beats_environment_beats_file(void **state)
{
	char *file =
		file_with("[public]\nhost = file\nport = 1\nsndbuf = 5k\n[drain]\nspread = 3s\n");

	(void)state;
	check(ARGS("-c", file, "--public-host", "flag"),
	      VARIABLES("MOOT_PUBLIC_HOST=env", "MOOT_PUBLIC_PORT=2"), 0,
	      "host=flag port=2 sndbuf=5120 spread=3000ms");
	unlink(file);
}

static void config_printed_names_sources_and_hides_secrets(void **state)
{
	char *file = file_with("[public]\nport = 1\n");
	struct run r;

	(void)state;
	run(&r, ARGS("--config", file, "--drain-spread=90s", "--print-config"),
	    VARIABLES("MOOT_DATABASE_URL=hunter2"));
	unlink(file);
	assert_int_equal(r.status, 0);
	assert_string_equal(
		r.text,
		"[public]\nhost = 0.0.0.0 ; default\nport = 1 ; file\nsndbuf = 64k ; default\n"
		"\n[drain]\nspread = 90s ; flag\nask_twice = true ; default\n"
		"\n[database]\nurl = ******** ; environment\n");
}

static void secret_is_read_from_a_file_of_its_own(void **state)
{
	char variable[128], *file = file_with("postgresql://h/db\n");

	(void)state;
	snprintf(variable, sizeof(variable), "MOOT_DATABASE_URL_FILE=%s", file);
	check(ARGS(), VARIABLES(variable), 0, "url=postgresql://h/db\n");
	check(ARGS(), VARIABLES(variable, "MOOT_DATABASE_URL=x"), 78,
	      "MOOT_DATABASE_URL and MOOT_DATABASE_URL_FILE are both set: unset one");
	unlink(file);
	check(ARGS(), VARIABLES(variable), 78, "cannot read /tmp/moot-options-");
}

static void wrong_flag_exits_2_with_a_sentence(void **state)
{
	(void)state;
	check(ARGS("--publik-port", "1"), VARIABLES(), 2,
	      "moot-sample: unknown flag --publik-port; did you mean --public-port?\n");
	check(ARGS("--zzz"), VARIABLES(), 2, "unknown flag --zzz; --help lists them all\n");
	check(ARGS("--public-port", "70000"), VARIABLES(), 2,
	      "\"70000\" is no good for --public-port: give a number from 0 to 65535\n");
	check(ARGS("--public-port"), VARIABLES(), 2, "--public-port needs a value\n");
	check(ARGS("--health"), VARIABLES(), 2, "unknown flag --health"); /* of no internal port */
	check(ARGS("-c"), VARIABLES(), 2, "-c needs a value\n");
	check(ARGS("start"), VARIABLES(), 2, "\"start\" is not a flag");
	check(ARGS("--drain-ask-twice=maybe"), VARIABLES(), 2, "give true or false\n");
}

static void wrong_file_or_variable_exits_78_with_its_place(void **state)
{
	char want[256], *file = file_with("; first\n[public]\n\n  prot = 1\n");

	(void)state;
	snprintf(want, sizeof(want),
		 "moot-sample: %s:4: unknown option \"prot\" in [public]; did you mean \"port\"?\n",
		 file);
	check(ARGS("-c", file), VARIABLES(), 78, want);
	unlink(file);
	check(ARGS("-c", "/nowhere/at/all"), VARIABLES(), 78,
	      "cannot read /nowhere/at/all: No such file");
	check(ARGS("-c", "/"), VARIABLES(), 78, "cannot read /");
	check(ARGS(), VARIABLES("MOOT_DRAIN_SPREAD=2d"), 78,
	      "\"2d\" is no good for MOOT_DRAIN_SPREAD: give a time from 0ms to 10m, such as "
	      "500ms, 2s or 1m\n");
	check(ARGS("--check-config"), VARIABLES("MOOT_PUBLIC_PORT=x"), 78, "MOOT_PUBLIC_PORT");
}

static void unknown_variable_is_a_warning_unless_it_is_a_shared_one(void **state)
{
	struct run r;

	(void)state;
	run(&r, ARGS("--check-config"),
	    VARIABLES("MOOT_PUBLIC_PROT=1", "MOOT_PUBLIC_URLS=a", "MOOT_LOGS=x"));
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(
		r.text, "warning: the variable MOOT_PUBLIC_PROT is no option and is ignored\n"));
	assert_null(strstr(r.text, "MOOT_PUBLIC_URLS"));
	assert_null(strstr(r.text, "MOOT_LOGS"));
	assert_non_null(strstr(r.text, "the configuration is good\n"));
}

static void flags_that_print_work_whatever_the_file_says(void **state)
{
	(void)state;
	check(ARGS("-c", "/nowhere", "--version"), VARIABLES(), 0, "moot-sample 1.2.3\n");
	check(ARGS("-h"), VARIABLES("MOOT_PUBLIC_PORT=x"), 0, "--public-port N ");
	check(ARGS("--help"), VARIABLES(), 0, "TCP port; 0: any free one. (8080)\n");
	check(ARGS("--print-sample"), VARIABLES(), 0,
	      "; TCP port; 0: any free one.\n#port = 8080\n");
}

static void sample_with_its_options_enabled_is_the_defaults(void **state)
{
	struct sample s, fresh;
	struct buf text, why;

	(void)state;
	buf_init(&text, 65536);
	buf_init(&why, 4096);
	options_put_sample(&table, &text);
	for (size_t i = 0; i < text.len; i++)
		if (text.p[i] == '#' && text.p[i - 1] == '\n')
			text.p[i] = ' ';
	options_init(&table, &s);
	options_init(&table, &fresh);
	assert_int_equal(options_read_ini(&table, buf_span(&text), "sample", &s, &why), OK);
	assert_memory_equal(&s, &fresh, sizeof(s));
	options_fini(&table, &s);
	options_fini(&table, &fresh);
	buf_fini(&text);
	buf_fini(&why);
}

static void check_ini(const char *text, enum err want, const char *said)
{
	struct sample s;
	struct buf why;

	buf_init(&why, 4096);
	options_init(&table, &s);
	assert_int_equal(options_read_ini(&table, span_str(text), "f", &s, &why), want);
	if (!span_starts(buf_span(&why), said))
		print_message("said: %.*s\n", SPAN_ARGS(buf_span(&why)));
	assert_true(span_starts(buf_span(&why), said));
	assert_true((why.len > 0) == (want != OK));
	options_fini(&table, &s);
	buf_fini(&why);
}

static void ini_error_names_line_and_nearest_option(void **state)
{
	(void)state;
	check_ini("", OK, "");
	check_ini("\xef\xbb\xbf[public]\r\nport = 1 ; why\r\n# no\r\n", OK, "");
	check_ini("[public]\nport\n", ERR_BAD_REQUEST, "f:2: expected [section] or key = value");
	check_ini("[public\n", ERR_BAD_REQUEST, "f:1: expected [section]");
	check_ini("port = 1\n", ERR_BAD_REQUEST,
		  "f:1: unknown option \"port\" before any [section]; did you mean \"port\" in "
		  "[public]?");
	check_ini("[drain]\nport = 1\n", ERR_BAD_REQUEST,
		  "f:2: unknown option \"port\" in [drain]; did you mean \"port\" in [public]?");
	check_ini("[public]\nhost = a\nport = x\nprot = 1\n", ERR_BAD_REQUEST,
		  "f:3: \"x\" is no good for port in [public]: give a number");
	check_ini("[public]\nwholly_else = 1\n", ERR_BAD_REQUEST,
		  "f:2: unknown option \"wholly_else\" in [public]");
}

static void ini_line_that_is_too_long_or_binary_is_refused(void **state)
{
	static const char nul[] = "[public]\nho\0st = 1\n";
	char text[5000];
	struct sample s;
	struct buf why;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[public]\nhost = ", 16);
	text[sizeof(text) - 1] = 0;
	check_ini(text, ERR_BAD_REQUEST, "f:2: this line is too long");

	buf_init(&why, 4096);
	options_init(&table, &s);
	assert_int_equal(options_read_ini(&table, span_of(nul, sizeof(nul) - 1), "f", &s, &why),
			 ERR_BAD_REQUEST);
	assert_true(span_is(buf_span(&why), "f:2: there is a NUL byte in this line"));
	options_fini(&table, &s);
	buf_fini(&why);
}

static void ini_indented_line_is_an_option_of_its_own(void **state)
{
	struct sample s;
	struct buf why;

	(void)state;
	buf_init(&why, 4096);
	options_init(&table, &s);
	assert_int_equal(
		options_read_ini(&table, SPAN("[public]\n  host = a\n\tport = 5\n"), "f", &s, &why),
		OK);
	assert_string_equal(s.public_host, "a");
	assert_int_equal(s.public_port, 5);
	options_fini(&table, &s);
	buf_fini(&why);
}

static void check_set(const char *section, const char *name, const char *value, bool good)
{
	struct sample s;
	struct buf why;

	buf_init(&why, 4096);
	options_init(&table, &s);
	enum err e = options_set(&table, section, name, value, &s, &why);
	assert_int_equal(e, good ? OK : ERR_BAD_REQUEST);
	assert_true((why.len > 0) == !good);
	options_fini(&table, &s);
	buf_fini(&why);
}

static void numbers_times_and_sizes_are_parsed_strictly(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"500ms", 500}, {"2s", 2000}, {"1m", 60000}, {"7", 7}, {"2S", 2000}};
	static const char *const bad[] = {"",
					  " 1",
					  "1 ",
					  "1.5s",
					  "-1",
					  "+1",
					  "0x10",
					  "s",
					  "2ss",
					  "601s",
					  "1h",
					  "9223372036854775807",
					  "9223372036854775807m",
					  "99999999999999999999"};
	struct sample s;
	struct buf why;

	(void)state;
	buf_init(&why, 4096);
	options_init(&table, &s);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(options_set(&table, "drain", "spread", good[i].text, &s, &why),
				 OK);
		assert_int_equal(s.drain_spread_ns / NS_PER_MS, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_set("drain", "spread", bad[i], false);
	check_set("public", "sndbuf", "1m", true);
	check_set("public", "sndbuf", "4k", true);
	check_set("public", "sndbuf", "4095", false);
	check_set("public", "sndbuf", "1g", false);
	check_set("public", "port", "8k", false);
	check_set("drain", "ask_twice", "OFF", true);
	check_set("drain", "ask_twice", "2", false);
	check_set("public", "none", "2", false);
	options_fini(&table, &s);
	buf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_come_from_the_table),
		cmocka_unit_test(flag_beats_environment_beats_file),
		cmocka_unit_test(config_printed_names_sources_and_hides_secrets),
		cmocka_unit_test(secret_is_read_from_a_file_of_its_own),
		cmocka_unit_test(wrong_flag_exits_2_with_a_sentence),
		cmocka_unit_test(wrong_file_or_variable_exits_78_with_its_place),
		cmocka_unit_test(unknown_variable_is_a_warning_unless_it_is_a_shared_one),
		cmocka_unit_test(flags_that_print_work_whatever_the_file_says),
		cmocka_unit_test(sample_with_its_options_enabled_is_the_defaults),
		cmocka_unit_test(ini_error_names_line_and_nearest_option),
		cmocka_unit_test(ini_line_that_is_too_long_or_binary_is_refused),
		cmocka_unit_test(ini_indented_line_is_an_option_of_its_own),
		cmocka_unit_test(numbers_times_and_sizes_are_parsed_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
