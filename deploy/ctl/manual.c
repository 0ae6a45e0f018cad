/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/manual.h"

#include <ctype.h>

#include "common/json.h"
#include "common/options_man.h"
#include "deploy/ctl/acts.h"

static void put_exit_codes(struct buf *, bool is_page);
static void put_choices(struct buf *, const char *args);

static const struct {
	int code;
	const char *meaning;
} exit_codes[] = {
	{CTL_DONE, "Done."},
	{CTL_FAILED, "It was refused, or somebody cannot be reached; standard error says why."},
	{CTL_USAGE, "Wrong usage."},
	{CTL_NOT_READY, "status: a process is not ready. sql-migrate check: a step is missing."},
	{78, "A variable of the environment is no good."},
};

int act_help(struct ctl *c)
{
	const struct command *about = c->args[0] ? command_find(c->args[0]) : NULL;

	if (c->args[0] && !about)
		return ctl_fail(c, "there is no command \"%s\"; mootctl help lists them",
				c->args[0]);
	if (c->json)
		manual_put_json(&c->out);
	else if (about)
		manual_put_command(about, &c->out);
	else
		manual_put_help(&c->out);
	return CTL_DONE;
}

int act_completion(struct ctl *c)
{
	manual_put_bash(&c->out);
	return CTL_DONE;
}

void manual_put_help(struct buf *out)
{
	buf_printf(out, "Usage: mootctl [--OPTION VALUE]... [--json] COMMAND [ARGUMENT]...\n%s\n\n",
		   ctl_option_table.summary);
	for (size_t i = 0; i < command_count; i++) {
		size_t len = span_str(commands[i].name).len + span_str(commands[i].args).len + 1;

		buf_printf(out, "  %s %s%*s", commands[i].name, commands[i].args,
			   len < 34 ? (int)(34 - len) : 1, "");
		buf_printf(out, "%s\n", commands[i].sentence);
	}
	buf_put_str(out,
		    "\nOptions, each also a variable: --internal-urls is MOOT_INTERNAL_URLS.\n");
	options_put_flags(&ctl_option_table, out);
	buf_put_str(out, "      --json                      answer in JSON\n"
			 "      --version\n\n"
			 "Exit codes:\n");
	put_exit_codes(out, false);
}

void manual_put_command(const struct command *c, struct buf *out)
{
	buf_printf(out, "mootctl %s%s%s\n%s\n", c->name, c->args[0] ? " " : "", c->args,
		   c->sentence);
	if (c->manual[0])
		buf_printf(out, "\n%s\n", c->manual);
}

void manual_put_json(struct buf *out)
{
	buf_put_u8(out, '[');
	for (size_t i = 0; i < command_count; i++) {
		buf_printf(out, "%s{\"name\":\"%s\",\"args\":", i > 0 ? ",\n" : "",
			   commands[i].name);
		json_put_string(out, span_str(commands[i].args));
		buf_put_str(out, ",\"sentence\":");
		json_put_string(out, span_str(commands[i].sentence));
		buf_put_u8(out, '}');
	}
	buf_put_str(out, "]\n");
}

void manual_put_page(struct buf *out)
{
	man_put_head(out, "mootctl", 1, ctl_option_table.version, ctl_option_table.summary);
	buf_put_str(out, ".B mootctl\n[\\-\\-OPTION VALUE]... [\\-\\-json] COMMAND [ARGUMENT]...\n"
			 ".SH COMMANDS\n");
	for (size_t i = 0; i < command_count; i++) {
		buf_put_str(out, ".TP\n.B ");
		man_put_text(out, commands[i].name);
		buf_put_str(out, commands[i].args[0] ? " " : "");
		man_put_text(out, commands[i].args);
		buf_put_u8(out, '\n');
		man_put_text(out, commands[i].sentence);
		buf_put_u8(out, '\n');
		man_put_text(out, commands[i].manual);
		buf_put_str(out, commands[i].manual[0] ? "\n" : "");
	}
	man_put_options(&ctl_option_table, out);
	buf_put_str(out, ".TP\n.B \\-\\-json\nAnswer in JSON.\n.SH EXIT STATUS\n");
	put_exit_codes(out, true);
	buf_put_str(out, ".SH SEE ALSO\nmoot\\-gateway(8), moot\\-roomd(8)\n");
}

/* The first word that is no option is the command. */
void manual_put_bash(struct buf *out)
{
	buf_put_str(out, "# bash completion for mootctl\n_mootctl() {\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} command= i\n"
			 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			 "\t\tcase ${COMP_WORDS[i]} in\n"
			 "\t\t--json) ;;\n"
			 "\t\t--*) i=$((i + 1)) ;;\n"
			 "\t\t*) command=${COMP_WORDS[i]} && break ;;\n"
			 "\t\tesac\n\tdone\n"
			 "\tcase $cur:$command in\n"
			 "\t-*) COMPREPLY=($(compgen -W \"--json --help --version");
	options_put_flag_names(&ctl_option_table, out);
	buf_put_str(out, "\" -- \"$cur\")) ;;\n"
			 "\t*:) COMPREPLY=($(compgen -W \"");
	for (size_t i = 0; i < command_count; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", commands[i].name);
	buf_put_str(out, "\" -- \"$cur\")) ;;\n");
	for (size_t i = 0; i < command_count; i++)
		if (islower((unsigned char)commands[i].args[0]) || commands[i].args[0] == '[') {
			buf_printf(out, "\t*:%s) COMPREPLY=($(compgen -W \"", commands[i].name);
			put_choices(out, commands[i].args);
			buf_put_str(out, "\" -- \"$cur\")) ;;\n");
		}
	buf_put_str(out, "\tesac\n}\ncomplete -F _mootctl mootctl\n");
}

static void put_exit_codes(struct buf *out, bool is_page)
{
	for (size_t i = 0; i < ARRAY_LEN(exit_codes); i++)
		buf_printf(out, is_page ? ".TP\n.B %d\n%s\n" : "  %-3d %s\n", exit_codes[i].code,
			   exit_codes[i].meaning);
}

/* The words of the first argument that are to be typed as they are. */
static void put_choices(struct buf *out, const char *args)
{
	struct span rest = span_str(args);
	struct span first = span_until(&rest, ' ');

	for (size_t i = 0; i < first.len; i++)
		if (first.p[i] == '|')
			buf_put_u8(out, ' ');
		else if (first.p[i] != '[' && first.p[i] != ']' && !isupper(first.p[i]))
			buf_put_u8(out, first.p[i]);
}
