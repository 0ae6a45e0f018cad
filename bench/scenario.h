/* SPDX-License-Identifier: Apache-2.0 */
/* A scenario: a small INI file (bench/scenarios/), every row of which has a default. Its strings
 * live until scenario_fini. */
#pragma once

#include "common/options.h"

#define OPTIONS_DEF "bench/scenario.def"
#define OPTIONS_STRUCT scenario
#include "common/options_table.h"

void scenario_init(struct scenario *); /* every default */
void scenario_fini(struct scenario *);
/* Errors: BAD_REQUEST, with file and line in `why`. */
MUST_USE enum err scenario_read(struct scenario *, struct span text, const char *file_name,
				struct buf *why);
/* `row` is "say.cast=100". */
MUST_USE enum err scenario_set(struct scenario *, const char *row, struct buf *why);
/* Rows that do not go together. Errors: BAD_REQUEST. */
MUST_USE enum err scenario_check(const struct scenario *, struct buf *why);
void scenario_put_json(const struct scenario *, struct buf *); /* for programs: times in ms */
void scenario_put_rows(struct buf *);                          /* for people: what there is */

/* Where people are: rooms are full, but the last one. */
size_t scenario_rooms(const struct scenario *);
size_t scenario_people_of(const struct scenario *, size_t room);
size_t scenario_room_of(const struct scenario *, size_t person);
/* Which of the addresses a person tries first, counted on around them. */
size_t scenario_gateway_of(const struct scenario *, size_t person);
