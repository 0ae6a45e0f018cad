/* SPDX-License-Identifier: Apache-2.0 */
/* The root object of moot-roomd: the loop, the bus, the store, the internal port, and the shard
 * between them. Drains on SIGTERM. Thread: loop. */
#pragma once

#include "roomd/options.h"

#define ROOMD_NAME_LEN 64

struct roomd;
struct options_reload;

/* Both strings of `opt` and `name` are borrowed for ever. NULL: said why in the log. */
MUST_USE struct roomd *roomd_open(const struct roomd_options *, const char *name,
				  struct options_reload *);
bool roomd_run(struct roomd *); /* until it has left (true) or was declared dead (false) */
void roomd_close(struct roomd **);

/* node.name, or one made of the host's name and the process id. */
void roomd_name(const struct roomd_options *, char out[ROOMD_NAME_LEN]);
