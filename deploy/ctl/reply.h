/* SPDX-License-Identifier: Apache-2.0 */
/* What a process answered, as JSON: members found by their path, and texts for people. Pure. Spans
 * borrow what was checked. */
#pragma once

#include "common/json.h"

bool reply_is_good(struct span json); /* UTF-8, and JSON that may be walked */
/* The raw value at "a.b"; p is NULL when there is none, or `json` is none. */
struct span reply_find(struct span json, const char *path);
/* A string unescaped, null as nothing, anything else as it is written. What a terminal would obey
 * is shown as '?'. */
void reply_put_text(struct span value, struct buf *out);
bool reply_is(struct span json, const char *path, const char *text);
uint64_t reply_number(struct span json, const char *path); /* 0: none */
/* The names of the members that are false, separated by ", ". */
void reply_put_false(struct span object, struct buf *out);
