/* SPDX-License-Identifier: Apache-2.0 */
/* What one sees while a run lasts, on stderr: a few lines that are drawn again each second on a
 * terminal, else one line each five seconds. */
#pragma once

#include "bench/result.h"

struct screen {
	bool is_terminal, is_drawn;
	unsigned samples;
};

void screen_open(struct screen *);
void screen_draw(struct screen *, const struct result *, const char *phase, const struct sample *);
void screen_say(struct screen *, const char *text); /* a line that stays */
void screen_close(struct screen *);                 /* takes the lines away */
