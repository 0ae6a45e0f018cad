/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation as a file: one JSON object a line. {"from":client,"text":frame,...} and
 * {"to":client,"text":frame} are messages; the other lines are about connections (open, close,
 * lost, closed) or begin a scene. Values live until the next line. Everything asserts. */
#pragma once

#include "common/err.h"
#include "common/span.h"

#define LINE_BYTES (1 << 16)

/* Call `check` with each line that is a message; how many there were. */
size_t transcript_check(const char *path, void (*check)(struct span line));

struct span member_of(struct span object, const char *name); /* raw; empty: there is none */
struct span text_of(struct span object, const char *name);   /* unescaped; empty: likewise */
uint64_t number_of(struct span object, const char *name);    /* 0: likewise */
int64_t time_of(struct span object, const char *name);       /* ISO 8601 as unix ms */
enum err err_of(struct span object, const char *name);       /* in any case; OK: likewise */
