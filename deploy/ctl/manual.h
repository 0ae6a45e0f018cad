/* SPDX-License-Identifier: Apache-2.0 */
/* What mootctl says of itself: help, manual page, completion; all from the two tables. Pure. */
#pragma once

#include "deploy/ctl/command.h"

void manual_put_help(struct buf *);
void manual_put_command(const struct command *, struct buf *);
void manual_put_json(struct buf *); /* [{"name":...,"args":...,"sentence":...},...] */
void manual_put_page(struct buf *); /* mootctl(1), in man(7) */
void manual_put_bash(struct buf *);
