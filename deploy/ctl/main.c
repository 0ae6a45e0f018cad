/* SPDX-License-Identifier: Apache-2.0 */
/* mootctl: the environment, then flags, then one command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/options_env.h"
#include "common/options_value.h"
#include "deploy/ctl/command.h"
#include "deploy/ctl/manual.h"

#define EXIT_CONFIG 78

static int run(struct ctl *, int argc, char **argv);
static int read_all(struct ctl *, int argc, char **argv, const struct command **);
static bool read_word(struct ctl *, const char *word, const struct command **);
static bool read_flag(struct ctl *, char **argv, int *at);
static bool print_word(struct ctl *, const char *arg);

int main(int argc, char **argv)
{
	struct ctl c = {.json = false};

	buf_init(&c.out, CTL_OUT_MAX);
	buf_init(&c.why, CTL_OUT_MAX);
	options_init(&ctl_option_table, &c.opt);
	int rc = run(&c, argc, argv);
	ctl_flush(&c);
	if (c.why.len > 0 && rc != CTL_DONE && rc != CTL_NOT_READY)
		fprintf(stderr, "mootctl: %.*s\n", SPAN_ARGS(buf_span(&c.why)));
	options_fini(&ctl_option_table, &c.opt);
	buf_fini(&c.out);
	buf_fini(&c.why);
	return rc;
}

static int run(struct ctl *c, int argc, char **argv)
{
	bool *given = mem_new(ctl_option_table.count * sizeof *given);
	enum err e = options_env_read(&ctl_option_table, environ, &c->opt, given, &c->why);
	const struct command *command = NULL;

	mem_free(given);
	if (e)
		return EXIT_CONFIG;
	int rc = read_all(c, argc, argv, &command);
	if (rc != CTL_DONE || c->out.len > 0)
		return rc;
	if (!command) {
		manual_put_help(&c->why);
		return CTL_USAGE;
	}
	return command_takes(command, c) ? command->run(c) : CTL_USAGE;
}

/* Flags may stand anywhere; after -- everything is a word. */
static int read_all(struct ctl *c, int argc, char **argv, const struct command **command)
{
	bool words_only = false;

	for (int i = 1; i < argc; i++) {
		bool is_flag = !words_only && argv[i][0] == '-' && argv[i][1];
		bool good = true;

		if (is_flag && print_word(c, argv[i]))
			return CTL_DONE;
		if (is_flag && strcmp(argv[i], "--") == 0)
			words_only = true;
		else
			good = is_flag ? read_flag(c, argv, &i) : read_word(c, argv[i], command);
		if (!good)
			return CTL_USAGE;
	}
	return CTL_DONE;
}

static bool read_word(struct ctl *c, const char *word, const struct command **command)
{
	if (!*command) {
		*command = command_find(word);
		if (!*command)
			(void)ctl_fail(c, "there is no command \"%s\"; mootctl help lists them",
				       word);
		return *command;
	}
	if (c->arg_count == CTL_ARGS_MAX - 1) {
		c->arg_count = CTL_ARGS_MAX; /* more than any command takes */
		return command_takes(*command, c);
	}
	c->args[c->arg_count++] = word;
	return true;
}

static bool read_flag(struct ctl *c, char **argv, int *at)
{
	const char *arg = argv[*at], *equals = strchr(arg, '=');
	struct buf reason;

	if (strcmp(arg, "--json") == 0)
		return c->json = true;
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct option_row *row = option_find_flag(&ctl_option_table, span_of(arg, len));
	if (!row) {
		(void)ctl_fail(c, "unknown flag %.*s; mootctl help lists them", (int)len, arg);
		return false;
	}
	const char *value = equals ? equals + 1 : argv[++*at];
	if (!value) {
		(void)ctl_fail(c, "%s needs a value", arg);
		return false;
	}
	buf_init(&reason, 256);
	bool good = option_store(row, value, &c->opt, &reason) == OK;
	if (!good)
		(void)ctl_fail(c, "\"%s\" is no good for %.*s: %.*s", value, (int)len, arg,
			       SPAN_ARGS(buf_span(&reason)));
	buf_fini(&reason);
	return good;
}

/* The words that only print. */
static bool print_word(struct ctl *c, const char *arg)
{
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		manual_put_help(&c->out);
	else if (strcmp(arg, "--version") == 0)
		buf_printf(&c->out, "mootctl %s\n", ctl_option_table.version);
	else if (strcmp(arg, "--print-man") == 0)
		manual_put_page(&c->out);
	return c->out.len > 0;
}
