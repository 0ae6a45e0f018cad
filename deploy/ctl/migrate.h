/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of roomd/schema, in the order of their names; made at build time by embed.c. */
#pragma once

#include <stddef.h>

struct schema_step {
	const char *name, *sql;
};

extern const struct schema_step schema_steps[];
extern const size_t schema_step_count;
