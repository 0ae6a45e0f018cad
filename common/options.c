/* SPDX-License-Identifier: Apache-2.0 */
/* Where options come from, in rising order: default, file, environment, flags. Ends the process for
 * what is wrong and for the flags that only print. */
#include "common/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/options_env.h"
#include "common/options_ini.h"
#include "common/options_man.h"
#include "common/options_print.h"
#include "common/options_value.h"
#include "common/probe.h"

#define TEXT_MAX_BYTES (1024 * 1024)
#define EXIT_USAGE 2
#define EXIT_CONFIG 78 /* sysexits.h: a supervisor need not try again */

enum action {
	RUN,
	PRINT_HELP,
	PRINT_VERSION,
	PRINT_SAMPLE,
	PRINT_MAN,
	PRINT_CONFIG,
	CHECK_CONFIG,
	ASK_HEALTH,
	ASK_READY
};

struct loading {
	const struct option_table *table;
	void *out;
	enum option_source *source; /* one per row */
	const char *config;         /* the INI file, or NULL */
	enum action action;
	struct buf why;
};

static void scan_flags(struct loading *l, int argc, char **argv, bool apply);
static bool take_action(struct loading *l, const char *arg);
static void apply_flag(struct loading *l, const char *flag, size_t len, const char *value);
static void say_unknown_flag(struct loading *l, const char *flag, size_t len);
static void print_early(struct loading *l);
static void read_config(struct loading *l);
static void read_environment(struct loading *l, char **environ_);
static void mark(struct loading *l, const bool *given, enum option_source source);
static void print_warnings(const struct loading *l, char **environ_);
static void print_late(struct loading *l);
NO_RETURN static void ask(struct loading *l, const char *path);
NO_RETURN static void print_and_exit(struct buf *text);
NO_RETURN static void fail(struct loading *l, int status);

void options_init(const struct option_table *table, void *out)
{
	struct buf why;

	memset(out, 0, table->struct_size);
	buf_init(&why, 256);
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].name)
			must(option_store(&table->rows[i], table->rows[i].fallback, out, &why) ==
			     OK);
	buf_fini(&why);
}

void options_fini(const struct option_table *table, void *out)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct option_row *row = &table->rows[i];
		if (row->name && (row->kind == OPTION_STR || row->kind == OPTION_SECRET))
			must(option_store(row, row->fallback, out, NULL) == OK);
	}
}

enum err options_set(const struct option_table *table, const char *section, const char *name,
		     const char *value, void *out, struct buf *why)
{
	const struct option_row *row = option_find(table, span_str(section), span_str(name));

	if (row)
		return option_store(row, value, out, why);
	buf_printf(why, "unknown option \"%s\" in [%s]", name, section);
	return ERR_BAD_REQUEST;
}

void options_load(const struct option_table *table, int argc, char **argv, char **environ_,
		  void *out)
{
	struct loading l = {.table = table, .out = out};

	l.source = mem_new(table->count * sizeof(*l.source));
	buf_init(&l.why, TEXT_MAX_BYTES);
	options_init(table, out);
	scan_flags(&l, argc, argv, false);
	print_early(&l);
	read_config(&l);
	read_environment(&l, environ_);
	scan_flags(&l, argc, argv, true);
	print_warnings(&l, environ_);
	print_late(&l);
	buf_fini(&l.why);
	mem_free(l.source);
}

/* Twice: first what decides where the rest comes from and what is printed, then the options. */
static void scan_flags(struct loading *l, int argc, char **argv, bool apply)
{
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *equals = strchr(arg, '=');
		bool is_config = strcmp(arg, "-c") == 0 || strcmp(arg, "--config") == 0;
		size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
		if (take_action(l, arg))
			continue;
		if (!is_config && strncmp(arg, "--config=", 9) != 0 &&
		    !option_find_flag(l->table, span_of(arg, len)))
			say_unknown_flag(l, arg, len);
		const char *value = equals ? equals + 1 : argv[++i];
		if (!value) {
			buf_printf(&l->why, "%s needs a value", arg);
			fail(l, EXIT_USAGE);
		}
		if (is_config || strncmp(arg, "--config=", 9) == 0)
			l->config = value;
		else if (apply)
			apply_flag(l, arg, len, value);
	}
}

static bool take_action(struct loading *l, const char *arg)
{
	static const struct {
		const char *arg;
		enum action action;
	} actions[] = {
		{"--help", PRINT_HELP},           {"-h", PRINT_HELP},
		{"--version", PRINT_VERSION},     {"--print-sample", PRINT_SAMPLE},
		{"--print-config", PRINT_CONFIG}, {"--check-config", CHECK_CONFIG},
		{"--health", ASK_HEALTH},         {"--ready", ASK_READY},
		{"--print-man", PRINT_MAN},
	};

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(arg, actions[i].arg) == 0) {
			l->action = actions[i].action;
			return l->action < ASK_HEALTH || options_internal_port(l->table);
		}
	return false;
}

static void apply_flag(struct loading *l, const char *flag, size_t len, const char *value)
{
	const struct option_row *row = option_find_flag(l->table, span_of(flag, len));
	struct buf reason;

	buf_init(&reason, 256);
	if (option_store(row, value, l->out, &reason)) {
		buf_printf(&l->why, "\"%s\" is no good for %.*s: ", value, (int)len, flag);
		buf_put_span(&l->why, buf_span(&reason));
		fail(l, EXIT_USAGE);
	}
	buf_fini(&reason);
	l->source[row - l->table->rows] = SOURCE_FLAG;
}

static void say_unknown_flag(struct loading *l, const char *flag, size_t len)
{
	if (flag[0] != '-') {
		buf_printf(&l->why, "\"%s\" is not a flag: options are --name VALUE; see --help",
			   flag);
		fail(l, EXIT_USAGE);
	}
	struct span name = span_of(flag, len);
	while (name.len && name.p[0] == '-')
		name = span_from(name, 1);
	struct span section = span_until(&name, '-');
	const struct option_row *near = option_nearest(l->table, section, name);
	buf_printf(&l->why, "unknown flag %.*s", (int)len, flag);
	if (near) {
		char meant[OPTION_NAME_MAX];
		option_flag(near, meant);
		buf_printf(&l->why, "; did you mean %s?", meant);
	} else {
		buf_put_str(&l->why, "; --help lists them all");
	}
	fail(l, EXIT_USAGE);
}

/* What does not depend on any setting, so that it works whatever the file says. */
static void print_early(struct loading *l)
{
	struct buf text;

	if (l->action == RUN || l->action >= PRINT_CONFIG)
		return;
	buf_init(&text, TEXT_MAX_BYTES);
	if (l->action == PRINT_HELP)
		options_put_help(l->table, &text);
	else if (l->action == PRINT_SAMPLE)
		options_put_sample(l->table, &text);
	else if (l->action == PRINT_MAN)
		options_put_man(l->table, &text);
	else
		buf_printf(&text, "%s %s\n", l->table->program, l->table->version);
	print_and_exit(&text);
}

static void read_config(struct loading *l)
{
	if (!l->config)
		return;
	char *text = options_text(l->config, &l->why);
	if (!text)
		fail(l, EXIT_CONFIG);
	bool *given = mem_new(l->table->count * sizeof(*given));
	struct options_ini ini = {
		.table = l->table,
		.text = span_str(text),
		.file_name = l->config,
		.out = l->out,
		.why = &l->why,
		.given = given,
	};
	if (options_ini_read(&ini))
		fail(l, EXIT_CONFIG);
	mark(l, given, SOURCE_FILE);
	mem_free(given);
	mem_free(text);
}

static void read_environment(struct loading *l, char **environ_)
{
	bool *given = mem_new(l->table->count * sizeof(*given));

	if (options_env_read(l->table, environ_, l->out, given, &l->why))
		fail(l, EXIT_CONFIG);
	mark(l, given, SOURCE_ENVIRONMENT);
	mem_free(given);
}

static void mark(struct loading *l, const bool *given, enum option_source source)
{
	for (size_t i = 0; i < l->table->count; i++)
		if (given[i])
			l->source[i] = source;
}

static void print_warnings(const struct loading *l, char **environ_)
{
	for (char **at = environ_; *at; at++)
		if (options_env_is_stray(l->table, *at))
			fprintf(stderr,
				"%s: warning: the variable %.*s is no option and is ignored\n",
				l->table->program, (int)strcspn(*at, "="), *at);
}

static void print_late(struct loading *l)
{
	struct buf text;

	if (l->action == RUN)
		return;
	if (l->action >= ASK_HEALTH)
		ask(l, l->action == ASK_HEALTH ? "/healthz" : "/readyz");
	buf_init(&text, TEXT_MAX_BYTES);
	if (l->action == PRINT_CONFIG)
		options_put_config(l->table, l->out, l->source, &text);
	else
		buf_printf(&text, "%s: the configuration is good\n", l->table->program);
	print_and_exit(&text);
}

/* The process that runs with these settings. */
static void ask(struct loading *l, const char *path)
{
	const struct option_row *port_row = options_internal_port(l->table);
	const struct option_row *host_row = option_find(l->table, SPAN("internal"), SPAN("host"));
	const char *base = l->out;
	int64_t port = *(const int64_t *)(const void *)(base + port_row->offset);
	const char *host =
		host_row ? *(const char *const *)(const void *)(base + host_row->offset) : "";
	struct buf said;

	if (!port) {
		buf_put_str(&l->why, "internal.port is 0, any free one: nobody knows which to ask; "
				     "set it");
		fail(l, EXIT_CONFIG);
	}
	buf_init(&said, TEXT_MAX_BYTES);
	bool good = probe_ask(host, (uint16_t)port, path, &said);
	fwrite(said.p, 1, said.len, good ? stdout : stderr);
	buf_fini(&said);
	exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void print_and_exit(struct buf *text)
{
	bool written = fwrite(text->p, 1, text->len, stdout) == text->len && fflush(stdout) == 0;

	buf_fini(text);
	exit(written ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void fail(struct loading *l, int status)
{
	fprintf(stderr, "%s: %.*s\n", l->table->program, SPAN_ARGS(buf_span(&l->why)));
	exit(status);
}
