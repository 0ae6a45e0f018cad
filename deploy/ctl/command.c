/* SPDX-License-Identifier: Apache-2.0 */
#include "deploy/ctl/command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "deploy/ctl/acts.h"

static bool is_choice(struct span word);
static bool has(struct span choices, const char *word);

const struct command commands[] = {
#define COMMAND(name, function, args, least, most, sentence, manual)                               \
	{name, act_##function, args, least, most, sentence, manual},
#include "deploy/ctl/commands.def"
#undef COMMAND
};
const size_t command_count = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

bool command_takes(const struct command *c, struct ctl *ctl)
{
	struct span words = span_str(c->args);

	if (ctl->arg_count < c->least || ctl->arg_count > c->most) {
		(void)ctl_fail(ctl, "mootctl %s takes %s; see mootctl help %s", c->name,
			       c->args[0] ? c->args : "no arguments", c->name);
		return false;
	}
	for (size_t i = 0; i < ctl->arg_count; i++) {
		struct span word = span_until(&words, ' ');

		if (!is_choice(word) || has(word, ctl->args[i]))
			continue;
		(void)ctl_fail(ctl, "mootctl %s takes %.*s, not \"%s\"", c->name, SPAN_ARGS(word),
			       ctl->args[i]);
		return false;
	}
	return true;
}

void ctl_flush(struct ctl *c)
{
	if (c->out.len > 0)
		fwrite(c->out.p, 1, c->out.len, stdout);
	fflush(stdout);
	buf_clear(&c->out);
}

static bool is_choice(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (isupper(word.p[i]))
			return false;
	return word.len > 0;
}

static bool has(struct span choices, const char *word)
{
	if (choices.p[0] == '[')
		choices = span_of(choices.p + 1, choices.len - 2);
	while (choices.len > 0)
		if (span_is(span_until(&choices, '|'), word))
			return true;
	return false;
}
