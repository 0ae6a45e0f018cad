/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "bench/client.h"
#include "bench/cost.h"
#include "common/mem.h"
#include "common/options_ini.h"

#define DESCRIPTORS_BESIDES 64
#define FIRST_MAX 1e9
#define NAME_MAX_LEN 64

struct asked { /* by the command line */
	struct scenario scenario;
	struct bench_plan plan;
	const char *to, *from, *json;
	char name[NAME_MAX_LEN];
};

static int run(int argc, char **argv);
static int people(int argc, char **argv);
static int print(int argc, char **argv);
static int rows(int argc, char **argv);
static bool asked_read(struct asked *, int argc, char **argv);
static bool take(struct asked *, int option, const char *text);
static bool scenario_load(struct asked *, const char *path);
static bool set_row(struct asked *, const char *row);
static bool set_seconds(struct asked *, const char *text);
static bool plan_complete(struct asked *);
static bool descriptors_raise(size_t wanted);
static bool complain(const char *what, const char *detail);

const struct command commands[] = {
	{"run", "SCENARIO --to HOST:PORT[,...] [options]", "load the servers as the file says",
	 run},
	{"people", "SCENARIO [--first N]", "SQL that makes its users, sessions and submissions",
	 people},
	{"print", "SCENARIO", "the file with every default, as JSON", print},
	{"rows", "", "everything a scenario file may say, with the defaults", rows},
};
const size_t command_count = ARRAY_LEN(commands);

enum option_key { TO = 1, FROM, SET, SECONDS, SERVERS, LABEL, FIRST, SERVER, CONTROL, JSON, HTML };

static const struct {
	struct option is;
	const char *value, *help;
} table[] = {
	{{"to", 1, NULL, TO}, "HOST:PORT[,...]", "gateways; person i begins with the i-th"},
	{{"from", 1, NULL, FROM},
	 "ADDRESS[,...]",
	 "source addresses, in turn (default: on loopback one for each 10,000 people, 127.0.0.1 "
	 "and up)"},
	{{"set", 1, NULL, SET},
	 "SECTION.ROW=VALUE",
	 "instead of what the file says; any number of "
	 "them"},
	{{"seconds", 1, NULL, SECONDS}, "N", "the same as --set time.load=Ns"},
	{{"servers", 1, NULL, SERVERS},
	 "PID[,...]",
	 "processes on this host whose CPU and memory "
	 "are shown"},
	{{"label", 1, NULL, LABEL}, "TEXT", "what the servers are called in the reports"},
	{{"first", 1, NULL, FIRST},
	 "N",
	 "number of the first person and room: several processes "
	 "side by side"},
	{{"server", 1, NULL, SERVER},
	 "limit|socketio|centrifugo",
	 "what is loaded is no Moothall, and knows casts alone: moot-limit, a server of "
	 "bench/rivals"},
	{{"control", 0, NULL, CONTROL},
	 "",
	 "read mark, spare, demand, pids, end from standard "
	 "input"},
	{{"json", 1, NULL, JSON},
	 "FILE",
	 "a line for each phase, second, mark, and the result; "
	 "- is standard output"},
	{{"html", 1, NULL, HTML}, "FILE", "a report with plots, in one file"},
};

void commands_put_help(FILE *to)
{
	fputs("moot-bench: load Moothall over its public protocols, check what everybody is shown, "
	      "and measure\n\n",
	      to);
	for (size_t i = 0; i < command_count; i++)
		fprintf(to, "  moot-bench %s %s\n      %s\n", commands[i].name, commands[i].use,
			commands[i].help);
	fputs("\nOptions of run:\n", to);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		fprintf(to, "  --%s %s\n      %s\n", table[i].is.name, table[i].value,
			table[i].help);
	fputs("\nLatency counts from the moment at which a message should have been sent. Every "
	      "run "
	      "ends with what was\nlost, duplicated, reordered or falsely shown, and with 0 only "
	      "if "
	      "all of that is 0 and the limits of the\nscenario were kept; with 1 otherwise, with "
	      "2 "
	      "when it could not begin. Ctrl-C ends the load, not the checks.\nThe scenarios are "
	      "in "
	      "bench/scenarios; docs/bench.md says more.\n",
	      to);
}

static int run(int argc, char **argv)
{
	struct asked a;
	bool is_good = false;
	int code = 2;

	if (asked_read(&a, argc, argv) && plan_complete(&a)) {
		is_good = bench_run(&a.plan);
		code = is_good ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	scenario_fini(&a.scenario);
	return code;
}

static int people(int argc, char **argv)
{
	struct asked a;
	bool is_read = asked_read(&a, argc, argv);

	if (is_read) {
		size_t first = a.plan.first, last = first + (size_t)a.scenario.people_count - 1;

		printf("INSERT INTO users (id, name, email, user_type) SELECT 'bench-' || i, "
		       "'Bench ' || i, 'bench-' || i || '@example.org', 'Admin' FROM "
		       "generate_series(%zu, %zu) i ON CONFLICT DO NOTHING;\n"
		       "INSERT INTO sessions (id, user_id, expires_at) SELECT 'bench-' || i, "
		       "'bench-' || i, now() + interval '30 days' FROM generate_series(%zu, %zu) i "
		       "ON CONFLICT DO NOTHING;\n"
		       "INSERT INTO submissions (id) SELECT 'bench-' || i FROM "
		       "generate_series(%zu, %zu) i ON CONFLICT DO NOTHING;\n",
		       first, last, first, last, first, first + scenario_rooms(&a.scenario) - 1);
	}
	scenario_fini(&a.scenario);
	return is_read ? EXIT_SUCCESS : 2;
}

static int print(int argc, char **argv)
{
	struct asked a;
	struct buf out;
	bool is_read = asked_read(&a, argc, argv);

	buf_init(&out, 1u << 20);
	if (is_read) {
		scenario_put_json(&a.scenario, &out);
		printf("%.*s\n", SPAN_ARGS(buf_span(&out)));
	}
	buf_fini(&out);
	scenario_fini(&a.scenario);
	return is_read ? EXIT_SUCCESS : 2;
}

static int rows(int argc, char **argv)
{
	struct buf out;

	(void)argv;
	if (argc > 1) {
		complain("rows", "takes nothing");
		return 2;
	}
	buf_init(&out, 1u << 20);
	scenario_put_rows(&out);
	printf("%.*s", SPAN_ARGS(buf_span(&out)));
	buf_fini(&out);
	return EXIT_SUCCESS;
}

/* The file first, whatever the order: what is set on the command line counts more. */
static bool asked_read(struct asked *a, int argc, char **argv)
{
	struct option known[ARRAY_LEN(table) + 1] = {{NULL, 0, NULL, 0}};
	struct buf why;
	int option;

	static char program[] = "moot-bench"; /* in what getopt says */

	argv[0] = program;
	*a = (struct asked){.plan = {.label = "", .pids = "", .table = stdout}};
	a->plan.scenario = &a->scenario;
	a->plan.name = a->name;
	scenario_init(&a->scenario);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		known[i] = table[i].is;
	opterr = 0;
	while (getopt_long(argc, argv, "", known, NULL) != -1)
		; /* moves the file to the end */
	opterr = 1;
	if (optind != argc - 1 || !scenario_load(a, argv[optind]))
		return optind != argc - 1 ? complain("one scenario is needed", "see --help")
					  : false;
	optind = 0; /* once more from the beginning */
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (!take(a, option, optarg))
			return false;
	buf_init(&why, 1024);
	bool is_good = !scenario_check(&a->scenario, &why);
	buf_put_u8(&why, '\0');
	if (!is_good)
		complain(a->name, (const char *)why.p);
	buf_fini(&why);
	return is_good;
}

static bool take(struct asked *a, int option, const char *text)
{
	struct cost_meter meter = {.count = 0};
	char *end;

	switch (option) {
	case TO:
		a->to = text;
		return true;
	case FROM:
		a->from = text;
		return true;
	case SET:
		return set_row(a, text);
	case SECONDS:
		return set_seconds(a, text);
	case SERVERS:
		a->plan.pids = text;
		return cost_watch(&meter, text) ||
		       complain("--servers", "takes process ids, separated by commas");
	case LABEL:
		a->plan.label = text;
		return true;
	case FIRST:
		a->plan.first = (size_t)strtoul(text, &end, 10);
		return (*text && !*end && (double)a->plan.first < FIRST_MAX) ||
		       complain("--first", "takes a number from 0");
	case SERVER:
		a->plan.foreign = dialect_find(text);
		return a->plan.foreign ||
		       complain("--server", "takes limit, socketio or centrifugo");
	case CONTROL:
		a->plan.reads_input = true;
		return true;
	case JSON:
		a->json = text;
		return true;
	case HTML:
		a->plan.html_path = text;
		return true;
	default:
		return false; /* getopt has complained */
	}
}

static bool scenario_load(struct asked *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf why;
	bool is_good = false;

	snprintf(a->name, sizeof a->name, "%s", slash ? slash + 1 : path);
	a->name[strcspn(a->name, ".")] = '\0';
	buf_init(&why, 4096);
	char *text = options_text(path, &why);
	if (text)
		is_good = !scenario_read(&a->scenario, span_str(text), path, &why);
	buf_put_u8(&why, '\0');
	if (!is_good)
		complain((const char *)why.p, NULL);
	mem_free(text);
	buf_fini(&why);
	return is_good;
}

static bool set_row(struct asked *a, const char *row)
{
	struct buf why;

	buf_init(&why, 1024);
	bool is_good = !scenario_set(&a->scenario, row, &why);
	buf_put_u8(&why, '\0');
	if (!is_good)
		complain("--set", (const char *)why.p);
	buf_fini(&why);
	return is_good;
}

static bool set_seconds(struct asked *a, const char *text)
{
	char row[64];

	snprintf(row, sizeof row, "time.load=%.32ss", text);
	return set_row(a, row);
}

static bool plan_complete(struct asked *a)
{
	struct bench_plan *p = &a->plan;
	struct buf why;

	buf_init(&why, 1024);
	bool is_good = !targets_read(&p->to, a->to ? a->to : "", true, &why) &&
		       (!a->from || !targets_read(&p->from, a->from, false, &why));
	buf_put_u8(&why, '\0');
	if (!is_good)
		complain(p->to.count && a->from ? "--from" : "--to", (const char *)why.p);
	buf_fini(&why);
	if (is_good && !a->from)
		targets_spread(&p->from, &p->to, (size_t)a->scenario.people_count);
	if (is_good && a->json) {
		bool is_stdout = !strcmp(a->json, "-");

		p->json = is_stdout ? stdout : fopen(a->json, "we");
		p->table = is_stdout ? stderr : stdout;
		is_good = p->json || complain(a->json, strerror(errno));
	}
	return is_good && descriptors_raise((size_t)a->scenario.people_count);
}

static bool descriptors_raise(size_t people)
{
	struct rlimit limit;
	char text[128];

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max >= people + DESCRIPTORS_BESIDES)
		return true;
	snprintf(text, sizeof text,
		 "%zu people need as many file descriptors, and a process may have %llu here",
		 people, (unsigned long long)limit.rlim_max);
	return complain("people.count", text);
}

static bool complain(const char *what, const char *detail)
{
	if (detail)
		fprintf(stderr, "moot-bench: %s: %s\n", what, detail);
	else
		fprintf(stderr, "moot-bench: %s\n", what);
	return false;
}
