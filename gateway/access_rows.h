/* SPDX-License-Identifier: Apache-2.0 */
/* What authorize(), session_lookup() and service_authorize() are asked with, and how their one row
 * is read. An application may have put its own functions in their place, so nothing about the row
 * is believed before it was looked at. Pure. Owner: access.c. */
#pragma once

#include "common/pg.h"
#include "gateway/access.h"

extern const char access_authorize_sql[]; /* session, kind, id */
extern const char access_whoami_sql[];    /* session */
extern const char access_key_sql[];       /* key, kind, id */

/* The spans of `out` borrow `rows`, its user is the caller's; a name that is too long is cut.
 * Errors: DB_REFUSED: not one row, or one with an id, address or role that no room could carry
 * (said in the log). */
MUST_USE enum err access_rows_read(const struct pg_rows *, struct access_answer *out);
struct span
access_rows_mark(const struct pg_rows *); /* what NOTIFY moot_access calls the session */
