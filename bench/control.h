/* SPDX-License-Identifier: Apache-2.0 */
/* What whoever started a run tells it while it lasts, a line each on its standard input:
 *   mark TEXT    something was done to the servers: shown in the report
 *   spare        from now on casts may be lost: something is being killed
 *   demand       from now on they may not be lost any more
 *   pids A,B     the servers' processes on this host, from now on
 *   end          go on to the end of the load
 * SIGINT and SIGTERM say `end`, too. */
#pragma once

#include "common/buf.h"

enum control_word {
	CONTROL_NONE, /* nothing that is known */
	CONTROL_MARK,
	CONTROL_SPARE,
	CONTROL_DEMAND,
	CONTROL_PIDS,
	CONTROL_END
};

/* Pure: the word of a line, and what comes after it. */
enum control_word control_parse(struct span line, struct span *rest);

struct control {
	int input;   /* -1: none */
	int signals; /* a signalfd */
	struct buf lines;
};

void control_open(struct control *, bool reads_input); /* takes the signals from the process */
void control_close(struct control *);
/* The next word, without waiting; `text` gets what comes after it. NONE: there is none now. */
enum control_word control_next(struct control *, char *text, size_t text_len);
