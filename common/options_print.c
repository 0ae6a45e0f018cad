/* SPDX-License-Identifier: Apache-2.0 */
/* The options as people read them: --help, --print-sample, --print-config. */
#include "common/options_print.h"

#include <string.h>

#include "common/options_value.h"

#define FLAG_COLUMN 34

static void put_flag_line(const struct option_row *row, struct buf *to);
static const char *argument_of(const struct option_row *row);

static const char about[] =
	"\nEvery option is also a key of the INI file and a variable of the environment:\n"
	"--database-url is `url` in [database] and MOOT_DATABASE_URL. Flags win over the\n"
	"environment, the environment over the file. A secret can also be in a file of its own,\n"
	"named by MOOT_..._FILE.\n\n"
	"  -c, --config FILE               read options from an INI file\n"
	"      --check-config              read everything, say whether it is good, and exit\n"
	"      --print-config              the merged options and where each comes from\n"
	"      --print-sample              an INI file with every option and its default\n"
	"      --print-man                 the manual page, for man(1)\n"
	"      --version\n"
	"  -h, --help\n";

static const char about_asking[] =
	"      --health                    ask the process that runs with these settings whether "
	"it\n"
	"                                  lives, and exit: 0 when it does\n"
	"      --ready                     the same, whether it serves; says what it lacks\n";

void options_put_help(const struct option_table *t, struct buf *to)
{
	buf_printf(to, "Usage: %s [-c FILE] [--OPTION VALUE]...\n%s\n%s", t->program, t->summary,
		   about);
	if (options_internal_port(t))
		buf_put_str(to, about_asking);
	options_put_flags(t, to);
}

void options_put_flags(const struct option_table *t, struct buf *to)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].name)
			put_flag_line(&t->rows[i], to);
		else
			buf_printf(to, "\n%s: %s\n", t->rows[i].section, t->rows[i].help);
	}
}

void options_put_flag_names(const struct option_table *t, struct buf *to)
{
	char flag[OPTION_NAME_MAX];

	for (size_t i = 0; i < t->count; i++) {
		if (!t->rows[i].name)
			continue;
		option_flag(&t->rows[i], flag);
		buf_printf(to, " %s", flag);
	}
}

void options_put_sample(const struct option_table *t, struct buf *to)
{
	buf_printf(to, "; %s: every option with its default. Take the # away to change one.\n",
		   t->program);
	for (size_t i = 0; i < t->count; i++) {
		const struct option_row *row = &t->rows[i];
		if (!row->name) {
			buf_printf(to, "\n[%s]\n; %s\n", row->section, row->help);
			continue;
		}
		buf_printf(to, "\n; %s%s\n#%s = ", row->help,
			   option_is_live(t, row) ? " SIGHUP changes it." : "", row->name);
		option_put_fallback(row, to);
		buf_put_str(to, "\n");
	}
}

void options_put_config(const struct option_table *t, const void *out,
			const enum option_source *source, struct buf *to)
{
	static const char *const names[] = {"default", "file", "environment", "flag"};

	for (size_t i = 0; i < t->count; i++) {
		const struct option_row *row = &t->rows[i];
		if (!row->name) {
			buf_printf(to, "%s[%s]\n", i ? "\n" : "", row->section);
			continue;
		}
		buf_printf(to, "%s = ", row->name);
		option_put_value(row, out, true, to);
		buf_printf(to, " ; %s\n", names[source[i]]);
	}
}

static void put_flag_line(const struct option_row *row, struct buf *to)
{
	char flag[OPTION_NAME_MAX];
	const char *argument = argument_of(row);

	option_flag(row, flag);
	size_t len = 6 + strlen(flag) + 1 + strlen(argument);
	buf_printf(to, "      %s %s", flag, argument);
	if (len + 2 > FLAG_COLUMN) {
		buf_put_str(to, "\n");
		len = 0;
	}
	buf_printf(to, "%*s%s", (int)(FLAG_COLUMN - len), "", row->help);
	if (row->fallback[0]) {
		buf_put_str(to, " (");
		option_put_fallback(row, to);
		buf_printf(to, "%s%s)", row->kind == OPTION_NUM && row->unit[0] ? " " : "",
			   row->kind == OPTION_NUM ? row->unit : "");
	}
	buf_put_str(to, "\n");
}

static const char *argument_of(const struct option_row *row)
{
	switch (row->kind) {
	case OPTION_STR:
	case OPTION_SECRET:
		return "TEXT";
	case OPTION_FLAG:
		return "BOOL";
	case OPTION_MS:
		return "TIME";
	case OPTION_BYTES:
		return "BYTES";
	case OPTION_NUM:
		break;
	}
	return "N";
}
