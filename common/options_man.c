/* SPDX-License-Identifier: Apache-2.0 */
#include "common/options_man.h"

#include "common/options_value.h"

static void put_option(struct buf *, const struct option_table *, const struct option_row *);

static const char before[] =
	"[\\-c FILE] [\\-\\-OPTION VALUE]...\n"
	".SH DESCRIPTION\n"
	"Every option is a flag, a key of the INI file that\n.B \\-c\nnames, and a variable of the "
	"environment.\nFlags win over the environment, the environment over the file.\n"
	"A secret can be in a file of its own, named by its variable with _FILE behind it.\n"
	"What has to be known before a start:\n"
	".B \\-\\-check\\-config\nsays whether all of it is good,\n"
	".B \\-\\-print\\-config\nwhere each value comes from.\n";
static const char after[] =
	".SH SIGNALS\n"
	".TP\n.B SIGTERM, SIGINT\nLeave in order. The second one: at once.\n"
	".TP\n.B SIGHUP\nRead the settings again. What is marked with SIGHUP is changed, for the "
	"rest the log says that a restart is needed. Settings that are no good change nothing.\n"
	".SH EXIT STATUS\n"
	".TP\n.B 0\nIt has left in order.\n.TP\n.B 1\nIt failed; the log says why.\n"
	".TP\n.B 2\nA flag is wrong.\n"
	".TP\n.B 78\nThe file or a variable is wrong: starting it again does not help.\n"
	".SH SEE ALSO\nmootctl(1)\n";

void options_put_man(const struct option_table *t, struct buf *to)
{
	man_put_head(to, t->program, 8, t->version, t->summary);
	buf_put_str(to, ".B ");
	man_put_text(to, t->program);
	buf_put_u8(to, '\n');
	buf_put_str(to, before);
	man_put_options(t, to);
	buf_put_str(to, after);
}

void man_put_head(struct buf *to, const char *program, unsigned section, const char *version,
		  const char *summary)
{
	buf_put_str(to, ".TH ");
	man_put_text(to, program);
	buf_printf(to, " %u \"\" \"Moothall ", section);
	man_put_text(to, version);
	buf_put_str(to, "\"\n.SH NAME\n");
	man_put_text(to, program);
	buf_put_str(to, " \\- ");
	man_put_text(to, summary);
	buf_put_str(to, "\n.SH SYNOPSIS\n");
}

void man_put_options(const struct option_table *t, struct buf *to)
{
	buf_put_str(to, ".SH OPTIONS\n");
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].name) {
			put_option(to, t, &t->rows[i]);
			continue;
		}
		buf_put_str(to, ".SS ");
		man_put_text(to, t->rows[i].section);
		buf_put_u8(to, '\n');
		man_put_text(to, t->rows[i].help);
		buf_put_u8(to, '\n');
	}
}

void man_put_text(struct buf *to, const char *text)
{
	for (const char *at = text; *at; at++)
		if (*at == '\\')
			buf_put_str(to, "\\e");
		else if (*at == '-')
			buf_put_str(to, "\\-");
		else if ((*at == '.' || *at == '\'') && at == text)
			buf_printf(to, "\\&%c", *at);
		else
			buf_put_u8(to, (uint8_t)*at);
}

static void put_option(struct buf *to, const struct option_table *t, const struct option_row *row)
{
	char flag[OPTION_NAME_MAX], variable[OPTION_NAME_MAX];

	option_flag(row, flag);
	option_env(row, variable);
	buf_put_str(to, ".TP\n.BR ");
	man_put_text(to, flag);
	buf_put_str(to, " \" (");
	man_put_text(to, variable);
	buf_put_str(to, ")\"\n");
	man_put_text(to, row->help);
	if (row->fallback[0]) {
		struct buf text;

		buf_init(&text, 1024);
		option_put_fallback(row, &text);
		buf_put_u8(&text, 0);
		buf_put_str(to, " Default: ");
		man_put_text(to, (const char *)text.p);
		buf_put_u8(to, '.');
		buf_fini(&text);
	}
	buf_put_str(to, option_is_live(t, row) ? " SIGHUP.\n" : "\n");
}
