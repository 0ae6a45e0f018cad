/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of commands.def. */
#pragma once

#include "deploy/ctl/command.h"

#define COMMAND(name, function, args, least, most, sentence, manual)                               \
	int act_##function(struct ctl *);
#include "deploy/ctl/commands.def"
#undef COMMAND
