/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL, one statement after the other: the only file here that speaks libpq. common/pg.c is
 * for processes that must never wait. */
#pragma once

#include "deploy/ctl/command.h"

struct database;

/* NULL: said why, without the password. */
MUST_USE struct database *database_open(struct ctl *);
void database_close(struct database **);
/* Several statements, as one would type them. False: said why. */
MUST_USE bool database_run(struct database *, const char *sql);
/* One statement; at most 4 parameters, NULL being NULL; all rows' first columns, each on a line,
 * into `out`. False: said why. */
MUST_USE bool database_ask(struct database *, const char *sql, const char *const *params,
			   size_t count, struct buf *out);
