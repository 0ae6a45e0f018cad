/* SPDX-License-Identifier: Apache-2.0 */
/* One run of mootctl: its settings, the words of its command, what it prints. Each row of
 * commands.def is a function that returns the exit code, and leaves the one line that says what
 * went wrong in `why`. */
#pragma once

#include "common/buf.h"
#include "deploy/ctl/options.h"

#define CTL_ARGS_MAX 4
#define CTL_OUT_MAX (64u << 20)

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOT_READY = 3 };

struct ctl {
	struct ctl_options opt;
	bool json;
	const char *args[CTL_ARGS_MAX]; /* of the command; NULL beyond the last */
	size_t arg_count;
	struct buf out, why;
};

typedef int command_fn(struct ctl *);

struct command {
	const char *name;
	command_fn *run;
	const char *args; /* as the manual writes them */
	size_t least, most;
	const char *sentence, *manual;
};

extern const struct command commands[];
extern const size_t command_count;

const struct command *command_find(const char *name); /* NULL: there is none */
/* Are the words as many as there may be, and those of a choice among it? Else `why` says so. */
bool command_takes(const struct command *, struct ctl *);

/* Says why, as printf does, and is CTL_FAILED. One sentence without a full stop. */
#define ctl_fail(ctl, ...)                                                                         \
	(buf_clear(&(ctl)->why), buf_printf(&(ctl)->why, __VA_ARGS__), (int)CTL_FAILED)
void ctl_flush(struct ctl *); /* to standard output, now */
